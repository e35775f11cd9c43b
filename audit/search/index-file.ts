import Database from 'better-sqlite3';
import { hash } from 'node:crypto';
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { createPrivate } from '../segment.ts';

const FORMAT = 1;

/** How many numbers of the chain one entry covers: a place in it takes two bytes. */
export const CHUNK = 8192;

/** What records can be found by. */
export const TERMS = ['user', 'api', 'decision', 'code', 'kind'] as const;

const schema = `
CREATE TABLE chunks (
  first INTEGER PRIMARY KEY, last INTEGER NOT NULL, segment INTEGER NOT NULL,
  earliest TEXT NOT NULL, latest TEXT NOT NULL, hash TEXT NOT NULL
) STRICT;
CREATE INDEX chunks_segment ON chunks (segment, first);
CREATE TABLE complete (segment INTEGER PRIMARY KEY, file TEXT NOT NULL) STRICT;
CREATE TABLE postings (
  term TEXT NOT NULL, value TEXT NOT NULL, chunk INTEGER NOT NULL, places BLOB NOT NULL,
  PRIMARY KEY (term, value, chunk)
) STRICT, WITHOUT ROWID;
CREATE TABLE requests (id INTEGER NOT NULL, seq INTEGER NOT NULL, PRIMARY KEY (id, seq)) STRICT, WITHOUT ROWID;
`;

/**
 * The file that tells where records stand. It holds nothing that the segments do not say, proves nothing, and
 * may be deleted at any time.
 *
 * @param dir the ledger's directory
 * @returns the path
 */
export function indexPath(dir: string): string {
  return join(dir, 'index.sqlite');
}

/**
 * Opens the index for reading.
 *
 * @param dir the ledger's directory
 * @returns the open file; `undefined` when there is none that can be used
 */
export function readIndex(dir: string): Database.Database | undefined {
  const path = indexPath(dir);
  if (!existsSync(path)) return undefined;
  let db: Database.Database | undefined;
  try {
    db = new Database(path, { readonly: true, fileMustExist: true, timeout: 1000 });
    if (db.pragma('user_version', { simple: true }) === FORMAT) return db;
  } catch {
    // Damaged, or its writer was killed: without it all is found as well, in more time.
  }
  db?.close();
  return undefined;
}

/**
 * Opens the index for writing; one that can't be used is begun anew.
 *
 * @param dir the ledger's directory
 * @returns the open file
 */
export function writeIndex(dir: string): Database.Database {
  try {
    return openIndex(indexPath(dir));
  } catch (error) {
    if (!isUseless(error)) throw error;
    removeIndex(dir);
    return openIndex(indexPath(dir));
  }
}

/**
 * Removes the index.
 *
 * @param dir the ledger's directory
 */
export function removeIndex(dir: string): void {
  for (const suffix of ['', '-journal']) rmSync(indexPath(dir) + suffix, { force: true });
}

/**
 * Tells a damaged index from one that can't be reached just now.
 *
 * @param error what SQLite threw
 * @returns whether it is of no use any more
 */
export function isUseless(error: unknown): boolean {
  return /^SQLITE_(?:CORRUPT|NOTADB|CONSTRAINT)/.test(String((error as { code?: unknown }).code));
}

function openIndex(path: string): Database.Database {
  createPrivate(path);
  const db = new Database(path, { timeout: 5000 });
  try {
    db.pragma('page_size = 8192');
    // One plain file, which is written seldom and can be read from read-only media.
    db.pragma('journal_mode = DELETE');
    const found = db.pragma('user_version', { simple: true }) as number;
    if (found === FORMAT) return db;
    db.transaction(() => {
      if (found !== 0) throw Object.assign(new Error('another format'), { code: 'SQLITE_NOTADB' });
      db.exec(schema);
      db.pragma(`user_version = ${FORMAT}`);
    }).immediate();
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

/**
 * What a request's id is found by.
 *
 * @param requestId as recorded
 * @returns 48 bits of its hash
 */
export function requestKey(requestId: string): number {
  return Number.parseInt(hash('sha256', requestId).slice(0, 12), 16);
}
