import { randomFillSync } from 'node:crypto';

/** Crockford's Base32, two characters at a time: ten bits a look-up. */
const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const PAIRS = Array.from(ALPHABET, (first) =>
  Array.from(ALPHABET, (second) => first + second),
).flat();
const POOL_BYTES = 4096;
const BYTES = 10;

const pair = (bits: number): string => PAIRS[bits & 1023] as string;

/** Ten characters; the first pair holds the top of 48 bits. */
function timeOf(ms: number): string {
  const high = Math.floor(ms / 2 ** 30);
  const low = ms % 2 ** 30;
  return pair(high >>> 10) + pair(high) + pair(low >>> 20) + pair(low >>> 10) + pair(low);
}

/** Makes ULIDs, ascending even within a millisecond. */
export type Ulids = (ms: number) => string;

/**
 * Makes a source of ULIDs that asks the system for randomness once in some hundred ids.
 *
 * @returns a function from the time, epoch ms, to an id; a time before the last one's counts as that
 * @see https://github.com/ulid/spec
 */
export function createUlids(): Ulids {
  const pool = Buffer.alloc(POOL_BYTES);
  let at = POOL_BYTES;
  let lastMs = -1;
  let time = '';
  let high = 0;
  let low = 0;

  function begin(ms: number): void {
    lastMs = ms;
    time = timeOf(ms);
    if (at + BYTES > POOL_BYTES) {
      randomFillSync(pool);
      at = 0;
    }
    high = pool.readUIntBE(at, 5);
    low = pool.readUIntBE(at + 5, 5);
    at += BYTES;
  }

  return (ms) => {
    if (ms > lastMs) begin(ms);
    else if (low < 2 ** 40 - 1) low += 1;
    else {
      low = 0;
      high = (high + 1) % 2 ** 40;
    }
    const highTop = Math.floor(high / 2 ** 20);
    const lowTop = Math.floor(low / 2 ** 20);
    return (
      time +
      pair(highTop >>> 10) +
      pair(highTop) +
      pair((high % 2 ** 20) >>> 10) +
      pair(high % 2 ** 20) +
      pair(lowTop >>> 10) +
      pair(lowTop) +
      pair((low % 2 ** 20) >>> 10) +
      pair(low % 2 ** 20)
    );
  };
}
