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
    const unfit = unfitness(dir, mode);
    if (unfit !== undefined) throw new Error(unfit);
    if (isOpen(mode)) chmodSync(dir, 0o700);
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

/**
 * Tells why a directory is no place of Latchkey's. What must stay open to others cannot be made private, and what
 * holds everything else of a person is not Latchkey's, however private it is.
 *
 * @param dir a directory that is there
 * @param mode its mode, as `stat` tells
 * @returns the reason, or `undefined` when it is private, or may be made so
 */
export function unfitness(dir: string, mode: number): string | undefined {
  const place = realpathSync(dir);
  if (dirname(place) === place) return 'it is the root of the file system';
  if (isSame(place, homedir())) return 'it is your home folder';
  const shared = isOpen(mode) ? sharedUse(place) : undefined;
  return shared && `others may enter it, and ${shared}`;
}

function isOpen(mode: number): boolean {
  return (mode & 0o077) !== 0;
}

/** Why a directory must stay open to others. */
function sharedUse(place: string): string | undefined {
  const foreign = readdirSync(place).find((name) => !ours.test(name));
  if (foreign !== undefined) {
    return `it holds ${JSON.stringify(foreign)}, which is not Latchkey's: making it private would close that, too`;
  }
  return isSame(place, process.cwd()) ? 'it is the current folder' : undefined;
}

function isSame(place: string, other: string): boolean {
  return existsSync(other) && realpathSync(other) === place;
}
