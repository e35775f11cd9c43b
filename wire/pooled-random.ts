import { randomFillSync } from 'node:crypto';

const POOL_BYTES = 8 * 1024;

/** Hands out random bytes as hex; a call for each few bytes would cost ten times as much. */
export type RandomHex = (bytes: number) => string;

/**
 * Makes a source of random hex that asks the system for many bytes at a time.
 *
 * @returns a function from a number of bytes (at most 64) to as many, in hex
 */
export function createRandomHex(): RandomHex {
  const pool = Buffer.alloc(POOL_BYTES);
  let at = POOL_BYTES;
  return (bytes) => {
    if (at + bytes > POOL_BYTES) {
      randomFillSync(pool);
      at = 0;
    }
    at += bytes;
    return pool.toString('hex', at - bytes, at);
  };
}
