import type { AuditFields } from './record.ts';

/** Keeps count of what could not be recorded, so that the record says so once it can. */
export interface Outage {
  /** A write failed, and this many writers were told so. */
  failed(refused: number): void;
  /** A record that nobody waits for was given up. */
  lost(): void;
  /** Whether a `gap` record is due. */
  readonly isDue: boolean;
  /** The `gap` record, if one is due. */
  report(): AuditFields | undefined;
  /** The report is committed. */
  reported(): void;
}

/**
 * Makes the account of one ledger's outages.
 *
 * @param now the clock, epoch ms
 * @returns an account without entries
 */
export function createOutage(now: () => number): Outage {
  let sinceMs: number | undefined;
  let refused = 0;
  let lost = 0;
  return {
    failed(count) {
      sinceMs ??= now();
      refused += count;
    },
    lost() {
      sinceMs ??= now();
      lost += 1;
    },
    get isDue() {
      return sinceMs !== undefined;
    },
    report() {
      if (sinceMs === undefined) return undefined;
      const since = new Date(sinceMs).toISOString();
      return {
        count: lost,
        detail: `records could not be written since ${since}: ${refused} were refused, ${lost} were lost`,
      };
    },
    reported() {
      sinceMs = undefined;
      refused = 0;
      lost = 0;
    },
  };
}
