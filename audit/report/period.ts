import { emptyPeriod, readBounds, type TimeBounds, withinYears } from '../time-bounds.ts';
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

const daysBefore = (ms: number, days: number): number => withinYears(ms - days * DAY_MS);

/**
 * Reads the bounds of a report.
 *
 * @param bounds RFC 3339 times or days (UTC); without `until` it is now, without `since` seven days before
 * @param nowMs epoch ms
 * @returns the period
 * @throws {AuditError} `audit_query` for a time that can't be read, or an empty period
 */
export function readPeriod(bounds: TimeBounds, nowMs: number): Period {
  const { since, until } = readBounds(bounds);
  const untilMs = until === undefined ? nowMs : Date.parse(until);
  const sinceMs = since === undefined ? daysBefore(untilMs, DEFAULT_DAYS) : Date.parse(since);
  if (sinceMs >= untilMs) throw emptyPeriod();
  return { sinceMs, untilMs, historyMs: daysBefore(sinceMs, HISTORY_DAYS) };
}
