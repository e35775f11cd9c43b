import Database from 'better-sqlite3';
import { existsSync } from 'node:fs';
import { habitsPath } from './habit-store.ts';

const BUSY_MS = 5_000;

/**
 * Forgets what was learned of people, also while a relay runs: it does not write again what is gone.
 *
 * @param dir the ledger's directory
 * @param pseudonyms of the people
 * @throws when the file can't be changed
 */
export function forgetHabits(dir: string, pseudonyms: readonly string[]): void {
  const path = habitsPath(dir);
  if (!existsSync(path)) return;
  const db = new Database(path, { timeout: BUSY_MS });
  try {
    db.pragma('secure_delete = ON');
    const drop = db.prepare<[string]>('DELETE FROM habits WHERE who = ?');
    for (const who of pseudonyms) drop.run(who);
    db.pragma('wal_checkpoint(TRUNCATE)');
  } finally {
    db.close();
  }
}
