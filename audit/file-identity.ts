import { statSync } from 'node:fs';

/**
 * Tells whether a path still names the same file: an open file that was deleted can be written
 * without any error, and what is written is lost.
 *
 * @param path the file
 * @returns its device and inode, or `undefined` when nothing is there
 */
export function fileIdentity(path: string): string | undefined {
  const stats = statSync(path, { throwIfNoEntry: false });
  return stats && `${stats.dev}:${stats.ino}`;
}
