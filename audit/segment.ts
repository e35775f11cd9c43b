import Database from 'better-sqlite3';
import { closeSync, openSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Head, SealedRecord } from './chain.ts';
import { AuditError } from './errors.ts';
import type { AuditFields, AuditKind } from './record.ts';

/** 2: hashes of records have a domain. */
export const FORMAT = 2;
/** Of segments that this version begins. */
export const PAGE_BYTES = 16_384;
/** In place of `kind` where records have expired: the row stands for them, and is none itself. */
export const STUB_KIND = 'expired';
const fileName = /^audit-(\d{6,})\.sqlite$/;

// No further indexes: they would cost more than all else of a record, and a segment is small enough to be read through.
export const SEGMENT_SCHEMA = `
CREATE TABLE records (
  seq INTEGER PRIMARY KEY, at TEXT NOT NULL, kind TEXT NOT NULL, request_id TEXT, user TEXT, api TEXT,
  decision TEXT, code TEXT, body TEXT NOT NULL, hash TEXT NOT NULL
) STRICT;
CREATE TABLE segment (first_seq INTEGER NOT NULL, prev TEXT NOT NULL, day TEXT NOT NULL) STRICT;
CREATE TABLE carried (body TEXT NOT NULL) STRICT;
CREATE TRIGGER records_append BEFORE INSERT ON records
  WHEN EXISTS (SELECT 1 FROM records WHERE seq >= NEW.seq)
  BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END;
CREATE TRIGGER records_update BEFORE UPDATE ON records
  BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END;
CREATE TRIGGER records_delete BEFORE DELETE ON records
  BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END;
`;

/** One by one, as SQLite keeps their texts. */
export const SEGMENT_STATEMENTS: readonly string[] =
  SEGMENT_SCHEMA.trim().split(/;\n(?=CREATE )|;$/);

/** What a segment says of itself. */
export interface SegmentInfo {
  readonly firstSeq: number;
  /** Hash of the last record before this segment. */
  readonly prev: string;
  /** UTC day on which it was begun, `YYYY-MM-DD`. */
  readonly day: string;
}

interface Fresh {
  readonly info: SegmentInfo;
  /** Requests that are open as the segment is begun. */
  readonly carried: readonly AuditFields[];
}

/** One SQLite file of the ledger, open for writing. */
export interface Segment {
  readonly path: string;
  readonly number: number;
  readonly info: SegmentInfo;
  readonly db: Database.Database;
  /** Which format its records have. */
  readonly format: number;
  /** Inserts all or nothing, in one transaction. */
  commit(records: readonly SealedRecord[]): void;
  head(): Head;
  /** Leaves one plain file behind, readable from read-only media, and closes it. */
  close(): void;
}

/** How a segment is opened for writing. */
export interface SegmentOptions {
  /** Bounds how long a foreign lock may hold up the process, ms. */
  readonly busyTimeoutMs: number;
  /** Whether another thread keeps its log short. */
  readonly isLogCopied: boolean;
  /** Whether a commit waits until the disk has it. */
  readonly isPowerSafe: boolean;
}

/** A segment's file, in the order of the chain. */
export interface SegmentFile {
  readonly number: number;
  readonly name: string;
  readonly path: string;
}

/**
 * Lists the segment files of a ledger, oldest first.
 *
 * @param dir the ledger's directory
 * @returns the files; empty when there is none
 */
export function listSegments(dir: string): SegmentFile[] {
  const files: SegmentFile[] = [];
  for (const name of readdirSync(dir)) {
    const match = fileName.exec(name);
    if (match) files.push({ number: Number(match[1]), name, path: join(dir, name) });
  }
  return files.sort((a, b) => a.number - b.number);
}

/**
 * Opens a segment for writing; a new one is laid out first.
 *
 * @param dir the ledger's directory
 * @param number the segment's number, from 1
 * @param fresh what to write into a new one; `undefined` opens one that exists
 * @param options how
 * @returns the segment
 * @throws {AuditError} `audit_config` when a newer version wrote it
 */
