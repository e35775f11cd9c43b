import { DAY_MS, SLOTS } from '../week-clock.ts';
import type { RuleName } from './rules.ts';

/** What was not seen for so long is not usual any more. */
const USUAL_DAYS = 28;
/** Averages are of that many weeks, the newest counting most. */
const WEEKS = 4;
/** After a longer absence everything is learned anew. */
const FORGET_HOURS = 8 * SLOTS;
const ENOUGH_ACTIVE_DAYS = 5;
/** Tools and networks of a person. */
const MOST_KNOWN = 64;
const NEVER = -1_000_000;

/** What is learned of one person. */
export interface Habits {
  firstMs: number;
  /** On how many days there was a request. */
  activeDays: number;
  lastDay: number;
  /** By hour of the day, and by weekday: the last day (since the epoch) with a request. */
  readonly hours: number[];
  readonly weekdays: number[];
  /** By hour of the week: requests on average. */
  readonly means: Float32Array;
  /** The hour that is being counted, since the epoch, and its requests. */
  hour: number;
  hourCount: number;
  /** By keyed hash: the day on which it was last used. */
  readonly tools: Map<string, number>;
  readonly networks: Map<string, number>;
  /** By rule: when it last raised an alert, epoch ms. */
  readonly alerted: Map<RuleName, number>;
}

const HOUR_MS = 3_600_000;
const dayOf = (ms: number): number => Math.floor(ms / DAY_MS);
const hourOf = (ms: number): number => Math.floor(ms / HOUR_MS);

/**
 * Begins to learn of a person.
 *
 * @param nowMs epoch ms
 * @returns nothing learned yet
 */
export function createHabits(nowMs: number): Habits {
  return {
    firstMs: nowMs,
    activeDays: 0,
    lastDay: NEVER,
    hours: Array.from({ length: 24 }, () => NEVER),
    weekdays: Array.from({ length: 7 }, () => NEVER),
    means: new Float32Array(SLOTS),
    hour: hourOf(nowMs),
    hourCount: 0,
    tools: new Map(),
    networks: new Map(),
    alerted: new Map(),
  };
}

/**
 * Tells whether a person is known long enough for what is new to mean something.
 *
 * @param habits of the person
 * @param nowMs epoch ms
 * @param afterMs how long the person must be known
 * @returns whether they are; a clock that was set forth doesn't suffice, since days with requests count too
 */
export function isKnown(habits: Habits, nowMs: number, afterMs: number): boolean {
  const days = Math.min(ENOUGH_ACTIVE_DAYS, Math.floor(afterMs / DAY_MS));
  return nowMs - habits.firstMs >= afterMs && habits.activeDays >= days;
}

/**
 * What was seen of a person lately, by hour and weekday.
 *
 * @param habits of the person
 * @param nowMs epoch ms
 * @returns for `whyUnusual`
 */
export function seenLately({ hours, weekdays }: Habits, nowMs: number) {
  const today = dayOf(nowMs);
  const isRecent = (day = NEVER): boolean => today - day <= USUAL_DAYS;
  return {
    hour: (hour: number) => isRecent(hours[hour]),
    weekday: (weekday: number) => isRecent(weekdays[weekday]),
  };
}

function closeHour(habits: Habits, hour: number, count: number, slot: number): void {
  const weeks = Math.floor((hour - hourOf(habits.firstMs)) / SLOTS) + 1;
  const mean = habits.means[slot] as number;
  habits.means[slot] = mean + (count - mean) / Math.min(Math.max(1, weeks), WEEKS);
}

/**
 * Tells whether a person was away for so long that what is known of them says nothing any more.
 *
 * @param habits of the person
 * @param nowMs epoch ms
 * @returns whether to begin anew
 */
export const isOutdated = (habits: Habits, nowMs: number): boolean =>
  hourOf(nowMs) - habits.hour > FORGET_HOURS;

/**
 * Takes requests into the hour that is being counted; hours that ended meanwhile go into the averages.
 *
 * @param habits changed
 * @param nowMs epoch ms; an earlier hour than the one being counted begins anew with it
 * @param count of requests
 * @param slotOf tells the hour of the week
 */
export function learnVolume(
  habits: Habits,
  nowMs: number,
  count: number,
  slotOf: (ms: number) => number,
): void {
  const hour = hourOf(nowMs);
  for (let ended = habits.hour; ended < hour; ended += 1) {
    closeHour(habits, ended, ended === habits.hour ? habits.hourCount : 0, slotOf(ended * HOUR_MS));
  }
  if (hour !== habits.hour) habits.hourCount = 0;
  habits.hour = hour;
  habits.hourCount += count;
}

/**
 * Begins the hour anew, without what was counted: the clock was set.
 *
 * @param habits changed
 * @param nowMs epoch ms
 */
export function restartHour(habits: Habits, nowMs: number): void {
  habits.hour = hourOf(nowMs);
  habits.hourCount = 0;
}

/**
 * Learns when a person is active.
 *
 * @param habits changed
 * @param nowMs epoch ms
 * @param slot hour of the week
 */
export function learnHour(habits: Habits, nowMs: number, slot: number): void {
  const today = dayOf(nowMs);
  if (today !== habits.lastDay) habits.activeDays += 1;
  habits.lastDay = today;
  habits.hours[slot % 24] = today;
  habits.weekdays[Math.floor(slot / 24)] = today;
}

/**
 * Learns a tool or a network; of too many the one that was not used for longest is forgotten.
 *
 * @param known changed
 * @param name its hash
 * @param nowMs epoch ms
 * @returns whether it was unknown
 */
export function learnName(known: Map<string, number>, name: string, nowMs: number): boolean {
  const isNew = !known.has(name);
  if (isNew && known.size >= MOST_KNOWN) {
    const [oldest] = [...known].toSorted(([, a], [, b]) => a - b);
    if (oldest !== undefined) known.delete(oldest[0]);
  }
  known.set(name, dayOf(nowMs));
  return isNew;
}
