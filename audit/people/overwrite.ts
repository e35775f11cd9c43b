import { setTimeout } from 'node:timers/promises';
import type { KeyFile } from './key-file.ts';

const patienceMs = 5_000;

/**
 * Overwrites what was deleted from people's keys, or replaced: it still stands in the log, and in pages that are
 * free, until these are written anew.
 *
 * @param file the open file, outside a transaction
 * @returns whether that could be done; not while a process reads the file without end
 */
export async function overwriteDeleted({ db }: Pick<KeyFile, 'db'>): Promise<boolean> {
  if (!(await emptyLog(db))) return false;
  db.exec('VACUUM');
  return emptyLog(db);
}

async function emptyLog(db: KeyFile['db']): Promise<boolean> {
  const deadline = Date.now() + patienceMs;
  for (;;) {
    const [{ busy } = { busy: 1 }] = db.pragma('wal_checkpoint(TRUNCATE)') as { busy: number }[];
    if (busy === 0) return true;
    if (Date.now() > deadline) return false;
    await setTimeout(50);
  }
}
