import type Database from 'better-sqlite3';
import { setImmediate } from 'node:timers/promises';
import { canonicalJson } from './canonical-json.ts';
import { bodyHash, type Head } from './chain.ts';
import type { AuditRecord } from './record.ts';
import { openReader } from './reader.ts';
import { readInfo, type SegmentFile } from './segment.ts';

/** Something that is not as the ledger's writer left it. */
export interface Fault {
  readonly seq?: number;
  /** Name of the file. */
  readonly segment?: string;
  readonly what: string;
}

const pageRecords = 2000;

interface StoredRow {
  readonly seq: number;
  readonly at: string;
  readonly kind: string;
  readonly requestId: string | null;
  readonly user: string | null;
  readonly api: string | null;
  readonly decision: string | null;
  readonly code: string | null;
  readonly body: string;
  readonly hash: string;
}

interface Result {
  readonly head: Head;
  readonly records: number;
}

/**
 * Checks one segment's records and how they follow the ones before.
 *
 * @param file the segment
 * @param previous the head of what comes before it
 * @param newest whether it is the last: only that one may be still without contents
 * @param report told of each fault
 * @returns the head after it, and how many records it has
 */
export async function verifySegment(
  file: SegmentFile,
  previous: Head,
  newest: boolean,
  report: (fault: Fault) => void,
): Promise<Result> {
  const fault = (what: string): void => report({ segment: file.name, what });
  let db: Database.Database | undefined;
  try {
    db = openReader(file);
    if (db) return await verifyRecords(db, file, previous, report);
    if (!newest) fault('the segment is empty');
  } catch (error) {
    fault(`can't be read: ${error instanceof Error ? error.message : String(error)}`);
  } finally {
    db?.close();
  }
  return { head: previous, records: 0 };
}

async function verifyRecords(
  db: Database.Database,
  file: SegmentFile,
  previous: Head,
  report: (fault: Fault) => void,
): Promise<Result> {
  const info = readInfo(db);
  if (info.firstSeq !== previous.seq + 1 || info.prev !== previous.hash) {
    report({
      seq: info.firstSeq,
      segment: file.name,
      what: `the segment begins after record ${info.firstSeq - 1}, which is not where the one before ended`,
    });
  }
  const page = db.prepare<[number, number], StoredRow>(
    `SELECT seq, at, kind, request_id AS requestId, user, api, decision, code, body, hash
     FROM records WHERE seq > ? ORDER BY seq LIMIT ?`,
  );
  let head = previous;
  let records = 0;
  for (let after = Number.MIN_SAFE_INTEGER; ; after = head.seq) {
    const rows = page.all(after, pageRecords);
    if (rows.length === 0) return { head, records };
    for (const row of rows) {
      for (const what of rowFaults(row, head)) {
        report({ seq: row.seq, segment: file.name, what });
      }
      // Going on from what the row claims, one altered record is one fault and not thousands.
      head = { seq: row.seq, hash: row.hash };
    }
    records += rows.length;
    await setImmediate();
  }
}

function rowFaults(row: StoredRow, previous: Head): string[] {
  const faults: string[] = [];
  if (row.seq > previous.seq + 1) {
    const gap = previous.seq + 1 === row.seq - 1 ? `${row.seq - 1} is` : 'several are';
    faults.push(`follows record ${previous.seq}: ${gap} missing`);
  } else if (row.seq <= previous.seq) {
    faults.push(`stands after record ${previous.seq}: inserted or repeated`);
  }
  if (bodyHash(row.body) !== row.hash) faults.push('its contents were changed');
  let record: Partial<AuditRecord>;
  try {
    record = JSON.parse(row.body) as Partial<AuditRecord>;
    if (canonicalJson(record) !== row.body) faults.push('its contents are not canonical JSON');
  } catch {
    return [...faults, 'its contents are not JSON'];
  }
  if (record.seq !== row.seq) faults.push(`was record ${String(record.seq)}: moved`);
  if (record.prev !== previous.hash) faults.push('does not follow the record before it');
  for (const name of ['at', 'kind', 'requestId', 'user', 'api', 'decision', 'code'] as const) {
    if ((record[name] ?? null) !== row[name]) faults.push(`its index entry ${name} was changed`);
  }
  return faults;
}

/** Finds the stored hash of single records; best asked in ascending order. */
export interface HashLookup {
  hashAt(seq: number): string | undefined;
  close(): void;
}

/**
 * Opens a look-up over a ledger's segments, one file open at a time.
 *
 * @param files the segments, oldest first
 * @returns the look-up; close it
 */
export function createHashLookup(files: readonly SegmentFile[]): HashLookup {
  const starts = files.map((file) => ({ file, firstSeq: firstSeqOf(file) }));
  let current: { readonly file: SegmentFile; readonly db: Database.Database } | undefined;

  function open(file: SegmentFile): Database.Database | undefined {
    if (current?.file === file) return current.db;
    current?.db.close();
    current = undefined;
    const db = openReader(file);
    if (db) current = { file, db };
    return db;
  }

  return {
    hashAt(seq) {
      const start = starts.findLast(({ firstSeq }) => firstSeq !== undefined && firstSeq <= seq);
      return (
        start &&
        open(start.file)
          ?.prepare<[number], { hash: string }>('SELECT hash FROM records WHERE seq = ?')
          .get(seq)?.hash
      );
    },
    close() {
      current?.db.close();
    },
  };
}

/** `undefined` for a file that can't be read, which was reported when its records were checked. */
function firstSeqOf(file: SegmentFile): number | undefined {
  let db: Database.Database | undefined;
  try {
    db = openReader(file);
    return db && readInfo(db).firstSeq;
  } catch {
    return undefined;
  } finally {
    db?.close();
  }
}
