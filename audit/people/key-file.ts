import Database from 'better-sqlite3';
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { AuditError } from '../errors.ts';
import { createPrivate } from '../segment.ts';
import { createKeyInUse, type KeyInUse, prove } from './key-in-use.ts';
import {
  createMasterKey,
  type MasterKey,
  masterKeyPath,
  nextKeyPath,
  readMasterKey,
} from './master-key.ts';

/** 1 was never released: nothing vouched for its events, nor for the days on which its keys were last used. */
const FORMAT = 2;
/** How often a look is taken again when the key was rotated in the middle of it. */
const attempts = 5;

const schema = `
CREATE TABLE master (proof BLOB NOT NULL) STRICT;
CREATE TABLE keys (
  who TEXT PRIMARY KEY, person BLOB NOT NULL, user BLOB, seen TEXT NOT NULL, sealed BLOB NOT NULL, mark BLOB NOT NULL
) STRICT;
CREATE INDEX keys_person ON keys (person);
CREATE INDEX keys_user ON keys (user);
CREATE TABLE holds (id TEXT PRIMARY KEY, sealed BLOB NOT NULL) STRICT;
-- what is to be recorded, and what must have been
CREATE TABLE events (id TEXT PRIMARY KEY, sealed BLOB NOT NULL) STRICT;
CREATE TABLE told (id TEXT PRIMARY KEY, sealed BLOB NOT NULL) STRICT;
`;

/** The open file of people's keys, and what opens its entries. */
export interface KeyFile {
  readonly db: Database.Database;
  readonly key: KeyInUse;
  /**
   * Reads what was there at one moment, with the master key of that moment: another process may rotate it.
   *
   * @throws {AuditError} `audit_config` when the key is not to be found
   */
  read<T>(look: (master: MasterKey) => T): T;
  close(): void;
}

/**
 * The file in which a ledger keeps people's keys.
 *
 * @param dir the ledger's directory
 * @returns the path
 */
export function peoplePath(dir: string): string {
  return join(dir, 'people.sqlite');
}

/**
 * Opens the keys of a ledger's people for writing; file and master key are made when neither exists.
 *
 * @param dir the ledger's directory
 * @param busyTimeoutMs how long a foreign lock may hold up the process
 * @returns the open file
 * @throws {AuditError} `audit_config` when the master key is missing or another's
 */
export function openKeyFile(dir: string, busyTimeoutMs: number): KeyFile {
  const path = peoplePath(dir);
  const keyFile = masterKeyPath(resolve(dir));
  const isLaidOut = existsSync(path) && formatOf(path, busyTimeoutMs) !== 0;
  const first = anyKey(keyFile) ?? (isLaidOut ? undefined : createMasterKey(keyFile));
  if (!first) throw new AuditError('audit_config', missing(keyFile, path));
  createPrivate(path);
  const db = new Database(path, { timeout: busyTimeoutMs });
  try {
    db.pragma('secure_delete = ON');
    db.pragma('journal_mode = WAL');
    // A record whose key is lost says nothing: keys are durable before what is written with them.
    db.pragma('synchronous = FULL');
    const key = db
      .transaction(() => {
        if (db.pragma('user_version', { simple: true }) === 0) layOut(db, first);
        const inUse = keyOf(db, keyFile);
        inUse.settle();
        return inUse;
      })
      .immediate();
    return { db, key, read: createRead(db, key), close: () => leavePlain(db) };
  } catch (error) {
    db.close();
    throw error;
  }
}

/**
 * Opens the keys of a ledger's people for writing where there are some: whoever changes a ledger from outside makes
 * none, since keys that fit no record would say that the ones of its people are gone.
 *
 * @param dir the ledger's directory
 * @param busyTimeoutMs how long a foreign lock may hold up the process
 * @returns the open file
 * @throws {AuditError} `audit_config` when file or master key is missing, or the key another's
 */
export function openExistingKeyFile(dir: string, busyTimeoutMs: number): KeyFile {
  const path = peoplePath(dir);
  if (!existsSync(path) || formatOf(path, busyTimeoutMs) === 0) throw noKeyFile(dir);
  return openKeyFile(dir, busyTimeoutMs);
}

/**
 * Says why a ledger's people and holds are out of reach.
 *
 * @param dir the ledger's directory, where {@link readKeyFile} found nothing
 * @returns the error
 */
export function noKeyFile(dir: string): AuditError {
  const path = peoplePath(dir);
  const keyFile = masterKeyPath(resolve(dir));
  const message =
    existsSync(path) && !anyKey(keyFile)
      ? missing(keyFile, path)
      : `${path} is missing: name the directory that the relay writes, not a copy without it`;
  return new AuditError('audit_config', message);
}

/**
 * Opens the keys of a ledger's people for reading.
 *
 * @param dir the ledger's directory
 * @returns the open file; `undefined` where there are no keys, or nothing to open them with: then records
 *   show pseudonyms
 * @throws {AuditError} `audit_config` when the master key is another's
 */
export function readKeyFile(dir: string): KeyFile | undefined {
  const path = peoplePath(dir);
  const keyFile = masterKeyPath(resolve(dir));
  if (!existsSync(path)) return undefined;
  if (!anyKey(keyFile)) return undefined;
  const db = new Database(path, { readonly: true, fileMustExist: true, timeout: 2_000 });
  try {
    if (db.pragma('user_version', { simple: true }) === 0) {
      db.close();
      return undefined;
    }
    const key = keyOf(db, keyFile);
    const read = createRead(db, key);
    read(() => undefined);
    return { db, key, read, close: () => db.close() };
  } catch (error) {
    db.close();
    throw error;
  }
}

/** A rotation that was cut short leaves the key in the next one's file. */
function anyKey(keyFile: string): MasterKey | undefined {
  return readMasterKey(keyFile) ?? readMasterKey(nextKeyPath(keyFile));
}

function createRead(db: Database.Database, key: KeyInUse): KeyFile['read'] {
  return <T>(look: (master: MasterKey) => T): T => {
    const whole = (): T => look(key.current());
    if (db.inTransaction) return whole();
    for (let left = attempts; ; left -= 1) {
      try {
        return db.transaction(whole)();
      } catch (error) {
        // The file of the key may be newer than what this transaction sees.
        const isForeign = error instanceof AuditError && error.code === 'audit_config';
        if (!isForeign || left === 1) throw error;
      }
    }
  };
}

function formatOf(path: string, busyTimeoutMs: number): number {
  const db = new Database(path, { timeout: busyTimeoutMs });
  try {
    return db.pragma('user_version', { simple: true }) as number;
  } finally {
    db.close();
  }
}

function layOut(db: Database.Database, master: MasterKey): void {
  db.exec(schema);
  prove(db, master);
  db.pragma(`user_version = ${FORMAT}`);
}

function keyOf(db: Database.Database, keyFile: string): KeyInUse {
  const found = db.pragma('user_version', { simple: true }) as number;
  if (found === FORMAT) return createKeyInUse(db, keyFile);
  throw new AuditError(
    'audit_config',
    `${db.name} has format ${found}; this version knows ${FORMAT}: use the Latchkey that wrote it`,
  );
}

function missing(keyFile: string, path: string): string {
  return (
    `${keyFile} is missing, and without it nobody in ${path} can be named: put it back from a backup, or move ` +
    `${path} away to go on with the names of the past lost`
  );
}

/** As a segment: readable from read-only media once nobody writes it. */
function leavePlain(db: Database.Database): void {
  try {
    db.pragma('journal_mode = DELETE');
  } catch {
    // Somebody else has it open: what is in there is complete as well.
  }
  db.close();
}
