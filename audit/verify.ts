import { existsSync, statSync } from 'node:fs';
import type { Head } from './chain.ts';
import {
  type CheckpointKeys,
  checkpointsPath,
  publicKeyPath,
  readPublicKeys,
} from './checkpoint.ts';
import { AuditError } from './errors.ts';
import { openReader, segmentsToRead } from './reader.ts';
import { verifyStubs } from './retention/verify-stubs.ts';
import { type SegmentFile, STUB_KIND } from './segment.ts';
import { sizeOf, verifyCheckpoints } from './verify-checkpoints.ts';
import { type SegmentPeople, verifyPeople } from './verify-people.ts';
import { planVerification } from './verify-plan.ts';
import { MAX_TOLD, message } from './verify-range.ts';
import type { Fault } from './verify-record.ts';
import { verifyRanges } from './verify-threads.ts';

/** The result of checking a ledger. */
export interface Verification {
  readonly ok: boolean;
  readonly records: number;
  /** How many signed checkpoints agree with the chain. */
  readonly checkpoints: number;
  readonly segments: number;
  readonly head: Head;
  /** At most 1000, in the order of the chain. */
  readonly faults: readonly Fault[];
  /** Whether people and legal holds were held against the records, which takes the master key. */
  readonly peopleChecked: boolean;
  /** What is worth knowing and no fault, such as a clock that was set back; as many at most. */
  readonly notices: readonly Fault[];
}

/** How a ledger is checked. */
export interface VerifyOptions {
  /** Checkpoints that were kept elsewhere. */
  readonly checkpointFile?: string;
  /** The only keys to believe; with checkpoints kept elsewhere they find a chain that was computed anew. */
  readonly publicKeyFile?: string;
  /** How many threads may help; default: none. */
  readonly threads?: number;
}

/**
 * Checks every record, the chain that joins them and each signed checkpoint. Reads only, with
 * bounded memory, and works while the ledger is being written.
 *
 * @param dir the ledger's directory
 * @param options what to hold it against, and how much of the machine to use
 * @returns what was found
 * @throws {AuditError} `audit_config` when there is no ledger, or a given file can't be used
 */
export async function verifyLedger(
  dir: string,
  options: VerifyOptions = {},
): Promise<Verification> {
  const own = checkpointsPath(dir);
  // Only checkpoints that exist before the records are read are sure to be about records read.
  const ownBytes = existsSync(own) ? statSync(own).size : 0;
  const files = segmentsToRead(dir);
  if (files.length === 0 && ownBytes === 0) {
    throw new AuditError('audit_config', `there is no audit in ${dir}`);
  }
  const { ranges, head, faults: edges, notices } = planVerification(files);
  const results = await verifyRanges(ranges, options.threads ?? 1);
  const thinned = new Set(
    ranges.filter((_, at) => (results[at]?.stubs ?? 0) > 0).map(({ file }) => file),
  );
  const statements = results.flatMap((result) => result.statements);
  const keyFaults: Fault[] = [];
  const keys = loadKeys(dir, options.publicKeyFile, (fault) => keyFaults.push(fault));
  const ofStubs = await verifyStubs(dir, [...thinned], statements, keys);
  const seen = ranges.flatMap<SegmentPeople>(({ file }, at) => {
    const people = results[at]?.people;
    return people ? [{ file, ...people }] : [];
  });
  const people = verifyPeople(dir, seen, head, isRecordThere);
  const inSegments = [
    ...edges,
    ...results.flatMap((result) => result.faults),
    ...ofStubs,
    ...people.faults,
  ];
  const faults = inOrder(inSegments).slice(0, MAX_TOLD);
  const report = (fault: Fault): void => {
    if (faults.length < MAX_TOLD) faults.push(fault);
  };

  for (const fault of keyFaults) report(fault);
  const witnessed = { files, head, keys, report };
  if (ownBytes === 0) report({ what: 'checkpoints.jsonl is missing or empty' });
  let checkpoints =
    ownBytes === 0
      ? 0
      : await verifyCheckpoints({ path: own, bytes: ownBytes, isOwn: true }, witnessed);
  if (options.checkpointFile !== undefined) {
    const path = options.checkpointFile;
    checkpoints += await verifyCheckpoints({ path, bytes: sizeOf(path), isOwn: false }, witnessed);
  }
  return {
    ok: faults.length === 0,
    records: results.reduce((sum, { records }) => sum + records, 0),
    checkpoints,
    segments: files.length,
    head: { seq: head.seq, hash: head.hash },
    faults,
    peopleChecked: people.checked,
    notices: [
      ...people.notices,
      ...inOrder([...notices, ...results.flatMap((result) => result.notices)]),
    ].slice(0, MAX_TOLD),
  };
}

/** Not one that expired while the others were read. */
function isRecordThere(segment: SegmentFile, seq: number): boolean {
  const db = openReader(segment);
  try {
    const row = db
      ?.prepare('SELECT 1 FROM records WHERE seq = ? AND kind <> ?')
      .get(seq, STUB_KIND);
    return row !== undefined;
  } finally {
    db?.close();
  }
}

/** By segment, what concerns all of one first, and other files last; sorting keeps the order of the rest. */
function inOrder(faults: readonly Fault[]): Fault[] {
  const segmentOf = ({ segment = '' }: Fault): string =>
    segment.startsWith('audit-') ? segment.padStart(64) : segment;
  return faults.toSorted((a, b) =>
    segmentOf(a) < segmentOf(b) ? -1 : segmentOf(a) > segmentOf(b) ? 1 : 0,
  );
}

function loadKeys(
  dir: string,
  publicKeyFile: string | undefined,
  report: (fault: Fault) => void,
): CheckpointKeys {
  if (publicKeyFile !== undefined) return readPublicKeys(publicKeyFile);
  try {
    return readPublicKeys(publicKeyPath(dir));
  } catch (error) {
    report({ what: message(error) });
    return new Map();
  }
}
