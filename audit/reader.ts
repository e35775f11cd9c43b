import Database from 'better-sqlite3';
import { statSync } from 'node:fs';
import { exportLine } from './chain.ts';
import { AuditError } from './errors.ts';
import type { AuditKind, AuditRecord } from './record.ts';
import { listSegments, type SegmentFile, STUB_KIND, version } from './segment.ts';
import { type TimeBounds, timestamp } from './time-bounds.ts';

/** A record as stored. */
export interface Row {
  readonly seq: number;
  readonly body: string;
  readonly hash: string;
}

/** Members that narrow what is read. */
export interface RowFilter extends TimeBounds {
  readonly user?: string | undefined;
  /** In place of `user`: what stands for it in records, its pseudonyms among them. */
  readonly people?: readonly string[] | undefined;
  readonly api?: string | undefined;
  readonly decision?: string | undefined;
  readonly code?: string | undefined;
  readonly requestId?: string | undefined;
  readonly kinds?: readonly AuditKind[] | undefined;
}

const columns = { api: 'api', decision: 'decision', code: 'code' } as const;

/**
 * Lists a ledger's segments for reading.
 *
 * @param dir the ledger's directory
 * @returns the files, oldest first; none where a ledger is yet to be begun
 * @throws {AuditError} `audit_config` when there is no such directory
 */
export function segmentsToRead(dir: string): SegmentFile[] {
  const stats = statSync(dir, { throwIfNoEntry: false });
  if (!stats) throw new AuditError('audit_config', `there is no directory ${dir}`);
  if (!stats.isDirectory()) {
    const message = `${dir} is not a directory: name the one that holds the audit`;
    throw new AuditError('audit_config', message);
  }
  return listSegments(dir);
}

/**
 * Makes sure that there is a ledger, for who asks about one by name: a mistyped path must not pass for one in which
 * nothing happened.
 *
 * @param dir the ledger's directory
 * @throws {AuditError} `audit_config` where there is none
 */
export function requireLedger(dir: string): void {
  if (segmentsToRead(dir).length > 0) return;
  throw new AuditError('audit_config', `there is no audit in ${dir}`);
}

/**
 * Opens a segment for reading, which disturbs no writer.
 *
 * @param file the segment
 * @returns the open file, or `undefined` when its writer has yet to lay it out; close it
 */
export function openReader(file: SegmentFile): Database.Database | undefined {
  try {
    return openReadOnly(file);
  } catch (error) {
    if (!String((error as { code?: unknown }).code).startsWith('SQLITE_READONLY')) throw error;
    // A writer was killed while it closed the file: only a writable handle may roll that back.
    const writable = new Database(file.path, { fileMustExist: true, timeout: 1000 });
    try {
      version(writable, file.path);
    } finally {
      writable.close();
    }
    return openReadOnly(file);
  }
}

function openReadOnly(file: SegmentFile): Database.Database | undefined {
  const db = new Database(file.path, { readonly: true, fileMustExist: true, timeout: 1000 });
  try {
    if (version(db, file.path) > 0) return db;
    db.close();
    return undefined;
  } catch (error) {
    db.close();
    throw error;
  }
}

/**
 * Turns a filter into SQL.
 *
 * @param filter the members to narrow by
 * @returns a condition over `records` and its values
 * @throws {AuditError} `audit_query` for a time that can't be read
 */
export function condition(filter: RowFilter): { readonly sql: string; readonly values: unknown[] } {
  const terms: string[] = [`kind <> '${STUB_KIND}'`];
  const values: unknown[] = [];
  function term(sql: string, value: unknown): void {
    if (value === undefined) return;
    terms.push(sql);
    values.push(value);
  }
  for (const [name, column] of Object.entries(columns)) {
    term(`${column} = ?`, filter[name as keyof typeof columns]);
  }
  const people = filter.people ?? (filter.user === undefined ? undefined : [filter.user]);
  if (people) {
    terms.push(`user IN (${people.map(() => '?').join(', ')})`);
    values.push(...people);
  }
  term('request_id = ?', filter.requestId);
  term('at >= ?', bound('since', filter.since));
  term('at < ?', bound('until', filter.until));
  if (filter.kinds) {
    terms.push(`kind IN (${filter.kinds.map(() => '?').join(', ')})`);
    values.push(...filter.kinds);
  }
  return { sql: terms.join(' AND '), values };
}

function bound(name: string, value: string | undefined): string | undefined {
  return value === undefined ? undefined : timestamp(name, value);
}

/**
 * Restores a record from its stored form.
 *
 * @param row as stored
 * @returns the record; whom it names is still sealed, see `openNames`
 */
export function toRecord(row: Row): AuditRecord {
  return JSON.parse(exportLine(row.body, row.hash)) as AuditRecord;
}
