import { createHash } from 'node:crypto';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { AgentError } from '../errors.ts';

/** Both ends name the version they speak, in this header, on each request and answer. */
export const versionHeader = 'latchkey-control';
/** The version of the control protocol. */
export const controlVersion = '1';

// sun_path is 108 bytes on Linux and 104 on macOS, the terminating NUL included.
const longestPathBytes = 103;

/**
 * Tells where the running agent of a data directory listens for the command line.
 *
 * @param dataDir absolute path
 * @param platform as `process.platform`
 * @returns a socket's path, or a pipe's name on Windows
 * @throws {AgentError} `bad_settings` when the path is too long for a socket
 */
export function controlAddress(
  dataDir: string,
  platform: NodeJS.Platform = process.platform,
): string {
  if (platform === 'win32') {
    const mark = createHash('sha256').update(dataDir.toLowerCase()).digest('hex').slice(0, 12);
    return `\\\\.\\pipe\\latchkey-${userInfo().username}-${mark}`;
  }
  const path = join(dataDir, 'control.sock');
  if (Buffer.byteLength(path) <= longestPathBytes) return path;
  throw new AgentError(
    'bad_settings',
    `The data directory's path is too long for a socket (at most ${longestPathBytes - '/control.sock'.length} bytes). Choose a shorter one with --data-dir or LATCHKEY_DATA_DIR.`,
  );
}
