import { bodyHash } from './chain.ts';
import { AuditError } from './errors.ts';
import type { AuditFields, AuditRecord } from './record.ts';
import { newestOpeningFault, readOpening } from './opening.ts';
import type { Segment } from './segment.ts';

const tailRecords = 1000;

/**
 * Checks that the newest records of a segment are chained, and what stands beside them is what its first record
 * vouches for, so that nothing is appended to a chain that was altered while nobody was writing it.
 * `audit verify` checks the whole.
 *
 * @param segment the newest segment
 * @throws {AuditError} `audit_tampered`
 */
export function verifyTail(segment: Segment): void {
  const fault = newestOpeningFault(segment.db, segment.format);
  if (fault !== undefined) throw tampered(segment, fault);
  const rows = segment.db
    .prepare<[number], { seq: number; body: string; hash: string }>(
      'SELECT seq, body, hash FROM records ORDER BY seq DESC LIMIT ?',
    )
    .all(tailRecords + 1)
    .toReversed();
  const { firstSeq } = segment.info;
  let previous = { seq: firstSeq - 1, hash: segment.info.prev };
  for (const [index, row] of rows.entries()) {
    const first = index === 0 && row.seq !== firstSeq;
    if (!first && !follows(row, previous, segment.format)) {
      throw tampered(segment, `record ${row.seq} was altered`);
    }
    previous = row;
  }
}

function tampered({ path }: Segment, what: string): AuditError {
  return new AuditError(
    'audit_tampered',
    `${path}: ${what}. Run audit verify for the whole picture; ` +
      'to go on, keep this directory as evidence and start with an empty one',
  );
}

function follows(
  row: { readonly seq: number; readonly body: string; readonly hash: string },
  previous: { readonly seq: number; readonly hash: string },
  format: number,
): boolean {
  if (row.seq !== previous.seq + 1 || bodyHash(row.body, format) !== row.hash) return false;
  return (JSON.parse(row.body) as AuditRecord).prev === previous.hash;
}

/**
 * Finds the requests that were allowed and neither ended nor marked `interrupted`.
 *
 * @param segment the newest segment, which also notes what was open when it was begun
 * @returns the request records' fields, oldest first
 */
export function openRequests(segment: Segment): AuditFields[] {
  const open = new Map<string, (AuditFields | number)[]>();
  for (const body of readOpening(segment.db).carried) {
    const fields = parsed(body);
    push(open, fields.requestId ?? '', fields);
  }
  const rows = segment.db
    .prepare<[], { seq: number; kind: string; request_id: string }>(
      `SELECT seq, kind, request_id FROM records
       WHERE kind IN ('request', 'outcome', 'interrupted') AND request_id IS NOT NULL ORDER BY seq`,
    )
    .iterate();
  for (const { seq, kind, request_id: requestId } of rows) {
    if (kind === 'request') {
      push(open, requestId, seq);
      continue;
    }
    const same = open.get(requestId);
    same?.shift();
    if (same?.length === 0) open.delete(requestId);
  }
  const body = segment.db.prepare<[number], { body: string }>(
    'SELECT body FROM records WHERE seq = ?',
  );
  return [...open.values()]
    .flat()
    .map((entry) => (typeof entry === 'number' ? parsed(body.get(entry)?.body) : entry))
    .filter((fields) => fields.decision !== 'deny');
}

function parsed(body: string | undefined): AuditFields {
  return JSON.parse(body ?? '{}') as AuditFields;
}

function push<T>(map: Map<string, T[]>, key: string, value: T): void {
  const values = map.get(key);
  if (values) values.push(value);
  else map.set(key, [value]);
}
