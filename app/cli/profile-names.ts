import type { ControlClient } from '../main/agent/control/client.ts';
import type { AgentSnapshot, ApiInfo, ProfileSnapshot } from '../main/agent/status.ts';
import { AgentError } from '../main/agent/errors.ts';
import { findProfile } from '../main/agent/settings/relays.ts';

/** What is known of the profiles, as the running Latchkey tells it. */
type Known = Pick<AgentSnapshot, 'status' | 'apis' | 'profiles'>;

/** The APIs that a command is about. */
export interface Meant {
  /** Under the names that they have on the command line: `billing`; with several profiles `acme/billing`. */
  readonly apis: readonly ApiInfo[];
  /** Those of which the APIs are not known, since nobody is signed in there; empty while there is one profile. */
  readonly signedOut: readonly string[];
  readonly isSignedIn: boolean;
}

/**
 * Gives an API the name that it has beside those of other profiles.
 *
 * @param profile whose it is
 * @returns renames an API: `acme/billing`
 */
export function inProfile(profile: string): (api: ApiInfo) => ApiInfo {
  return (api) => ({ ...api, name: `${profile}/${api.name}` });
}

/**
 * Asks what there is.
 *
 * @param client of the running Latchkey
 * @param profile by `--profile`
 * @returns the snapshot
 * @throws {AgentError} `unknown_profile`, `not_running`
 */
export async function knownTo(
  client: ControlClient,
  profile: string | undefined,
): Promise<AgentSnapshot> {
  // The only profile is named in no snapshot; whoever runs knows it.
  if (profile !== undefined) await client.profileStatus(profile);
  return client.status();
}

/**
 * Collects the APIs of all profiles, or of the one that was named.
 *
 * @param known what the running Latchkey tells
 * @param name by `--profile`
 * @returns the APIs, under names that tell them apart
 * @throws {AgentError} `unknown_profile`
 */
export function meantApis(known: Known, name: string | undefined): Meant {
  const { apis, profiles, status } = known;
  if (profiles === undefined) {
    return { apis, signedOut: [], isSignedIn: isSignedIn({ status }) };
  }
  const chosen = name === undefined ? profiles : [findProfile(profiles, name, nameOf)];
  return {
    apis: chosen.flatMap((profile) => profile.apis.map(inProfile(profile.name))),
    signedOut: chosen.filter((profile) => !isSignedIn(profile)).map(nameOf),
    isSignedIn: chosen.some(isSignedIn),
  };
}

/**
 * Reads what `--api` and `--profile` limit a key to.
 *
 * @param known what the running Latchkey tells
 * @param profile by `--profile`
 * @param apis by `--api`
 * @returns names of APIs as keys have them; undefined for no limit
 * @throws {AgentError} `bad_usage` when an API is named of which it is not clear whose it is
 */
export function keyScope(
  known: Known,
  profile: string | undefined,
  apis: readonly string[] | undefined,
): readonly string[] | undefined {
  const { profiles } = known;
  if (profiles === undefined) return apis;
  if (profile !== undefined) {
    findProfile(profiles, profile, nameOf);
    return apis?.map((api) => (api.includes('/') ? api : `${profile}/${api}`)) ?? [`${profile}/*`];
  }
  const bare = apis?.find((api) => !api.includes('/'));
  if (bare === undefined) return apis;
  const ways = profiles.map((each) => `${each.name}/${bare}`).join(' or ');
  throw new AgentError('bad_usage', `Several relays are set up: write --api ${ways}.`);
}

const nameOf = ({ name }: ProfileSnapshot): string => name;

function isSignedIn({ status }: Pick<AgentSnapshot, 'status'>): boolean {
  return status === 'ready' || status === 'offline';
}
