import type Database from 'better-sqlite3';
import { hash } from 'node:crypto';
import { bodyHash } from './chain.ts';
import type { AuditRecord } from './record.ts';
import { readInfo, SEGMENT_STATEMENTS, STUB_KIND } from './segment.ts';

/** What a segment's file says beside its records. The first record holds a digest of it. */
export interface Opening {
  /** UTC day on which the segment was begun, `YYYY-MM-DD`. */
  readonly day: string;
  /** The requests that were open then, as JSON. */
  readonly carried: readonly string[];
}

interface FirstRow {
  readonly seq: number;
  readonly kind: string;
  readonly body: string;
  readonly hash: string;
}

/** Its records vouch for nothing, its tables had another form, and nothing is written into it any more. */
const FIRST_FORMAT = 1;
/** Told by verification, and at the start. */
const CHANGED = 'its day or its copies of requests that were open before it were changed';
const known = new Set(SEGMENT_STATEMENTS);

/**
 * The digest that the first record of a segment holds.
 *
 * @param opening what the file says beside its records
 * @returns hex SHA-256
 */
export function openingDigest({ day, carried }: Opening): string {
  // A list of texts is the same in canonical JSON (RFC 8785), and where one ends is never in doubt.
  return hash('sha256', `latchkey-audit-segment-v1\n${JSON.stringify([day, ...carried])}`);
}

/**
 * Reads what a segment's file says beside its records.
 *
 * @param db the open file
 * @returns as stored, not yet checked
 */
export function readOpening(db: Database.Database): Opening {
  const carried = db.prepare<[], string>('SELECT body FROM carried ORDER BY rowid').pluck().all();
  return { day: readInfo(db).day, carried };
}

/**
 * Checks the newest segment before it is relied on: strictly, as nothing of it has expired.
 *
 * @param db the open file
 * @param format of its records
 * @returns what is wrong, for people; `undefined` when nothing is
 */
export function newestOpeningFault(db: Database.Database, format: number): string | undefined {
  const first = firstRow(db);
  if (first === undefined) return undefined;
  const { firstSeq } = readInfo(db);
  if (first.seq !== firstSeq) return `record ${firstSeq}, its first, is missing`;
  if (bodyHash(first.body, format) !== first.hash) return `record ${firstSeq} was altered`;
  if (format === FIRST_FORMAT) return undefined;
  return digestIn(first) === openingDigest(readOpening(db)) ? foreignFault(db) : CHANGED;
}

/**
 * Checks any segment. When records expire, the copies of what was open before them go as well.
 *
 * @param db the open file
 * @param format of its records
 * @returns what is wrong, for people
 */
export function openingFaults(db: Database.Database, format: number): readonly string[] {
  if (format === FIRST_FORMAT) return [];
  return [changed(db), foreignFault(db)].filter((it) => it !== undefined);
}

function changed(db: Database.Database): string | undefined {
  const first = firstRow(db);
  if (first === undefined) return undefined;
  const opening = readOpening(db);
  if (digestIn(first) === openingDigest(opening)) return undefined;
  return opening.carried.length === 0 && isThinned(db) ? undefined : CHANGED;
}

/** A trigger or view of somebody else would run with each record that is written. */
function foreignFault(db: Database.Database): string | undefined {
  const foreign = db
    .prepare<[], { name: string; sql: string }>(
      'SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL',
    )
    .all()
    .find(({ sql }) => !known.has(sql));
  return foreign && `the file holds ${foreign.name}, which Latchkey did not make`;
}

function firstRow(db: Database.Database): FirstRow | undefined {
  return db
    .prepare<[], FirstRow>('SELECT seq, kind, body, hash FROM records ORDER BY seq LIMIT 1')
    .get();
}

function digestIn({ body }: FirstRow): string | undefined {
  try {
    return (JSON.parse(body) as Partial<AuditRecord>).segment;
  } catch {
    // Reported as a record that was changed.
    return undefined;
  }
}

function isThinned(db: Database.Database): boolean {
  return db.prepare('SELECT 1 FROM records WHERE kind = ? LIMIT 1').get(STUB_KIND) !== undefined;
}
