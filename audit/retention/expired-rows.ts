import { bodyHash } from '../chain.ts';
import { AuditError } from '../errors.ts';
import { type AuditRecord, LASTING_KINDS } from '../record.ts';
import { type SegmentInfo, STUB_KIND } from '../segment.ts';
import type { Limits } from './policy.ts';
import type { Held } from './prepare.ts';
import { createRuns } from './runs.ts';
import type { SignedRecords } from './signed.ts';
import { parseStub, type Stub } from './stub.ts';

/** A row of a segment, by its columns. */
export interface StoredRow {
  readonly seq: number;
  readonly at: string;
  readonly kind: string;
  readonly request_id: string | null;
  readonly user: string | null;
  readonly api: string | null;
  readonly decision: string | null;
  readonly code: string | null;
  readonly body: string;
  readonly hash: string;
}

/** Tells, row by row, what of a segment has expired. */
export interface ExpiredRows {
  /** @throws {AuditError} `audit_tampered` */
  take(row: StoredRow): void;
  /** @returns how many records expired, by API; `''` for those without one */
  finish(): Readonly<Record<string, number>>;
}

/**
 * Makes the judge of one segment.
 *
 * @param deps the segment, the limits, what is held; `stub` and `record` take what is to be kept, in order
 * @returns the judge
 */
export function createExpiredRows(deps: {
  readonly info: SegmentInfo;
  readonly format: number;
  readonly limits: Limits;
  readonly held: Held;
  /** Records that signed checkpoints name: their hashes are kept. */
  readonly signed: SignedRecords;
  readonly stub: (stub: Stub) => void;
  readonly record: (row: StoredRow) => void;
}): ExpiredRows {
  const { info, format, limits } = deps;
  const people = new Set<string | undefined>(deps.held.people);
  const apis = new Set<string | undefined>(deps.held.apis);
  const counts: Record<string, number> = Object.create(null) as Record<string, number>;
  const runs = createRuns(deps.stub);
  let previous = { seq: info.firstSeq - 1, hash: info.prev };
  /** A clock that was set back makes no record older than the ones before it, nor than their checkpoints. */
  let newest = deps.signed.timeBefore(info.firstSeq);

  function isExpired({ kind, api, who, user }: AuditRecord): boolean {
    // What proves that the others expired must stay, and why people have no names, and holds ended.
    if (LASTING_KINDS.includes(kind) || apis.has(api) || people.has(who ?? user)) return false;
    return newest < limits.of(api).until;
  }

  return {
    take(row) {
      const { seq, hash } = row;
      if (row.at > newest) newest = row.at;
      if (row.kind === STUB_KIND) {
        const stub = parseStub(row.body);
        if (!stub || stub.first !== previous.seq + 1 || stub.prev !== previous.hash) {
          throw tampered(seq);
        }
        const { first, prev, until, retentionMs } = stub;
        runs.add({ seq, hash, at: row.at, first, prev, limit: { until, retentionMs } });
      } else {
        const record = intact(row, previous, format);
        const { api = '' } = record;
        if (isExpired(record)) {
          counts[api] = (counts[api] ?? 0) + 1;
          const limit = limits.of(record.api);
          runs.add({ seq, hash, at: newest, first: seq, prev: previous.hash, limit });
        } else {
          runs.end();
          deps.record(row);
        }
      }
      if (deps.signed.has(seq)) {
        runs.end();
        const signedAt = deps.signed.timeBefore(seq + 1);
        if (signedAt > newest) newest = signedAt;
      }
      previous = { seq, hash };
    },
    finish() {
      runs.end();
      return counts;
    },
  };
}

/** What stands in the columns is not covered by any hash: only the body tells what a record is. */
function intact(
  { seq, at, body, hash }: StoredRow,
  previous: { readonly seq: number; readonly hash: string },
  format: number,
): AuditRecord {
  if (seq !== previous.seq + 1 || bodyHash(body, format) !== hash) throw tampered(seq);
  const record = JSON.parse(body) as AuditRecord;
  const isInPlace = record.seq === seq && record.prev === previous.hash && record.at === at;
  if (isInPlace) return record;
  throw tampered(seq);
}

function tampered(seq: number): AuditError {
  return new AuditError(
    'audit_tampered',
    `record ${seq} was altered, so nothing in its segment expires: run audit verify`,
  );
}
