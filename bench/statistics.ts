/**
 * Finds the median.
 *
 * @param values in any order
 * @returns it; NaN of no values
 */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? upper) + upper) / 2;
}

/**
 * Finds the value below which a part of all lies.
 *
 * @param sorted ascending
 * @param part 0 to 1
 * @returns the value; 0 of no values
 */
export function quantile(sorted: Float64Array, part: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0;
}
