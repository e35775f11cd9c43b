import Database from 'better-sqlite3';
import { join } from 'node:path';
import { AuditError } from './errors.ts';
import { fileIdentity } from './file-identity.ts';
import { createPrivate } from './segment.ts';

/** The right to write a ledger, held by one process at a time. */
export interface WriterLock {
  /** Whether the lock file is still the one that was locked. */
  held(): boolean;
  release(): void;
}

/**
 * Takes the exclusive right to write a ledger. The operating system gives it back when the process
 * ends, however it ends.
 *
 * @param dir the ledger's directory
 * @returns the lock
 * @throws {AuditError} `audit_locked` when another writer has it
 */
export function acquireLock(dir: string): WriterLock {
  const path = join(dir, 'writer.lock');
  createPrivate(path);
  const db = new Database(path, { timeout: 0 });
  try {
    db.pragma('journal_mode = MEMORY');
    db.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    db.close();
    throw new AuditError(
      'audit_locked',
      `another process is writing the audit in ${dir}: stop it, or use another directory`,
      { cause: error },
    );
  }
  const identity = fileIdentity(path);
  return {
    held: () => identity !== undefined && fileIdentity(path) === identity,
    release: () => {
      db.close();
    },
  };
}
