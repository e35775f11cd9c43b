import { chmodSync, mkdirSync, statSync } from 'node:fs';
import { homedir, userInfo } from 'node:os';
import { isAbsolute, join, resolve } from 'node:path';
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
 * Creates the data directory for this user alone.
 *
 * @param dir absolute path
 * @throws {AgentError} `bad_settings` when it belongs to another user or can't be made private
 */
export function ensureDataDir(dir: string): void {
  try {
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    if (process.platform === 'win32') return;
    const { uid, mode } = statSync(dir);
    if (uid !== userInfo().uid) throw new Error('it belongs to another user');
    if ((mode & 0o077) !== 0) chmodSync(dir, 0o700);
  } catch (error) {
    const reason = error instanceof Error ? error.message : 'unknown';
    throw new AgentError(
      'bad_settings',
      `The data directory ${dir} cannot be used (${reason}). Choose another one with --data-dir or LATCHKEY_DATA_DIR.`,
      { cause: error },
    );
  }
}
