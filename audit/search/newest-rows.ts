import type Database from 'better-sqlite3';
import { condition, openReader, type Row, type RowFilter, segmentsToRead } from '../reader.ts';
import type { SegmentFile } from '../segment.ts';
import { createFinder, type Finder, type Span } from './find.ts';

/** How many candidates are read at a time: more than a page, since most of them fit. */
const candidatesAtOnce = 256;

interface Bounds {
  /** Only records before this one. */
  readonly before: number;
  readonly most: number;
}

/**
 * Reads the newest records that fit a filter.
 *
 * @param dir the ledger's directory
 * @param filter which
 * @param bounds where to begin, and how many to read
 * @returns the rows, newest first
 * @throws {AuditError} `audit_query` for a time that can't be read; `audit_config` without a directory
 */
export function newestRows(dir: string, filter: RowFilter, bounds: Bounds): readonly Row[] {
  const wanted = condition(filter);
  const files = segmentsToRead(dir).toReversed();
  const finder = createFinder(dir, filter);
  const rows: Row[] = [];
  try {
    for (const file of files) {
      if (rows.length >= bounds.most) break;
      rows.push(...rowsOf(file, finder, wanted, { ...bounds, most: bounds.most - rows.length }));
    }
    return rows;
  } finally {
    finder.close();
  }
}

function rowsOf(
  file: SegmentFile,
  finder: Finder,
  wanted: ReturnType<typeof condition>,
  { before, most }: Bounds,
): readonly Row[] {
  const rows: Row[] = [];
  let db: Database.Database | undefined;
  try {
    for (const span of finder.spansOf(file.number)) {
      if (span.from >= before) continue;
      db ??= openReader(file);
      if (!db || rows.length >= most) break;
      const bounds = { before, most: most - rows.length };
      // A span that could not be found out about stands for what was read already.
      const read = (span.seqs ? readSeqs : readSpan)(db, span, wanted, bounds);
      const last = rows.at(-1)?.seq ?? Infinity;
      rows.push(...read.filter(({ seq }) => seq < last));
    }
    return rows;
  } finally {
    db?.close();
  }
}

function readSpan(
  db: Database.Database,
  { from, to }: Span,
  { sql, values }: ReturnType<typeof condition>,
  { before, most }: Bounds,
): readonly Row[] {
  return db
    .prepare<unknown[], Row>(
      `SELECT seq, body, hash FROM records
       WHERE seq >= ? AND seq <= ? AND ${sql} ORDER BY seq DESC LIMIT ?`,
    )
    .all(from, Math.min(to, before - 1), ...values, most);
}

function readSeqs(
  db: Database.Database,
  { seqs = [] }: Span,
  { sql, values }: ReturnType<typeof condition>,
  { before, most }: Bounds,
): readonly Row[] {
  const rows: Row[] = [];
  const left = seqs.filter((seq) => seq < before);
  const read = db.prepare<unknown[], Row>(
    `SELECT seq, body, hash FROM records
     WHERE seq IN (SELECT value FROM json_each(?)) AND ${sql} ORDER BY seq DESC LIMIT ?`,
  );
  for (let at = 0; at < left.length && rows.length < most; at += candidatesAtOnce) {
    const some = JSON.stringify(left.slice(at, at + candidatesAtOnce));
    rows.push(...read.all(some, ...values, most - rows.length));
  }
  return rows;
}
