import { createReadStream, existsSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { checkpointsPath, parseCheckpoint } from '../checkpoint.ts';

/** The records that a ledger's checkpoints name. */
export interface SignedRecords {
  has(seq: number): boolean;
  /** The latest time at which a record before this one was signed; RFC 3339, empty when none was. */
  timeBefore(seq: number): string;
}

/**
 * Reads what a ledger's checkpoints say of its records. A record was written after those before it were signed,
 * whatever it claims itself.
 *
 * @param dir the ledger's directory
 * @returns the records
 */
export async function signedRecords(dir: string): Promise<SignedRecords> {
  const times = new Map<number, string>();
  const path = checkpointsPath(dir);
  if (existsSync(path)) {
    for await (const line of createInterface({ input: createReadStream(path) })) {
      const checkpoint = parseCheckpoint(line);
      if (checkpoint && !times.has(checkpoint.seq)) times.set(checkpoint.seq, checkpoint.at);
    }
  }
  const seqs = [...times.keys()].sort((a, b) => a - b);
  let latest = '';
  const upTo = seqs.map((seq) => {
    const at = times.get(seq) ?? '';
    if (at > latest) latest = at;
    return latest;
  });
  return {
    has: (seq) => times.has(seq),
    timeBefore: (seq) => upTo[countBelow(seqs, seq) - 1] ?? '',
  };
}

function countBelow(ascending: readonly number[], limit: number): number {
  let low = 0;
  let high = ascending.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((ascending[middle] ?? Infinity) < limit) low = middle + 1;
    else high = middle;
  }
  return low;
}
