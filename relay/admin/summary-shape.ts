/** A part of a time. */
export interface SeriesPoint {
  /** When it begins, RFC 3339. */
  readonly at: string;
  readonly allowed: number;
  readonly denied: number;
}

/** What is counted of people and APIs alike. */
export interface Counts {
  readonly requests: number;
  readonly denied: number;
  /** Answers of 500 and above. */
  readonly errors: number;
  /** RFC 3339. */
  readonly lastAt: string;
}

/** What somebody did. */
export interface PersonSummary extends Counts {
  /** Absent of somebody erased, of whom `who` is left. */
  readonly user?: string;
  readonly who?: string;
  readonly issuer?: string;
  readonly name?: string;
  /** Most used first. */
  readonly apis: readonly { readonly api: string; readonly requests: number }[];
}

/** How an API was used. */
export interface ApiSummary extends Counts {
  readonly api: string;
  readonly people: number;
  /** Of the answers to what was let through, 0 to 1. */
  readonly errorRate: number;
  /** Half, and nineteen of twenty, took no longer; ms. */
  readonly p50?: number;
  readonly p95?: number;
}

/** One reason for refusals. */
export interface DenialSummary {
  readonly code: string;
  readonly count: number;
  readonly people: number;
  readonly apis: readonly string[];
  readonly lastAt: string;
  readonly lastRequestId?: string;
}

/** What happened in a time. */
export interface Summary {
  readonly since: string;
  readonly until: string;
  /** How many records it is taken from. */
  readonly records: number;
  /** Whether there are older ones in the time, too many to count. */
  readonly isPartial: boolean;
  readonly totals: Pick<Counts, 'requests' | 'denied' | 'errors'>;
  readonly people: readonly PersonSummary[];
  readonly apis: readonly ApiSummary[];
  readonly denials: readonly DenialSummary[];
  readonly series: readonly SeriesPoint[];
}
