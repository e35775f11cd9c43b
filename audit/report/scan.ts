import type Database from 'better-sqlite3';
import { openNames } from '../people/reveal.ts';
import {
  condition,
  openReader,
  type Row,
  type RowFilter,
  segmentsToRead,
  toRecord,
} from '../reader.ts';
import type { AuditRecord } from '../record.ts';
import { DAY_MS } from '../week-clock.ts';

const PAGE_RECORDS = 1000;
/** How far a clock may have been set back or forth before records are looked for in the wrong segments. */
const MARGIN_MS = DAY_MS;

/** Whether a segment may hold records of a time; its first and last record tell. */
function covers(db: Database.Database, fromMs: number, toMs: number): boolean {
  const timeAt = (order: 'ASC' | 'DESC'): number | undefined => {
    const row = db
      .prepare<[], { at: string }>(`SELECT at FROM records ORDER BY seq ${order} LIMIT 1`)
      .get();
    return row && Date.parse(row.at);
  };
  const [first, last] = [timeAt('ASC'), timeAt('DESC')];
  if (first === undefined || last === undefined) return false;
  return last >= fromMs - MARGIN_MS && first < toMs + MARGIN_MS;
}

/** Page by page, so that no long read transaction holds up the writer's checkpoints. */
function* rowsOf(db: Database.Database, sql: string, values: readonly unknown[]): Generator<Row> {
  const page = db.prepare<unknown[], Row>(
    `SELECT seq, body, hash FROM records WHERE seq > ? AND ${sql} ORDER BY seq LIMIT ?`,
  );
  for (let after = 0; ;) {
    const rows = page.all(after, ...values, PAGE_RECORDS);
    const last = rows.at(-1);
    if (!last) return;
    yield* rows;
    after = last.seq;
  }
}

/**
 * Reads the records of a time in the order of the chain, a page at a time; works while the ledger is
 * being written, and skips segments that are of another time.
 *
 * @param dir the ledger's directory
 * @param bounds epoch ms, the end exclusive
 * @param filter what else narrows them
 * @yields each record
 * @throws {AuditError} `audit_config`
 */
export function* readRecords(
  dir: string,
  { fromMs, toMs }: { readonly fromMs: number; readonly toMs: number },
  filter: Pick<RowFilter, 'user' | 'api' | 'kinds'>,
): Generator<AuditRecord> {
  const segments = segmentsToRead(dir);
  const names = openNames(dir);
  try {
    const { user, ...rest } = filter;
    const { sql, values } = condition({
      ...rest,
      ...(user === undefined ? {} : { people: names.pseudonymsOf(user) }),
      since: new Date(fromMs).toISOString(),
      until: new Date(toMs).toISOString(),
    });
    for (const file of segments) {
      const db = openReader(file);
      if (!db) continue;
      try {
        if (!covers(db, fromMs, toMs)) continue;
        for (const row of rowsOf(db, sql, values)) yield names.reveal(toRecord(row));
      } finally {
        db.close();
      }
    }
  } finally {
    names.close();
  }
}
