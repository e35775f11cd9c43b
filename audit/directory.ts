import { closeSync, fsyncSync, mkdirSync, openSync } from 'node:fs';
import { dirname } from 'node:path';

/**
 * Makes the names of new files in a directory survive a loss of power.
 *
 * @param dir the directory
 */
export function syncDirectory(dir: string): void {
  // Windows can't open directories; NTFS journals their entries by itself.
  if (process.platform === 'win32') return;
  const directory = openSync(dir, 'r');
  try {
    fsyncSync(directory);
  } finally {
    closeSync(directory);
  }
}

/**
 * Makes a directory that only its owner can enter, with those above it.
 *
 * @param dir the directory
 * @param isPowerSafe whether its name must survive a loss of power
 */
export function makeDirectory(dir: string, isPowerSafe: boolean): void {
  const first = mkdirSync(dir, { recursive: true, mode: 0o700 });
  if (first === undefined || !isPowerSafe) return;
  for (let at = dir; at.length >= first.length; at = dirname(at)) syncDirectory(dirname(at));
}
