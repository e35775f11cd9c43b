import { AuditError } from './errors.ts';

/** Hours of a week: Monday's first is 0, Sunday's last is 167. */
export const SLOTS = 168;
export const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;
/** All zones' offsets are multiples of it. */
const QUARTER_MS = 900_000;
/** Of a year; beyond it all is forgotten, and found again as it is asked for. */
const MAX_CACHED = 366 * 96;
const WEEKDAYS = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'];

/** Reads the clocks of one time zone as hours of the week. */
export interface WeekClock {
  readonly timezone: string;
  /** @returns the hour of the week, 0 to 167, at a time in epoch ms */
  slotOf(ms: number): number;
  /** @returns how many hours between two times, epoch ms, fall on each hour of the week */
  hoursIn(fromMs: number, toMs: number): Float64Array;
}

/**
 * Names an hour of the week.
 *
 * @param slot 0 to 167
 * @returns such as `Mon 09:00`
 */
export function slotName(slot: number): string {
  return `${WEEKDAYS[Math.floor(slot / 24)]} ${String(slot % 24).padStart(2, '0')}:00`;
}

/** 1 January 1970 was a Thursday. */
const slotInUtc = (ms: number): number =>
  (((Math.floor(ms / HOUR_MS) + 72) % SLOTS) + SLOTS) % SLOTS;

function formatterOf(timezone: string): Intl.DateTimeFormat {
  try {
    return new Intl.DateTimeFormat('en-US', {
      timeZone: timezone,
      weekday: 'short',
      hour: '2-digit',
      hourCycle: 'h23',
    });
  } catch (error) {
    throw new AuditError(
      'audit_query',
      `there is no time zone ${timezone}: use UTC or a name such as Europe/Berlin`,
      { cause: error },
    );
  }
}

function zoneSlots(timezone: string): (ms: number) => number {
  const formatter = formatterOf(timezone);
  if (timezone === 'UTC') return slotInUtc;
  const known = new Map<number, number>();
  return (ms) => {
    const quarter = Math.floor(ms / QUARTER_MS);
    let slot = known.get(quarter);
    if (slot === undefined) {
      const parts = formatter.formatToParts(quarter * QUARTER_MS);
      const part = (type: string): string => parts.find((it) => it.type === type)?.value ?? '';
      slot = WEEKDAYS.indexOf(part('weekday')) * 24 + Number(part('hour'));
      if (known.size >= MAX_CACHED) known.clear();
      known.set(quarter, slot);
    }
    return slot;
  };
}

/**
 * Makes the clock of a time zone.
 *
 * @param timezone an IANA name, or UTC
 * @returns the clock
 * @throws {AuditError} `audit_query` when there is no such zone
 */
export function createWeekClock(timezone: string): WeekClock {
  const slotOf = zoneSlots(timezone);
  return {
    timezone,
    slotOf,
    hoursIn(fromMs, toMs) {
      const hours = new Float64Array(SLOTS);
      for (let ms = fromMs; ms < toMs;) {
        const next = Math.min(toMs, (Math.floor(ms / QUARTER_MS) + 1) * QUARTER_MS);
        const slot = slotOf(ms);
        hours[slot] = (hours[slot] as number) + (next - ms) / HOUR_MS;
        ms = next;
      }
      return hours;
    },
  };
}
