/** Exact below this; above, values are told apart by their first seven bits: within 1.6 %. */
const EXACT = 128;

/** Keeps the distribution of durations in bounded memory. */
export interface Quantiles {
  /** Takes a whole number of milliseconds. */
  add(ms: number): void;
  /** @returns the value that the share `p` of all values does not exceed; `undefined` without values */
  at(p: number): number | undefined;
}

function bucketOf(ms: number): number {
  const value = Math.max(0, Math.round(ms));
  if (value < EXACT) return value;
  const shift = Math.floor(Math.log2(value)) - 6;
  return Math.floor(value / 2 ** shift) * 2 ** shift;
}

/**
 * Makes an empty distribution.
 *
 * @returns the distribution
 */
export function createQuantiles(): Quantiles {
  const buckets = new Map<number, number>();
  let total = 0;
  return {
    add(ms) {
      const bucket = bucketOf(ms);
      buckets.set(bucket, (buckets.get(bucket) ?? 0) + 1);
      total += 1;
    },
    at(p) {
      let left = Math.max(1, Math.ceil(p * total));
      for (const [bucket, count] of [...buckets].toSorted(([a], [b]) => a - b)) {
        left -= count;
        if (left <= 0) return bucket;
      }
      return undefined;
    },
  };
}
