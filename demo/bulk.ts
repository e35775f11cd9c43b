import { createHash } from 'node:crypto';
import { setImmediate as turn } from 'node:timers/promises';

const blockBytes = 64 * 1024;
const pattern = Buffer.from(Array.from({ length: blockBytes }, (_, index) => (index * 31) & 0xff));

/**
 * Makes bytes that are the same each time, never held in memory as a whole: each block of 64 KiB
 * begins with its own number, so that a lost, doubled or swapped block changes the checksum.
 *
 * @param bytes how many
 * @yields the blocks in order
 */
export function* bulk(bytes: number): Generator<Buffer> {
  for (let start = 0; start < bytes; start += blockBytes) {
    const block = Buffer.from(pattern.subarray(0, Math.min(blockBytes, bytes - start)));
    if (block.length >= 8) block.writeBigUInt64BE(BigInt(start / blockBytes), 0);
    yield block;
  }
}

/**
 * The checksum of {@link bulk}, worked out without blocking the event loop for long.
 *
 * @param bytes how many
 * @returns SHA-256 in hex
 */
export async function bulkSha256(bytes: number): Promise<string> {
  const hash = createHash('sha256');
  let blocks = 0;
  for (const block of bulk(bytes)) {
    hash.update(block);
    blocks += 1;
    if (blocks % 64 === 0) await turn();
  }
  return hash.digest('hex');
}
