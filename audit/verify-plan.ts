import type Database from 'better-sqlite3';
import { genesis, type Head } from './chain.ts';
import { guardsGone, missingGuards } from './guards.ts';
import { openReader } from './reader.ts';
import { openingFaults } from './opening.ts';
import { readInfo, type SegmentFile, version } from './segment.ts';
import type { Fault } from './verify-record.ts';
import { message, type Range } from './verify-range.ts';

/** What is to be checked, and what reading the segments' edges has shown already. */
export interface Plan {
  readonly ranges: readonly Range[];
  /** The newest record, as it is stored. */
  readonly head: Head;
  readonly faults: readonly Fault[];
  readonly notices: readonly Fault[];
}

const rangeRecords = 20_000;
/** However far apart forged numbers are. */
const maxRanges = 64;

type Stored = Range['previous'];

/**
 * Divides a ledger into ranges that can be checked by themselves: each begins after a record of which the
 * stored hash is taken for granted, since the range before checks it.
 *
 * @param files the segments, oldest first
 * @returns the plan; records that are added later are not in it
 */
export function planVerification(files: readonly SegmentFile[]): Plan {
  const ranges: Range[] = [];
  const faults: Fault[] = [];
  const notices: Fault[] = [];
  let head: Stored = genesis;
  for (const [index, file] of files.entries()) {
    if (file.number !== index + 1 && files[index - 1]?.number !== file.number - 1) {
      faults.push({ segment: file.name, what: 'the segments before this one are missing' });
    }
    let db: Database.Database | undefined;
    try {
      db = openReader(file);
      const isNewest = index === files.length - 1;
      // What is still written relies on them.
      const unguarded = isNewest ? faults : notices;
      if (db) head = planSegment(db, file, head, { ranges, faults, unguarded });
      else if (!isNewest) {
        faults.push({ segment: file.name, what: 'the segment is empty' });
      }
    } catch (error) {
      faults.push({ segment: file.name, what: `can't be read: ${message(error)}` });
    } finally {
      db?.close();
    }
  }
  return { ranges, head, faults, notices };
}

function planSegment(
  db: Database.Database,
  file: SegmentFile,
  before: Stored,
  plan: { readonly ranges: Range[]; readonly faults: Fault[]; readonly unguarded: Fault[] },
): Stored {
  const info = readInfo(db);
  const format = version(db, file.path);
  if (info.firstSeq !== before.seq + 1 || info.prev !== before.hash) {
    plan.faults.push({
      seq: info.firstSeq,
      segment: file.name,
      what: `the segment begins after record ${info.firstSeq - 1}, which is not where the one before ended`,
    });
  }
  for (const what of openingFaults(db, format)) {
    plan.faults.push({ seq: info.firstSeq, segment: file.name, what });
  }
  const gone = missingGuards(db, format);
  if (gone.length > 0) plan.unguarded.push({ segment: file.name, what: guardsGone(gone) });
  const upTo = db.prepare<[number], Stored>(
    `SELECT seq, hash, coalesce((SELECT at FROM records WHERE seq <= last.seq AND kind <> 'gap'
       ORDER BY seq DESC LIMIT 1), '') AS at
     FROM records AS last WHERE seq <= ? ORDER BY seq DESC LIMIT 1`,
  );
  const last = upTo.get(Number.MAX_SAFE_INTEGER);
  if (!last) return before;
  const records = last.seq - info.firstSeq + 1;
  const count = Math.max(1, Math.min(maxRanges, Math.ceil(records / rangeRecords)));
  let after = Number.MIN_SAFE_INTEGER;
  let previous: Stored = before;
  for (let n = 1; n <= count; n += 1) {
    const to = n === count ? last.seq : info.firstSeq - 1 + Math.floor((records * n) / count);
    plan.ranges.push({ file, format, previous, after, to });
    after = to;
    previous = upTo.get(to) ?? before;
  }
  return last;
}