export function openSegment(
  dir: string,
  number: number,
  fresh: Fresh | undefined,
  options: SegmentOptions,
): Segment {
  const path = join(dir, `audit-${String(number).padStart(6, '0')}.sqlite`);
  createPrivate(path);
  const db = new Database(path, { timeout: options.busyTimeoutMs });
  try {
    // Takes effect in a new file only. A commit of many records touches a quarter of the pages of the usual size.
    db.pragma(`page_size = ${PAGE_BYTES}`);
    db.pragma('journal_mode = WAL');
    db.pragma(`synchronous = ${options.isPowerSafe ? 'FULL' : 'NORMAL'}`);
    // On macOS fsync leaves data in the drive's own cache; elsewhere this changes nothing.
    if (options.isPowerSafe) db.pragma('fullfsync = TRUE');
    // Each holds everybody up while it waits for the disk: some 5 ms, where 1,000 pages take 45.
    // With another thread's help it only begins the log anew now and then.
    db.pragma(`wal_autocheckpoint = ${options.isLogCopied ? 4_000 : 100}`);
    if (version(db, path) === 0 && fresh) layOut(db, fresh);
    return segment(db, path, number);
  } catch (error) {
    db.close();
    throw error;
  }
}

/**
 * Makes an empty file that only its owner can read, unless it exists. SQLite treats an empty file as
 * a new database and gives its side files the same mode.
 *
 * @param path the file
 */
export function createPrivate(path: string): void {
  try {
    closeSync(openSync(path, 'wx', 0o600));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}

/**
 * Reads a segment's format.
 *
 * @param db the open file
 * @param path its name, for the message
 * @returns 0 for a file that was never laid out
 * @throws {AuditError} `audit_config` when a newer version wrote it; `audit_tampered` when it says that it was
 *   never laid out, and was
 */
export function version(db: Database.Database, path: string): number {
  const found = userVersion(db);
  if (found > FORMAT) {
    throw new AuditError(
      'audit_config',
      `${path} has format ${found}; this version knows ${FORMAT}: use a newer Latchkey`,
    );
  }
  // In one transaction, since its writer may lay it out just now.
  if (found < 1 && db.transaction(() => userVersion(db) < 1 && hasContents(db))()) {
    throw new AuditError(
      'audit_tampered',
      `${path} says that it is of format ${found}, and yet holds tables: it was altered. Run audit verify for ` +
        'the whole picture; to go on, keep this directory as evidence and start with an empty one',
    );
  }
  return found;
}

function userVersion(db: Database.Database): number {
  return db.pragma('user_version', { simple: true }) as number;
}

function hasContents(db: Database.Database): boolean {
  return db.prepare('SELECT 1 FROM sqlite_schema LIMIT 1').get() !== undefined;
}

function layOut(db: Database.Database, fresh: Fresh): void {
  db.transaction(() => {
    db.exec(SEGMENT_SCHEMA);
    db.prepare('INSERT INTO segment (first_seq, prev, day) VALUES (?, ?, ?)').run(
      fresh.info.firstSeq,
      fresh.info.prev,
      fresh.info.day,
    );
    const carry = db.prepare('INSERT INTO carried (body) VALUES (?)');
    for (const fields of fresh.carried) carry.run(JSON.stringify(fields));
    db.pragma(`user_version = ${FORMAT}`);
  }).immediate();
}

/**
 * Reads what a segment says of itself.
 *
 * @param db the open file
 * @returns its place in the chain
 */
export function readInfo(db: Database.Database): SegmentInfo {
  const info = db
    .prepare<[], SegmentInfo>('SELECT first_seq AS firstSeq, prev, day FROM segment')
    .get();
  if (!info) throw new AuditError('audit_tampered', `${db.name} lacks its description`);
  return info;
}

function segment(db: Database.Database, path: string, number: number): Segment {
  const info = readInfo(db);
  const format = version(db, path);
  const insert = db.prepare<[number, string, AuditKind, ...(string | null)[], string, string]>(
    'INSERT INTO records VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)',
  );
  const newest = db.prepare<[], Head>('SELECT seq, hash FROM records ORDER BY seq DESC LIMIT 1');
  const insertAll = db.transaction((records: readonly SealedRecord[]) => {
    for (const { seq, content, body, hash } of records) {
      const { at, kind, fields } = content;
      insert.run(
        seq,
        at,
        kind,
        fields.requestId ?? null,
        fields.who ?? fields.user ?? null,
        fields.api ?? null,
        fields.decision ?? null,
        fields.code ?? null,
        body,
        hash,
      );
    }
  });
  return {
    path,
    number,
    info,
    db,
    format,
    commit: (records) => {
      insertAll.immediate(records);
    },
    head: () => newest.get() ?? { seq: info.firstSeq - 1, hash: info.prev },
    close() {
      if (!db.open) return;
      try {
        db.pragma('journal_mode = DELETE');
      } catch {
        // A reader holds the file: it stays in WAL mode, which is complete as well.
      }
      db.close();
    },
  };
}
