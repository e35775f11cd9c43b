import { closeSync, fsyncSync, mkdirSync, openSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';

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
 * @throws what the system says of the first directory that cannot be made
 */
export function makeDirectory(dir: string, isPowerSafe: boolean): void {
  // One at a time: node's `recursive` never ends where the system says ENOENT below a directory that is there.
  for (const missing of missingDirectories(resolve(dir))) {
    makeOne(missing);
    if (isPowerSafe) syncDirectory(dirname(missing));
  }
}

/** From the outermost inwards. */
function missingDirectories(dir: string): readonly string[] {
  if (isDirectory(dir)) return [];
  const parent = dirname(dir);
  // Not even the root is there: another drive of Windows.
  return parent === dir ? [dir] : [...missingDirectories(parent), dir];
}

function makeOne(dir: string): void {
  try {
    mkdirSync(dir, { mode: 0o700 });
  } catch (error) {
    // Another process may have made it in the meantime.
    if (!isDirectory(dir)) throw error;
  }
}

function isDirectory(dir: string): boolean {
  return statSync(dir, { throwIfNoEntry: false })?.isDirectory() === true;
}
