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
 * Names a socket of a data directory.
 *
 * @param dataDir absolute path
 * @param file its name there; `pipe` on Windows
 * @param platform as `process.platform`
 * @returns a socket's path, or a pipe's name on Windows; undefined where the path is too long for a socket
 */
export function socketAddress(
  dataDir: string,
  { file, pipe }: { readonly file: string; readonly pipe: string },
  platform: NodeJS.Platform = process.platform,
): string | undefined {
  if (platform === 'win32') {
    const mark = createHash('sha256').update(dataDir.toLowerCase()).digest('hex').slice(0, 12);
    return `\\\\.\\pipe\\${pipe}-${userInfo().username}-${mark}`;
  }
  const path = join(dataDir, file);
  return Buffer.byteLength(path) <= longestPathBytes ? path : undefined;
}

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
  const address = socketAddress(dataDir, { file: 'control.sock', pipe: 'latchkey' }, platform);
  if (address !== undefined) return address;
  throw new AgentError(
    'bad_settings',
    `The data directory's path is too long for a socket (at most ${longestPathBytes - '/control.sock'.length} bytes). Choose a shorter one with --data-dir or LATCHKEY_DATA_DIR.`,
  );
}
