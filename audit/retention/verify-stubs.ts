import type { CheckpointKeys } from '../checkpoint.ts';
import type { Head } from '../chain.ts';
import { openReader } from '../reader.ts';
import type { AuditRecord } from '../record.ts';
import { type SegmentFile, STUB_KIND } from '../segment.ts';
import type { Fault, StoredRow } from '../verify-record.ts';
import { type SignedRecords, signedRecords } from './signed.ts';
import { createStubDigest, parseStub, type Stub } from './stub.ts';

/** An `expire` record that tells of stubs. */
export type Statement = Pick<AuditRecord, 'at' | 'seq'> & {
  readonly expiry: NonNullable<AuditRecord['expiry']>;
};

/** How much later than its judgement of ages an `expire` record may claim to be made. */
const slackMs = 3_600_000;

/**
 * Checks that a stub stands where the records that it stands for stood.
 *
 * @param row a row of the kind `expired`
 * @param previous the row before, as it is stored
 * @returns what is wrong with it, for people
 */
export function stubFaults(row: StoredRow, previous: Head): readonly string[] {
  const stub = parseStub(row.body);
  if (!stub) return ['stands for expired records, but does not say which'];
  const faults: string[] = [];
  if (stub.first > previous.seq + 1)
    faults.push(`follows record ${previous.seq}: some are missing`);
  if (stub.first <= previous.seq || row.seq < stub.first) {
    faults.push(
      `stands for records from ${stub.first} on after record ${previous.seq}: inserted or moved`,
    );
  }
  if (stub.prev !== previous.hash) faults.push('does not follow the record before it');
  if (row.at >= stub.until) faults.push('stands for records that were too young to expire');
  const others = [row.requestId, row.user, row.api, row.decision, row.code];
  if (others.some((it) => it !== null)) faults.push('tells of records that have expired');
  return faults;
}

/**
 * Reads an `expire` record's account of stubs.
 *
 * @param row a record's row
 * @returns the account; `undefined` when it is another record
 */
export function statementOf(row: StoredRow): Statement | undefined {
  if (row.kind !== 'expire') return undefined;
  try {
    const { at, seq, expiry } = JSON.parse(row.body) as AuditRecord;
    return expiry && { at, seq, expiry };
  } catch {
    return undefined;
  }
}

interface Batch {
  readonly name: string;
  readonly stubs: readonly Stub[];
}

/**
 * Checks that all stubs are those that an `expire` record tells of, and that what they stand for was old enough.
 *
 * @param dir the ledger's directory
 * @param files the segments that hold stubs
 * @param statements the `expire` records
 * @param keys whose signatures of checkpoints to believe
 * @returns what is wrong, in the order of the chain
 */
export async function verifyStubs(
  dir: string,
  files: readonly SegmentFile[],
  statements: readonly Statement[],
  keys: CheckpointKeys,
): Promise<readonly Fault[]> {
  if (files.length === 0) return [];
  const signed = await signedRecords(dir, keys);
  const byBatch = new Map(statements.map((statement) => [statement.expiry.batch, statement]));
  return files.flatMap((file) =>
    batchesIn(file).flatMap((batch) => {
      const seq = batch.stubs[0]?.first ?? 0;
      const what = batchFault(batch, byBatch.get(batch.name)) ?? ageFault(batch, signed);
      return what === undefined ? [] : [{ seq, segment: file.name, what }];
    }),
  );
}

function batchesIn(file: SegmentFile): readonly Batch[] {
  const db = openReader(file);
  if (!db) return [];
  try {
    const batches = new Map<string, Stub[]>();
    const rows = db
      .prepare<[string], { seq: number; at: string; body: string; hash: string }>(
        'SELECT seq, at, body, hash FROM records WHERE kind = ? ORDER BY seq',
      )
      .iterate(STUB_KIND);
    for (const { seq, at, body, hash } of rows) {
      const parsed = parseStub(body);
      if (!parsed) continue;
      const { batch, first, prev, until, retentionMs } = parsed;
      const stubs = batches.get(batch) ?? [];
      stubs.push({ seq, at, hash, first, prev, limit: { until, retentionMs } });
      batches.set(batch, stubs);
    }
    return [...batches].map(([name, stubs]) => ({ name, stubs }));
  } finally {
    db.close();
  }
}

function batchFault({ stubs }: Batch, statement: Statement | undefined): string | undefined {
  if (!statement)
    return 'records are gone from here on, and no expire record says that they expired';
  const { seq, at, expiry } = statement;
  const digest = createStubDigest();
  for (const stub of stubs) digest.add(stub);
  if (digest.finish() !== expiry.digest) {
    return `records are gone from here on, and not those that expired by record ${seq}`;
  }
  const isEarly = stubs.some(
    ({ limit }) => Date.parse(limit.until) + limit.retentionMs > Date.parse(at) + slackMs,
  );
  return isEarly ? `records expired by record ${seq} before their retention was over` : undefined;
}

function ageFault({ stubs }: Batch, signed: SignedRecords): string | undefined {
  const young = stubs.find(({ first, at }) => at < signed.timeBefore(first));
  return (
    young &&
    `record ${young.first} is said to have expired as older than the checkpoint that was signed before it`
  );
}
