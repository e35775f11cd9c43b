import { chmodSync, existsSync, readdirSync, realpathSync, statSync } from 'node:fs';
import { homedir, userInfo } from 'node:os';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { makeDirectory } from '../../../../audit/directory.ts';
import { AgentError } from '../errors.ts';

/**
 * Tells where the app keeps its settings, audit and control socket.
 *
 * @param env `LATCHKEY_DATA_DIR` overrides; `XDG_CONFIG_HOME` and `APPDATA` are respected
 * @param platform as `process.platform`
 * @returns an absolute path; nothing is created
 */
export function dataDir(
  env: Readonly<Record<string, string | undefined>>,
  platform: NodeJS.Platform,
): string {
  const chosen = env['LATCHKEY_DATA_DIR'];
  if (chosen) return resolve(chosen);
  const home = env['HOME'] ?? homedir();
  if (platform === 'win32')
    return join(env['APPDATA'] ?? join(home, 'AppData', 'Roaming'), 'Latchkey');
  if (platform === 'darwin') return join(home, 'Library', 'Application Support', 'Latchkey');
  const xdg = env['XDG_CONFIG_HOME'];
  return join(xdg && isAbsolute(xdg) ? xdg : join(home, '.config'), 'Latchkey');
}

/**
 * Creates the data directory for this user alone. One that is there is made private only where that closes nothing
 * but Latchkey's own files.
 *
 * @param dir absolute path
 * @throws {AgentError} `bad_settings` when it belongs to another user, can't be made private, or is no place of ours
 */
export function ensureDataDir(dir: string): void {
  try {
    makeDirectory(dir, false);
    if (process.platform === 'win32') return;
    const { uid, mode } = statSync(dir);
    if (uid !== userInfo().uid) throw new Error('it belongs to another user');
    if ((mode & 0o077) === 0) return;
    const shared = sharedUse(dir);
    if (shared !== undefined) throw new Error(`others may enter it, and ${shared}`);
    chmodSync(dir, 0o700);
  } catch (error) {
    const reason = error instanceof Error ? error.message : 'unknown';
    throw new AgentError(
      'bad_settings',
      `The data directory ${dir} cannot be used (${reason}). Choose another one with --data-dir or LATCHKEY_DATA_DIR.`,
      { cause: error },
    );
  }
}

/** What Latchkey and Electron keep in a data directory. */
const ours =
  /^(?:(?:settings|tool-keys|profile)\.json(?:\.\d+\.tmp)?|session\.sealed(?:\.new)?|[\w-]+\.(?:sock|log)|audit(?:\.assertion\.key)?|profiles|chromium|Crashpad|Singleton\w+|Local State|Preferences|\.DS_Store)$/;

/** Why a directory must stay open to others. */
function sharedUse(dir: string): string | undefined {
  const place = realpathSync(dir);
  if (dirname(place) === place) return 'it is the root of the file system';
  if (isSame(place, homedir())) return 'it is your home folder';
  const foreign = readdirSync(dir).find((name) => !ours.test(name));
  if (foreign !== undefined) {
    return `it holds ${JSON.stringify(foreign)}, which is not Latchkey's: making it private would close that, too`;
  }
  return isSame(place, process.cwd()) ? 'it is the current folder' : undefined;
}

function isSame(place: string, other: string): boolean {
  return existsSync(other) && realpathSync(other) === place;
}
