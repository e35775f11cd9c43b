import type { AuditRecord } from '../record.ts';
import { type UnusualBecause, whyUnusual } from '../usual-hours.ts';
import { DAY_MS, SLOTS, slotName, type WeekClock } from '../week-clock.ts';
import { nameOf } from './person-name.ts';
import type { PersonName } from './shape.ts';
import { createTally, type Tally } from './tally.ts';

/** Less of a past says nothing about what is usual. */
const ENOUGH_DAYS = 14;
const ENOUGH_ACTIVE_DAYS = 5;
/** A client names its tools itself; whoever invents names must not fill the memory. */
const MAX_TOOLS = 1000;
const OTHERS = 'others';

/** What a person did in an hour of the week, in the period. */
interface SlotUse {
  readonly firstAt: string;
  requests: number;
}

/** What is known of a person's past. */
interface Past {
  firstMs: number;
  readonly requests: Uint32Array;
  readonly days: Set<number>;
}

/** What a report keeps of one person. */
export interface Person {
  name: PersonName;
  readonly tally: Tally;
  readonly apis: Map<string, { requests: number; firstAt?: string }>;
  readonly tools: Map<string, number>;
  readonly slots: Map<number, SlotUse>;
  readonly pastApis: Set<string>;
  past: Past | undefined;
  signIns: number;
  /** The newest sign-in that a token told of, seconds since the epoch. */
  authTime: number;
}

/**
 * Begins with a person.
 *
 * @param record the first one of theirs
 * @returns nothing counted yet
 */
export function createPerson(record: AuditRecord): Person {
  return {
    name: nameOf(record),
    tally: createTally(),
    apis: new Map(),
    tools: new Map(),
    slots: new Map(),
    pastApis: new Set(),
    past: undefined,
    signIns: 0,
    authTime: 0,
  };
}

/**
 * Takes a request from before the period.
 *
 * @param person whose it is
 * @param record of kind `request`
 * @param clock of the report's time zone
 */
export function addPast(person: Person, record: AuditRecord, clock: WeekClock): void {
  const { api, decision, count = 1, at, authTime = 0 } = record;
  person.authTime = Math.max(person.authTime, authTime);
  if (api !== undefined && decision === 'allow') person.pastApis.add(api);
  const ms = Date.parse(at);
  person.past ??= { firstMs: ms, requests: new Uint32Array(SLOTS), days: new Set() };
  person.past.firstMs = Math.min(person.past.firstMs, ms);
  const slot = clock.slotOf(ms);
  person.past.requests[slot] = (person.past.requests[slot] as number) + count;
  person.past.days.add(Math.floor(ms / DAY_MS));
}

/**
 * Takes a request of the period, beside what its tally counts.
 *
 * @param person whose it is
 * @param record of kind `request`
 * @param tool what sent it
 * @param clock of the report's time zone
 */
export function addRequest(
  person: Person,
  record: AuditRecord,
  tool: string | undefined,
  clock: WeekClock,
): void {
  const { api, decision, count = 1, at } = record;
  const slot = clock.slotOf(Date.parse(at));
  const use = person.slots.get(slot);
  if (use === undefined) person.slots.set(slot, { firstAt: at, requests: count });
  else use.requests += count;
  if (api !== undefined) {
    const used = person.apis.get(api) ?? { requests: 0 };
    used.requests += count;
    if (decision === 'allow') used.firstAt ??= at;
    person.apis.set(api, used);
  }
  if (tool === undefined) return;
  const name = person.tools.has(tool) || person.tools.size < MAX_TOOLS ? tool : OTHERS;
  person.tools.set(name, (person.tools.get(name) ?? 0) + count);
}

function hasEnough(past: Past | undefined, sinceMs: number): past is Past {
  if (past === undefined || past.days.size < ENOUGH_ACTIVE_DAYS) return false;
  return sinceMs - past.firstMs >= ENOUGH_DAYS * DAY_MS;
}

/**
 * Makes the function that says how many requests a period like this one would have by a person's own
 * averages: those of the same hours of the week.
 *
 * @param period its bounds, epoch ms; the past is what came before
 * @param clock of the report's time zone
 * @returns from a person to the number; null without enough of a past
 */
export function createUsual(
  period: { readonly sinceMs: number; readonly untilMs: number },
  clock: WeekClock,
): (person: Person) => number | null {
  const { sinceMs, untilMs } = period;
  const wanted = clock.hoursIn(sinceMs, untilMs);
  /** By the hour in which a past begins: most begin in the same. */
  const seen = new Map<number, Float64Array>();
  function hoursSince(firstMs: number): Float64Array {
    const fromMs = firstMs - (firstMs % 3_600_000);
    let hours = seen.get(fromMs);
    if (hours === undefined) seen.set(fromMs, (hours = clock.hoursIn(fromMs, sinceMs)));
    return hours;
  }
  return ({ past }) => {
    if (!hasEnough(past, sinceMs)) return null;
    const hours = hoursSince(past.firstMs);
    let usual = 0;
    for (const [slot, requests] of past.requests.entries()) {
      if (requests > 0) usual += ((wanted[slot] as number) * requests) / (hours[slot] as number);
    }
    return Math.round(usual * 10) / 10;
  };
}

/** Activity outside a person's usual hours. */
export interface UnusualHour {
  readonly at: string;
  readonly hour: string;
  readonly requests: number;
  readonly because: UnusualBecause;
}

/**
 * Finds the hours of the week in which a person was active and usually is not.
 *
 * @param person with their past
 * @param sinceMs the period's beginning, epoch ms
 * @returns the hours, by time; none without enough of a past
 */
export function unusualHours({ past, slots }: Person, sinceMs: number): UnusualHour[] {
  if (!hasEnough(past, sinceMs)) return [];
  const hours = new Set<number>();
  const weekdays = new Set<number>();
  for (const [slot, requests] of past.requests.entries()) {
    if (requests === 0) continue;
    hours.add(slot % 24);
    weekdays.add(Math.floor(slot / 24));
  }
  const seen = {
    hour: (hour: number) => hours.has(hour),
    weekday: (day: number) => weekdays.has(day),
  };
  const found: UnusualHour[] = [];
  for (const [slot, { firstAt, requests }] of slots) {
    const because = whyUnusual(slot, seen);
    if (because === undefined) continue;
    found.push({ at: firstAt, hour: slotName(slot), requests, because });
  }
  return found.toSorted((a, b) => (a.at < b.at ? -1 : 1));
}
