const FIRST_MS = 500;
const MOST_MS = 60_000;

/** How long to wait after failures in a row. */
export interface Backoff {
  /** @param askedMs what the other side asks for at least */
  next(askedMs: number | undefined): number;
  reset(): void;
}

/**
 * Doubles from half a second to a minute, with jitter, so that relays that failed together do not come back
 * together.
 *
 * @param random 0 to 1
 * @returns a back-off without failures yet
 */
export function createBackoff(random: () => number): Backoff {
  let failures = 0;
  return {
    next(askedMs = 0) {
      const waitMs = Math.min(FIRST_MS * 2 ** failures, MOST_MS);
      failures += 1;
      return Math.max(askedMs, waitMs * (0.5 + random() / 2));
    },
    reset() {
      failures = 0;
    },
  };
}
