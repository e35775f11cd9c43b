import type Database from 'better-sqlite3';
import { fileIdentity } from '../file-identity.ts';
import { openReader } from '../reader.ts';
import { listSegments, readInfo, type SegmentFile } from '../segment.ts';
import { CHUNK, isUseless, removeIndex, requestKey, TERMS, writeIndex } from './index-file.ts';

interface Row {
  readonly seq: number;
  readonly at: string;
  readonly hash: string;
  readonly requestId: string | null;
  readonly user: string | null;
  readonly api: string | null;
  readonly decision: string | null;
  readonly code: string | null;
  readonly kind: string;
}

/**
 * Brings a ledger's index up to date: whole chunks of the segment that is being written, and all of those
 * before it.
 *
 * @param dir the ledger's directory
 * @param isOver asked after each chunk: whether to leave the rest for another time
 */
export function updateIndex(dir: string, isOver: () => boolean = () => false): void {
  const index = writeIndex(dir);
  try {
    addNew(index, listSegments(dir), isOver);
  } catch (error) {
    if (isUseless(error)) removeIndex(dir);
    throw error;
  } finally {
    index.close();
  }
}

function addNew(
  index: Database.Database,
  files: readonly SegmentFile[],
  isOver: () => boolean,
): void {
  if (!isOfThese(index, files)) clear(index);
  forgetMissing(index, files);
  const complete = new Map(
    index
      .prepare<[], { segment: number; file: string }>('SELECT segment, file FROM complete')
      .all()
      .map(({ segment, file }) => [segment, file]),
  );
  for (const [at, file] of files.entries()) {
    const known = complete.get(file.number);
    if (known !== undefined && known === fileIdentity(file.path)) continue;
    // Records of it expired: another file took its place.
    if (known !== undefined) forget(index, file.number);
    const reader = openReader(file);
    if (!reader) continue;
    try {
      const isNewest = at === files.length - 1;
      if (!addSegment(index, reader, { ...file, isNewest, isOver })) return;
    } finally {
      reader.close();
    }
  }
}

/** Another ledger may have been put in the place of the one that was indexed. */
function isOfThese(index: Database.Database, files: readonly SegmentFile[]): boolean {
  const newest = index
    .prepare<[], { segment: number; last: number; hash: string }>(
      'SELECT segment, last, hash FROM chunks ORDER BY first DESC LIMIT 1',
    )
    .get();
  const file = files.find(({ number }) => number === newest?.segment);
  if (!newest || !file) return newest === undefined;
  const reader = openReader(file);
  try {
    const hash = reader?.prepare('SELECT hash FROM records WHERE seq = ?').pluck().get(newest.last);
    return hash === newest.hash;
  } finally {
    reader?.close();
  }
}

function clear(index: Database.Database): void {
  index.transaction(() => {
    for (const table of ['chunks', 'complete', 'postings', 'requests']) {
      index.exec(`DELETE FROM ${table}`);
    }
  })();
}

/** Segments expire. */
function forgetMissing(index: Database.Database, files: readonly SegmentFile[]): void {
  const known = index.prepare('SELECT DISTINCT segment FROM chunks').pluck().all() as number[];
  const there = new Set(files.map(({ number }) => number));
  for (const segment of known) if (!there.has(segment)) forget(index, segment);
}

function forget(index: Database.Database, segment: number): void {
  index.transaction(() => {
    const of = (column: string): string =>
      `(SELECT ${column} FROM chunks WHERE segment = $segment)`;
    for (const sql of [
      `DELETE FROM postings WHERE chunk IN ${of('first')}`,
      `DELETE FROM requests WHERE seq BETWEEN ${of('min(first)')} AND ${of('max(last)')}`,
      'DELETE FROM chunks WHERE segment = $segment',
      'DELETE FROM complete WHERE segment = $segment',
    ]) {
      index.prepare(sql).run({ segment });
    }
  })();
}

/** @returns whether all of it is in the index that can be by now */
function addSegment(
  index: Database.Database,
  reader: Database.Database,
  segment: SegmentFile & { readonly isNewest: boolean; readonly isOver: () => boolean },
): boolean {
  const { number, path, isNewest, isOver } = segment;
  const newest = index
    .prepare<[number], number | null>('SELECT max(last) FROM chunks WHERE segment = ?')
    .pluck()
    .get(number);
  const next = reader.prepare<[number]>('SELECT min(seq) FROM records WHERE seq >= ?').pluck();
  const page = reader.prepare<[number, number], Row>(
    `SELECT seq, at, hash, request_id AS requestId, user, api, decision, code, kind
     FROM records WHERE seq >= ? AND seq < ? ORDER BY seq`,
  );
  let after = newest ?? readInfo(reader).firstSeq - 1;
  for (;;) {
    const first = next.get(after + 1) as number | null;
    if (first === null) break;
    const rows = page.all(first, first + CHUNK);
    const last = rows.at(-1)?.seq ?? first;
    if (isNewest && last < first + CHUNK - 1) return true;
    addChunk(index, number, rows);
    after = last;
    if (isOver()) return false;
  }
  if (isNewest) return true;
  index.prepare('INSERT INTO complete VALUES (?, ?)').run(number, fileIdentity(path) ?? '');
  return true;
}

function addChunk(index: Database.Database, segment: number, rows: readonly Row[]): void {
  const [head] = rows;
  const last = rows.at(-1);
  if (!head || !last) return;
  const chunk = head.seq;
  const places = new Map<string, Map<string, number[]>>(TERMS.map((term) => [term, new Map()]));
  let [earliest, latest] = [head.at, head.at];
  for (const row of rows) {
    if (row.at < earliest) earliest = row.at;
    if (row.at > latest) latest = row.at;
    for (const term of TERMS) {
      const value = row[term];
      if (value !== null) placesOf(places.get(term), value).push(row.seq - chunk);
    }
  }
  index.transaction(() => {
    index
      .prepare('INSERT INTO chunks VALUES (?, ?, ?, ?, ?, ?)')
      .run(chunk, last.seq, segment, earliest, latest, last.hash);
    const posting = index.prepare('INSERT INTO postings VALUES (?, ?, ?, ?)');
    for (const [term, values] of places) {
      for (const [value, at] of values) {
        posting.run(term, value, chunk, Buffer.from(Uint16Array.from(at).buffer));
      }
    }
    const request = index.prepare('INSERT OR IGNORE INTO requests VALUES (?, ?)');
    for (const { requestId, seq } of rows) {
      if (requestId !== null) request.run(requestKey(requestId), seq);
    }
  })();
}

function placesOf(values: Map<string, number[]> | undefined, value: string): number[] {
  const places = values?.get(value) ?? [];
  values?.set(value, places);
  return places;
}
