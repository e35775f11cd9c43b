import { profileDirs } from '../agent/settings/profile-dirs.ts';
import { findProfile, nameRelays } from '../agent/settings/relays.ts';
import type { Settings } from '../agent/settings/settings.ts';
import type { CheckedProfile } from './check.ts';

/**
 * Finds the profile that the checks are to be about.
 *
 * @param name as on the command line; nothing for the first relay
 * @param dataDir absolute path
 * @param settings which relays there are
 * @returns its address and its directory; undefined without a name
 * @throws {AgentError} `unknown_profile`, naming those that there are
 */
export function checkedProfile(
  name: string | undefined,
  dataDir: string,
  settings: Settings,
): CheckedProfile | undefined {
  if (name === undefined) return undefined;
  const { named } = nameRelays(settings.get('relays'));
  const { profile, url } = findProfile(named, name, (each) => each.profile);
  const dirs = profileDirs(
    dataDir,
    named.map((each) => each.profile),
  );
  return { name: profile, url, dir: dirs.dirOf(profile) };
}
