import type { AuditRecord } from '../record.ts';
import type { Figures } from './shape.ts';

/** Counts of a person, an API, a tool, or all. */
export interface Tally {
  requests: number;
  denied: number;
  errors: number;
  /** Answers to what was let through. */
  answers: number;
  bytesIn: number;
  bytesOut: number;
  interrupted: number;
}

/**
 * Makes a tally.
 *
 * @returns all zeros
 */
export function createTally(): Tally {
  return {
    requests: 0,
    denied: 0,
    errors: 0,
    answers: 0,
    bytesIn: 0,
    bytesOut: 0,
    interrupted: 0,
  };
}

/**
 * Tells whether an outcome is a refusal after all: what this side let through, the other side or a bound
 * refused. A failure (status 500 and above) is none.
 *
 * @param outcome the record
 * @returns whether it counts as denied
 */
export function isRefusedLater({ decision, code, status = 0 }: AuditRecord): boolean {
  return decision !== 'deny' && code !== undefined && status < 500;
}

/**
 * Counts a record.
 *
 * @param tally what it counts for
 * @param record of kind `request`, `outcome` or `interrupted`
 */
export function count(tally: Tally, record: AuditRecord): void {
  const { kind, decision, status = 0 } = record;
  if (kind === 'request') {
    const times = record.count ?? 1;
    tally.requests += times;
    if (decision === 'deny') tally.denied += times;
    return;
  }
  if (kind === 'interrupted') {
    tally.interrupted += 1;
    return;
  }
  tally.bytesIn += record.bytesIn ?? 0;
  tally.bytesOut += record.bytesOut ?? 0;
  if (decision === 'deny') return;
  tally.answers += 1;
  if (status >= 500) tally.errors += 1;
  if (isRefusedLater(record)) tally.denied += 1;
}

/**
 * Writes a tally for a report.
 *
 * @param tally the counts
 * @returns the figures
 */
export function figuresOf(tally: Tally): Figures {
  const { requests, denied, errors, answers, bytesIn, bytesOut, interrupted } = tally;
  return {
    requests,
    // A refusal may come in the period for a request from before it.
    allowed: Math.max(0, requests - denied),
    denied,
    errors,
    errorRate: answers === 0 ? 0 : errors / answers,
    bytesIn,
    bytesOut,
    interrupted,
  };
}
