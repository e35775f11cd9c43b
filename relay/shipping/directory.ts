import { open, rename, rm, type FileHandle } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/**
 * The folder in which cursors and dead letters are kept.
 *
 * @param auditDir the ledger's directory
 * @returns the path
 */
export function shippingDir(auditDir: string): string {
  return join(auditDir, 'shipping');
}

async function syncDirectory(dir: string): Promise<void> {
  // Windows has no handle of a directory to sync.
  if (process.platform === 'win32') return;
  const handle = await open(dir, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/**
 * Replaces a file as a whole, durably: a crash leaves the old one or the new one.
 *
 * @param file its path; only its owner can read it
 * @param text the new contents
 */
export async function replaceFile(file: string, text: string): Promise<void> {
  const temporary = `${file}.new`;
  await rm(temporary, { force: true });
  const handle = await open(temporary, 'wx', 0o600);
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(temporary, file);
  await syncDirectory(dirname(file));
}

/**
 * Appends to a file whole or not at all.
 *
 * @param handle opened for appending
 * @param text whole lines
 */
export async function appendWhole(handle: FileHandle, text: string): Promise<void> {
  const { size } = await handle.stat();
  try {
    await handle.appendFile(text);
    await handle.datasync();
  } catch (error) {
    // Half a line would make what follows it unreadable.
    await handle.truncate(size);
    throw error;
  }
}
