import { open, readFile, rename, rm, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { createDenylist } from './denylist.ts';
import { readEntry, writeEntry } from './entry.ts';
import type { Revocation } from './shared-state.ts';

/** Revocations in a file, so that a restart revives no token. */
export interface Journal {
  /** What the file held when it was opened and is still in force. */
  readonly entries: readonly Revocation[];
  /** Appends entries; resolves when they are on the disk. */
  readonly append: (entries: readonly Revocation[]) => Promise<void>;
  readonly close: () => Promise<void>;
}

async function readLines(file: string): Promise<readonly string[]> {
  try {
    return (await readFile(file, 'utf8')).split('\n');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [''];
    throw error;
  }
}

async function readEntries(file: string): Promise<readonly Revocation[]> {
  const lines = await readLines(file);
  // Nobody was told that a line without its end was kept: the process died while writing it.
  const torn = lines.at(-1) === '' ? undefined : readEntry(String(lines.at(-1)));
  const entries = lines.slice(0, -1).map((line, at) => {
    const entry = readEntry(line);
    if (entry === undefined)
      throw new Error(
        `${file}:${at + 1} is not a revocation, so it is not known which tokens were revoked. ` +
          'Restore the file from a backup, or delete the line and end the sessions concerned again.',
      );
    return entry;
  });
  return torn === undefined ? entries : [...entries, torn];
}

async function syncDirectory(file: string): Promise<void> {
  const handle = await open(dirname(file), 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Replaces the file as a whole: before the rename the old one is there, after it the new one. */
async function rewrite(file: string, entries: readonly Revocation[]): Promise<void> {
  const temporary = `${file}.new`;
  await rm(temporary, { force: true });
  const handle = await open(temporary, 'wx', 0o600);
  try {
    await handle.writeFile(entries.map((entry) => `${writeEntry(entry)}\n`).join(''));
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(temporary, file);
  await syncDirectory(file);
}

/** Appends whole or not at all: half a line would make the file unreadable. */
function createAppender(handle: FileHandle, startBytes: number): (text: string) => Promise<void> {
  let bytes = startBytes;
  return async (text) => {
    try {
      await handle.appendFile(text);
      await handle.datasync();
      bytes += Buffer.byteLength(text);
    } catch (error) {
      await handle.truncate(bytes);
      throw error;
    }
  };
}

/**
 * Opens the file of revocations, after rewriting it without those whose time is over.
 *
 * @param file its path, in a directory that only the relay writes
 * @param nowMs epoch ms
 * @returns what it held, and a way to append
 * @throws {Error} the file holds anything else, or cannot be read or written
 */
export async function openJournal(file: string, nowMs: number): Promise<Journal> {
  const inForce = createDenylist(Number.POSITIVE_INFINITY);
  for (const entry of await readEntries(file)) inForce.add(entry);
  inForce.forget(nowMs);
  const entries = inForce.list();
  await rewrite(file, entries);
  const handle = await open(file, 'a', 0o600);
  const append = createAppender(handle, (await handle.stat()).size);
  let last: Promise<void> = Promise.resolve();
  return {
    entries,
    append(added) {
      const text = added.map((entry) => `${writeEntry(entry)}\n`).join('');
      const appended = last.then(() => append(text));
      last = appended.catch(() => {});
      return appended;
    },
    async close() {
      await last;
      await handle.close();
    },
  };
}
