import { AgentError } from '../errors.ts';
import type { SettingValue } from './schema.ts';

/** One relay of the settings. */
export type RelaySetting = SettingValue<'relays'>[number];

/** A relay that can be used, under its short name. */
export interface NamedRelay extends RelaySetting {
  /** As in paths, names of hosts and directories, and on the command line: `acme`. */
  readonly profile: string;
}

const LONGEST_NAME = 63;
/** For the only relay whose name has no letter that a path may have: it stands in no path. */
const UNNAMED = 'relay';

/**
 * Shortens a relay's name to what paths and names of hosts can have.
 *
 * @param title as in the settings
 * @returns letters, digits and hyphens, at most 63; empty when nothing of it is left
 */
export function profileName(title: string): string {
  const words = title.toLowerCase().replace(/[^a-z0-9]+/g, '-');
  return words.replace(/^-/, '').slice(0, LONGEST_NAME).replace(/-$/, '');
}

/**
 * Names the relays of the settings. Those that could not be told apart are left out, the first one stays.
 *
 * @param relays `relays`
 * @returns the relays that are used, and what is wrong with the others
 */
export function nameRelays(relays: readonly RelaySetting[]): {
  readonly named: readonly NamedRelay[];
  readonly faults: readonly string[];
} {
  const [first] = relays;
  if (first !== undefined && relays.every(({ name }) => profileName(name) === '')) {
    const others = relays.slice(1).map((relay, at) => unusable(at + 1, relay, undefined));
    return { named: [{ ...first, profile: UNNAMED }], faults: others };
  }
  const named = new Map<string, NamedRelay>();
  const faults: string[] = [];
  for (const [at, relay] of relays.entries()) {
    const profile = profileName(relay.name);
    const same = named.get(profile);
    if (profile !== '' && same === undefined) named.set(profile, { ...relay, profile });
    else faults.push(unusable(at, relay, same));
  }
  return { named: [...named.values()], faults };
}

function unusable(at: number, { name }: RelaySetting, same: NamedRelay | undefined): string {
  const why =
    same === undefined
      ? 'has no letter from a to z and no digit'
      : `is, as ${JSON.stringify(same.profile)}, the same as ${JSON.stringify(same.name)}`;
  return `relays[${at}].name: ${JSON.stringify(name)} ${why}; this relay is not used. Give it another name`;
}

/**
 * Finds a profile by its name.
 *
 * @param profiles those that there are
 * @param name as on the command line
 * @returns the profile
 * @throws {AgentError} `unknown_profile`, naming those that there are
 */
export function findProfile<P>(
  profiles: readonly P[],
  name: string,
  nameOf: (profile: P) => string,
): P {
  const found = profiles.find((profile) => nameOf(profile) === name);
  if (found !== undefined) return found;
  const names = profiles.map(nameOf).join(', ');
  throw new AgentError(
    'unknown_profile',
    `There is no profile ${JSON.stringify(name)}. ${names === '' ? 'No relay is set up.' : `There are: ${names}.`}`,
  );
}
