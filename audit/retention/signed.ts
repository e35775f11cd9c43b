import { closeSync, existsSync, openSync, readSync } from 'node:fs';
import { type CheckpointKeys, checkpointsPath, isSigned, parseCheckpoint } from '../checkpoint.ts';
import { linesIn } from '../lines.ts';

/** The records that a ledger's checkpoints name. */
export interface SignedRecords {
  has(seq: number): boolean;
  /** The latest time at which a record before this one was signed; RFC 3339, empty when none was. */
  timeBefore(seq: number): string;
}

/** A line that claims to be a checkpoint, and where it stands. */
interface Claim {
  readonly seq: number;
  /** RFC 3339 in the file; epoch ms here, since there may be hundreds of thousands. */
  readonly atMs: number;
  readonly offset: number;
  readonly bytes: number;
  /** Unknown until its signature was checked. */
  isGenuine?: boolean;
}

/**
 * Reads what a ledger's checkpoints say of its records. A record was written after those before it were signed,
 * whatever it claims itself. Signatures are checked of those that decide something; a line without one says nothing.
 *
 * @param dir the ledger's directory
 * @param keys whose signatures to believe
 * @returns the records
 */
export async function signedRecords(dir: string, keys: CheckpointKeys): Promise<SignedRecords> {
  const path = checkpointsPath(dir);
  let claims = existsSync(path) ? await claimsIn(path, keys) : [];
  let latest = latestUpTo(claims);

  const isGenuine = (claim: Claim): boolean => (claim.isGenuine ??= isSignedAt(path, claim, keys));

  function latestBefore(seq: number): Claim | undefined {
    return latest[firstFrom(claims, seq) - 1];
  }

  return {
    has(seq) {
      for (let at = firstFrom(claims, seq); claims[at]?.seq === seq; at += 1) {
        if (isGenuine(claims[at] as Claim)) return true;
      }
      return false;
    },
    timeBefore(seq) {
      const claim = latestBefore(seq);
      if (claim && !isGenuine(claim)) {
        // One by one they could be made to cost more than all at once.
        claims = claims.filter(isGenuine);
        latest = latestUpTo(claims);
      }
      const believed = latestBefore(seq);
      return believed ? new Date(believed.atMs).toISOString() : '';
    },
  };
}

/** In the order of the records, and of the file where they name the same one. */
async function claimsIn(path: string, keys: CheckpointKeys): Promise<readonly Claim[]> {
  const claims: Claim[] = [];
  for await (const { text, offset, bytes } of linesIn(path)) {
    const checkpoint = parseCheckpoint(text);
    if (!checkpoint || !keys.has(checkpoint.keyId)) continue;
    const atMs = Date.parse(checkpoint.at);
    if (Number.isFinite(atMs)) claims.push({ seq: checkpoint.seq, atMs, offset, bytes });
  }
  return claims.sort((a, b) => a.seq - b.seq);
}

function isSignedAt(path: string, claim: Claim, keys: CheckpointKeys): boolean {
  const checkpoint = parseCheckpoint(textAt(path, claim));
  return (
    checkpoint?.seq === claim.seq &&
    Date.parse(checkpoint.at) === claim.atMs &&
    isSigned(checkpoint, keys)
  );
}

function textAt(path: string, { offset, bytes }: Claim): string {
  const file = openSync(path, 'r');
  try {
    const line = Buffer.alloc(bytes);
    readSync(file, line, 0, bytes, offset);
    return line.toString();
  } finally {
    closeSync(file);
  }
}

/** For each claim the one, of itself and those before, with the latest time. */
function latestUpTo(claims: readonly Claim[]): readonly Claim[] {
  let latest: Claim | undefined;
  return claims.map((claim) => {
    if (!latest || claim.atMs > latest.atMs) latest = claim;
    return latest;
  });
}

/** The place of the first claim of this record or a later one. */
function firstFrom(ascending: readonly Claim[], seq: number): number {
  let low = 0;
  let high = ascending.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((ascending[middle]?.seq ?? Infinity) < seq) low = middle + 1;
    else high = middle;
  }
  return low;
}
