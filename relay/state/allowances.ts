/** How much somebody may do: `requests` at once, and as many again in each `perMs`. */
export interface Allowance {
  readonly requests: number;
  readonly perMs: number;
}

/** What is left of allowances, by whose they are. */
export interface AllowanceStore {
  /**
   * Takes one.
   *
   * @param key whose
   * @param allowance how much
   * @returns 0 when it was there, otherwise how long until it is, ms; then nothing is taken
   */
  take(key: string, allowance: Allowance): number;
}

/**
 * Makes a store of allowances by GCRA: of each it keeps one number, the time at which it is full again.
 *
 * @param now the clock, epoch ms
 * @param capacity how many are told apart; those that are full again are forgotten first
 * @returns an empty store
 * @see ITU-T I.371 §A
 */
export function createAllowances(now: () => number, capacity = 100_000): AllowanceStore {
  const fullAtMs = new Map<string, number>();

  function makeRoom(nowMs: number): void {
    for (const [key, atMs] of fullAtMs) if (atMs <= nowMs) fullAtMs.delete(key);
    // Nobody's is full: whoever was here first has had the most time to refill.
    for (const key of fullAtMs.keys()) {
      if (fullAtMs.size < capacity) return;
      fullAtMs.delete(key);
    }
  }

  return {
    take(key, { requests, perMs }) {
      const nowMs = now();
      const known = fullAtMs.get(key);
      const next = Math.max(nowMs, known ?? nowMs) + perMs / requests;
      const waitMs = next - perMs - nowMs;
      // Sums of fractions miss their mark by some billionths.
      if (waitMs > 1e-6) return waitMs;
      if (known === undefined && fullAtMs.size >= capacity) makeRoom(nowMs);
      fullAtMs.set(key, next);
      return 0;
    },
  };
}
