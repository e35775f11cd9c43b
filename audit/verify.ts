import { createReadStream, existsSync, statSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { genesis, type Head } from './chain.ts';
import { checkpointsPath, isSigned, parseCheckpoint, publicKeyPath } from './checkpoint.ts';
import { type CheckpointKeys, readPublicKeys } from './checkpoint.ts';
import { AuditError } from './errors.ts';
import { segmentsToRead } from './reader.ts';
import type { SegmentFile } from './segment.ts';
import { createHashLookup, type Fault, verifySegment } from './verify-segment.ts';

const maxFaults = 1000;

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
}

/**
 * Checks every record, the chain that joins them and each signed checkpoint. Reads only, with
 * bounded memory, and works while the ledger is being written.
 *
 * @param dir the ledger's directory
 * @param options `checkpointFile` holds checkpoints that were kept elsewhere, and `publicKeyFile` the
 *   only keys to believe: together they find a chain that was computed anew from some record on
 * @returns what was found
 * @throws {AuditError} `audit_config` when there is no ledger, or a given file can't be used
 */
export async function verifyLedger(
  dir: string,
  options: { readonly checkpointFile?: string; readonly publicKeyFile?: string } = {},
): Promise<Verification> {
  const own = checkpointsPath(dir);
  // Only checkpoints that exist before the records are read are sure to be about records read.
  const ownBytes = existsSync(own) ? statSync(own).size : 0;
  const files = segmentsToRead(dir);
  if (files.length === 0 && ownBytes === 0) {
    throw new AuditError('audit_config', `there is no audit in ${dir}`);
  }
  const faults: Fault[] = [];
  const report = (fault: Fault): void => {
    if (faults.length < maxFaults) faults.push(fault);
  };
  let head = genesis;
  let records = 0;
  for (const [index, file] of files.entries()) {
    if (file.number !== index + 1 && files[index - 1]?.number !== file.number - 1) {
      report({ segment: file.name, what: 'the segments before this one are missing' });
    }
    const result = await verifySegment(file, head, index === files.length - 1, report);
    head = result.head;
    records += result.records;
  }

  const keys = loadKeys(dir, options.publicKeyFile, report);
  const context = { files, head, keys, report };
  if (ownBytes === 0) report({ what: 'checkpoints.jsonl is missing or empty' });
  let checkpoints = ownBytes === 0 ? 0 : await verifyCheckpoints(own, ownBytes, context);
  if (options.checkpointFile !== undefined) {
    const kept = options.checkpointFile;
    checkpoints += await verifyCheckpoints(kept, sizeOf(kept), context);
  }
  const ok = faults.length === 0;
  return { ok, records, checkpoints, segments: files.length, head, faults };
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
    report({ what: error instanceof Error ? error.message : String(error) });
    return new Map();
  }
}

function sizeOf(file: string): number {
  const size = statSync(file, { throwIfNoEntry: false })?.size;
  if (size) return size;
  throw new AuditError('audit_config', `${file} is missing or empty: it must hold checkpoints`);
}

interface Context {
  readonly files: readonly SegmentFile[];
  readonly head: Head;
  readonly keys: CheckpointKeys;
  readonly report: (fault: Fault) => void;
}

async function verifyCheckpoints(path: string, bytes: number, context: Context): Promise<number> {
  const lookup = createHashLookup(context.files);
  const stream = createReadStream(path, { end: bytes - 1 });
  let line = 0;
  let agreeing = 0;
  try {
    for await (const text of createInterface({ input: stream, crlfDelay: Infinity })) {
      line += 1;
      if (text === '') continue;
      const fault = checkpointFault(text, context, lookup.hashAt);
      if (fault) context.report({ ...fault, what: `checkpoint line ${line}: ${fault.what}` });
      else agreeing += 1;
    }
  } finally {
    stream.destroy();
    lookup.close();
  }
  return agreeing;
}

function checkpointFault(
  text: string,
  { head, keys }: Context,
  hashAt: (seq: number) => string | undefined,
): Fault | undefined {
  const checkpoint = parseCheckpoint(text);
  if (!checkpoint) return { what: 'not a checkpoint' };
  const { seq } = checkpoint;
  if (!isSigned(checkpoint, keys)) return { seq, what: 'not signed by a known key' };
  if (seq > head.seq)
    return { seq, what: `the ledger ends at record ${head.seq}: its tail was cut` };
  const found = hashAt(seq);
  if (found === undefined) return { seq, what: 'the record that it signs is missing' };
  if (found !== checkpoint.hash) return { seq, what: 'the record is not the one that was signed' };
  return undefined;
}
