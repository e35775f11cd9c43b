import { AuditError } from '../errors.ts';
import { timestamp } from '../reader.ts';
import { DAY_MS } from '../week-clock.ts';

/** How much of the past people are compared with. */
export const HISTORY_DAYS = 28;
const DEFAULT_DAYS = 7;
/** What a report is about; times in epoch ms. */
export interface Period {
  readonly sinceMs: number;
  readonly untilMs: number;
  /** Where the past begins that people are compared with. */
  readonly historyMs: number;
}

const timeOf = (name: string, text: string): number => Date.parse(timestamp(name, text));

/**
 * Reads the bounds of a report.
 *
 * @param bounds RFC 3339 times or days (UTC); without `until` it is now, without `since` seven days before
 * @param nowMs epoch ms
 * @returns the period
 * @throws {AuditError} `audit_query` for a time that can't be read, or an empty period
 */
export function readPeriod(
  bounds: { readonly since?: string | undefined; readonly until?: string | undefined },
  nowMs: number,
): Period {
  const untilMs = bounds.until === undefined ? nowMs : timeOf('until', bounds.until);
  const sinceMs =
    bounds.since === undefined ? untilMs - DEFAULT_DAYS * DAY_MS : timeOf('since', bounds.since);
  if (sinceMs >= untilMs) {
    throw new AuditError('audit_query', 'the period is empty: since must be before until');
  }
  return { sinceMs, untilMs, historyMs: sinceMs - HISTORY_DAYS * DAY_MS };
}
