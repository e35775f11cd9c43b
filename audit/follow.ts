import { openNames } from './people/reveal.ts';
import { openReader, type Row, segmentsToRead, toRecord } from './reader.ts';
import type { AuditRecord } from './record.ts';
import { readInfo, type SegmentFile, STUB_KIND } from './segment.ts';

/** What lies behind a position in the chain. */
export interface Stretch {
  /** In order, whom they name restored; those that have expired are not among them. */
  readonly records: readonly AuditRecord[];
  /** Up to where was read: where the next stretch begins. */
  readonly seq: number;
  /** Hash of the record at `seq`; undefined when nothing was read. */
  readonly hash: string | undefined;
  /** Numbers that should be there and are not, first and last. */
  readonly gaps: readonly (readonly [first: number, last: number])[];
  /** Whether the most were read, so that there may be more. */
  readonly isFull: boolean;
}

/** Reads a ledger piece by piece while it is being written. */
export interface Follower {
  /**
   * Reads on.
   *
   * @param after where the last stretch ended; 0 for the beginning
   * @param most how many records
   * @throws {AuditError} `audit_config` when the directory is missing
   */
  read(after: number, most: number): Stretch;
  /** The hash of the record at a position; undefined when there is none. */
  hashAt(seq: number): string | undefined;
  /** The newest position; 0 when there is none. */
  head(): number;
}

/**
 * Follows a ledger. Each read opens the file anew: a handle that is kept would keep the writer from
 * closing a segment for good.
 *
 * @param dir the ledger's directory
 * @returns the follower
 */
export function createFollower(dir: string): Follower {
  /** By path; what a segment begins with never changes. */
  const firsts = new Map<string, number>();

  function within<T>(file: SegmentFile, look: (db: ReaderDb) => T): T | undefined {
    const db = openReader(file);
    if (!db) return undefined;
    try {
      if (!firsts.has(file.path)) firsts.set(file.path, readInfo(db).firstSeq);
      return look(db);
    } finally {
      db.close();
    }
  }

  function firstOf(file: SegmentFile): number | undefined {
    const known = firsts.get(file.path);
    if (known !== undefined) return known;
    within(file, () => undefined);
    return firsts.get(file.path);
  }

  /** The segments that may hold what comes after a position, oldest first. */
  function from(seq: number): SegmentFile[] {
    const wanted: SegmentFile[] = [];
    for (const file of segmentsToRead(dir).toReversed()) {
      wanted.unshift(file);
      const first = firstOf(file);
      if (first !== undefined && first <= seq) break;
    }
    return wanted;
  }

  function rowsAfter(seq: number, most: number): KnownRow[] {
    const rows: KnownRow[] = [];
    for (const file of from(seq + 1)) {
      const found = within(file, (db) =>
        db
          .prepare<unknown[], KnownRow>(
            'SELECT seq, kind, body, hash FROM records WHERE seq > ? ORDER BY seq LIMIT ?',
          )
          .all(seq, most - rows.length),
      );
      rows.push(...(found ?? []));
      if (rows.length >= most) break;
    }
    return rows;
  }

  function readable(rows: readonly Row[]): AuditRecord[] {
    if (rows.length === 0) return [];
    const names = openNames(dir);
    try {
      return rows.map((row) => names.reveal(toRecord(row)));
    } finally {
      names.close();
    }
  }

  return {
    read(after, most) {
      const rows = rowsAfter(after, most);
      const last = rows.at(-1);
      return {
        records: readable(rows.filter(({ kind }) => kind !== STUB_KIND)),
        seq: last?.seq ?? after,
        hash: last?.hash,
        gaps: gapsAmong(after, rows),
        isFull: rows.length >= most,
      };
    },
    hashAt(seq) {
      const [row] = rowsAfter(seq - 1, 1);
      return row?.seq === seq ? row.hash : undefined;
    },
    head() {
      for (const file of segmentsToRead(dir).toReversed()) {
        const newest = within(file, (db) =>
          db.prepare<[], { seq: number }>('SELECT max(seq) AS seq FROM records').get(),
        );
        if (newest !== undefined && newest.seq > 0) return newest.seq;
      }
      return 0;
    },
  };
}

interface KnownRow extends Row {
  readonly kind: string;
}

type ReaderDb = NonNullable<ReturnType<typeof openReader>>;

function gapsAmong(after: number, rows: readonly Row[]): [number, number][] {
  const gaps: [number, number][] = [];
  let previous = after;
  for (const { seq } of rows) {
    if (seq !== previous + 1) gaps.push([previous + 1, seq - 1]);
    previous = seq;
  }
  return gaps;
}
