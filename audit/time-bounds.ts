import { AuditError } from './errors.ts';

/** From when to when records are meant: days or RFC 3339 times. */
export interface TimeBounds {
  /** Inclusive. */
  readonly since?: string | undefined;
  /** Exclusive. */
  readonly until?: string | undefined;
}

const RFC3339 =
  /^(\d{4}-\d\d-\d\d)(?:[Tt ](\d\d:\d\d:\d\d)(?:\.(\d+))?(?:[Zz]|([+-])([01]\d|2[0-3]):([0-5]\d)))?$/;
const EARLIEST_MS = Date.parse('0000-01-01T00:00:00.000Z');
const LATEST_MS = Date.parse('9999-12-31T23:59:59.999Z');

/**
 * Reads a time that a filter names. Stored times are all UTC with milliseconds, so that they compare as texts.
 *
 * @param name of the filter, for the message
 * @param value a day or an RFC 3339 time
 * @returns RFC 3339, UTC, milliseconds; where that has no such year, the nearest that it has
 * @throws {AuditError} `audit_query` when it can't be read, or the calendar has no such time
 * @see RFC 3339 §5.6, §5.7
 */
export function timestamp(name: string, value: string): string {
  const ms = epochMs(value);
  if (ms !== undefined) return new Date(withinYears(ms)).toISOString();
  throw new AuditError(
    'audit_query',
    `${name} must be a day or an RFC 3339 time that there is, such as 2026-11-23 or 2026-11-23T09:30:00Z`,
  );
}

function epochMs(value: string): number | undefined {
  const parts = RFC3339.exec(value);
  if (!parts) return undefined;
  const [, day, time = '00:00:00', fraction = '', sign, hours = '0', minutes = '0'] = parts;
  const local = `${day}T${time}.${fraction.slice(0, 3).padEnd(3, '0')}Z`;
  const ms = Date.parse(local);
  // Date makes 2 March of 30 February, and the next day's midnight of 24:00.
  if (Number.isNaN(ms) || new Date(ms).toISOString() !== local) return undefined;
  const offsetMs = (Number(hours) * 60 + Number(minutes)) * 60_000;
  return sign === '-' ? ms + offsetMs : ms - offsetMs;
}

/**
 * Keeps a time within the years of four digits: others don't compare as texts.
 *
 * @param ms epoch ms
 * @returns the nearest within the years 0000 to 9999, epoch ms
 */
export function withinYears(ms: number): number {
  return Math.min(Math.max(ms, EARLIEST_MS), LATEST_MS);
}

/**
 * Reads both ends of a time.
 *
 * @param bounds either may be absent
 * @returns those given, as {@link timestamp} does
 * @throws {AuditError} `audit_query` for a time that can't be read, or an end that is not after the beginning
 */
export function readBounds({ since, until }: TimeBounds): TimeBounds {
  const bounds = {
    since: since === undefined ? undefined : timestamp('since', since),
    until: until === undefined ? undefined : timestamp('until', until),
  };
  if (bounds.since !== undefined && bounds.until !== undefined && bounds.since >= bounds.until)
    throw emptyPeriod();
  return bounds;
}

/** The fault of a time without any length. */
export function emptyPeriod(): AuditError {
  return new AuditError('audit_query', 'the period is empty: since must be before until');
}
