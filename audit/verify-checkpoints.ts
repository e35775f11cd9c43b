import { statSync } from 'node:fs';
import type { Head } from './chain.ts';
import { type CheckpointKeys, isSigned, lineHash, parseCheckpoint } from './checkpoint.ts';
import { AuditError } from './errors.ts';
import type { SegmentFile } from './segment.ts';
import { createHashLookup } from './hash-lookup.ts';
import { linesIn } from './lines.ts';
import type { Fault } from './verify-record.ts';

/** What checkpoints are held against. */
export interface Witnessed {
  readonly files: readonly SegmentFile[];
  readonly head: Head;
  readonly keys: CheckpointKeys;
  readonly report: (fault: Fault) => void;
}

/** A file of checkpoints. */
interface CheckpointFile {
  readonly path: string;
  /** How much of it to read. */
  readonly bytes: number;
  /** Whether it is the ledger's own, of which no line may be missing. */
  readonly isOwn: boolean;
}

/**
 * Checks each checkpoint of a file against the chain.
 *
 * @param file which, and how much of it
 * @param witnessed the chain as it was found
 * @returns how many agree
 */
export async function verifyCheckpoints(
  { path, bytes, isOwn }: CheckpointFile,
  witnessed: Witnessed,
): Promise<number> {
  const lookup = createHashLookup(witnessed.files);
  let line = 0;
  let agreeing = 0;
  let before: string | undefined;
  const report = (seq: number | undefined, what: string): void =>
    witnessed.report({
      ...(seq === undefined ? {} : { seq }),
      what: `checkpoint line ${line}: ${what}`,
    });
  try {
    for await (const { text: stored } of linesIn(path, bytes)) {
      line += 1;
      // A copy may have come by a mail or an editor; in the ledger's own file nothing stands but what was written.
      const text = isOwn ? stored : stored.replace(/\r$/, '');
      if (text === '' && !isOwn) continue;
      const checkpoint = parseCheckpoint(text);
      const what = checkpoint
        ? disagreement(checkpoint, witnessed, lookup.hashAt)
        : 'not a checkpoint, or not as it was written';
      if (what === undefined) agreeing += 1;
      else report(checkpoint?.seq, what);
      if (isOwn && what === undefined && !follows(text, before)) {
        report(checkpoint?.seq, 'does not follow the line before it: lines were removed or moved');
      }
      before = text;
    }
  } finally {
    lookup.close();
  }
  return agreeing;
}

/** Earlier versions named no line before: of theirs only the order can be told. */
function follows(line: string, before: string | undefined): boolean {
  const [own, last] = [
    parseCheckpoint(line),
    before === undefined ? undefined : parseCheckpoint(before),
  ];
  if (own?.prev !== undefined) return before !== undefined && lineHash(before) === own.prev;
  if (before === undefined || own === undefined || last === undefined) return true;
  return last.prev === undefined && line !== before && last.seq <= own.seq;
}

function disagreement(
  checkpoint: NonNullable<ReturnType<typeof parseCheckpoint>>,
  { head, keys }: Witnessed,
  hashAt: (seq: number) => string | undefined,
): string | undefined {
  const { seq, hash } = checkpoint;
  if (!isSigned(checkpoint, keys)) return 'not signed by a known key';
  if (seq > head.seq) return `the ledger ends at record ${head.seq}: its tail was cut`;
  const found = hashAt(seq);
  if (found === undefined) return 'the record that it signs is missing';
  return found === hash ? undefined : 'the record is not the one that was signed';
}

/**
 * The size of a file that was named by somebody.
 *
 * @param file which must hold checkpoints
 * @returns bytes
 * @throws {AuditError} `audit_config` when it is missing or empty
 */
export function sizeOf(file: string): number {
  const size = statSync(file, { throwIfNoEntry: false })?.size;
  if (size) return size;
  throw new AuditError('audit_config', `${file} is missing or empty: it must hold checkpoints`);
}
