import type { AgentDeps } from './agent-deps.ts';
import { AgentError } from './errors.ts';
import { parseRelayUrl } from './login/outbound.ts';
import { profileDirs } from './settings/profile-dirs.ts';
import { findProfile, nameRelays, profileName, type NamedRelay } from './settings/relays.ts';

/** What one profile is made from. */
export interface ProfileSetup {
  /** As in paths and on the command line: `acme`. */
  readonly name: string;
  /** As in the settings: `Acme Ltd`. */
  readonly title: string;
  /** Absent until one is set. */
  readonly relay: URL | undefined;
  /** Absolute path: its session and audit. */
  readonly dir: string;
  /** A port of its own. */
  readonly port?: number;
}

/** The profiles of one run. */
export interface ProfileSetups {
  /** Never empty: until a relay is set, there is one without. */
  readonly setups: readonly [ProfileSetup, ...ProfileSetup[]];
  /** Which of the settings' profiles has the data directory itself; absent where that is not to be written down. */
  readonly root: string | undefined;
}

/**
 * Finds out which profiles there are: the relay or the profile that was asked for, or each of the settings.
 *
 * @param deps settings, data directory, and what was asked for
 * @returns the profiles, in the order of the settings
 * @throws {AgentError} `bad_settings` when `relay` is no address, `unknown_profile`, `bad_usage` when there is
 *   no relay for a machine or a device to sign in to, or it is not clear which one
 */
export function profileSetups(
  deps: Pick<AgentDeps, 'dataDir' | 'profile' | 'relay' | 'settings' | 'signInBy'>,
): ProfileSetups {
  const { dataDir } = deps;
  const { named } = nameRelays(deps.settings.get('relays'));
  const dirs = profileDirs(
    dataDir,
    named.map(({ profile }) => profile),
  );
  const toSetup = ({ profile, name, url, port }: NamedRelay): ProfileSetup => ({
    name: profile,
    title: name,
    relay: parseRelayUrl(url),
    dir: dirs.dirOf(profile),
    ...(port === undefined ? {} : { port }),
  });
  const { root } = dirs;
  if (deps.relay !== undefined) {
    const relay = parseRelayUrl(deps.relay);
    const known = named.find(({ url }) => parseRelayUrl(url).origin === relay.origin);
    if (known !== undefined) return { setups: [toSetup(known)], root };
    const { host } = relay;
    return {
      setups: [{ name: profileName(host), title: host, relay, dir: dataDir }],
      root: undefined,
    };
  }
  if (deps.profile !== undefined) {
    const found = findProfile(named, deps.profile, ({ profile }) => profile);
    return { setups: [toSetup(found)], root };
  }
  const [first, ...others] = named.map(toSetup);
  if (first === undefined) {
    if (deps.signInBy !== undefined)
      throw new AgentError('bad_usage', 'No relay is set up: add --relay URL.');
    return {
      setups: [{ name: 'relay', title: 'Relay', relay: undefined, dir: dataDir }],
      root: undefined,
    };
  }
  if (others.length > 0 && deps.signInBy !== undefined) {
    const names = named.map(({ profile }) => profile).join(', ');
    throw new AgentError(
      'bad_usage',
      `Several relays are set up (${names}). Say for which one to sign in: --profile ${first.name}, or --relay URL.`,
    );
  }
  return { setups: [first, ...others], root };
}
