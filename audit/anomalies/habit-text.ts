import { createHabits, type Habits } from './habits.ts';
import { RULES, type RuleName } from './rules.ts';

/** As written; short, since there is one for each person. */
interface Written {
  readonly first: number;
  readonly days: readonly [active: number, last: number];
  readonly hours: readonly number[];
  readonly weekdays: readonly number[];
  /** Hours of the week without requests are left out. */
  readonly means: Readonly<Record<string, number>>;
  readonly hour: readonly [hour: number, count: number];
  readonly tools: Readonly<Record<string, number>>;
  readonly networks: Readonly<Record<string, number>>;
  readonly alerted: Readonly<Record<string, number>>;
}

const rounded = (mean: number): number => Math.round(mean * 1000) / 1000;

/**
 * Writes what was learned of a person.
 *
 * @param habits of the person
 * @returns JSON
 */
export function writeHabits(habits: Habits): string {
  const means: Record<string, number> = {};
  for (const [slot, mean] of habits.means.entries()) {
    if (mean >= 0.001) means[slot] = rounded(mean);
  }
  const written: Written = {
    first: habits.firstMs,
    days: [habits.activeDays, habits.lastDay],
    hours: habits.hours,
    weekdays: habits.weekdays,
    means,
    hour: [habits.hour, habits.hourCount],
    tools: Object.fromEntries(habits.tools),
    networks: Object.fromEntries(habits.networks),
    alerted: Object.fromEntries(habits.alerted),
  };
  return JSON.stringify(written);
}

const isRule = (name: string): name is RuleName => (RULES as readonly string[]).includes(name);

/**
 * Reads what {@link writeHabits} wrote.
 *
 * @param text JSON
 * @returns the habits
 */
export function readHabits(text: string): Habits {
  const written = JSON.parse(text) as Written;
  const habits = createHabits(written.first);
  [habits.activeDays, habits.lastDay] = written.days;
  [habits.hour, habits.hourCount] = written.hour;
  written.hours.forEach((day, hour) => (habits.hours[hour] = day));
  written.weekdays.forEach((day, weekday) => (habits.weekdays[weekday] = day));
  for (const [slot, mean] of Object.entries(written.means)) habits.means[Number(slot)] = mean;
  for (const [name, day] of Object.entries(written.tools)) habits.tools.set(name, day);
  for (const [name, day] of Object.entries(written.networks)) habits.networks.set(name, day);
  for (const [rule, ms] of Object.entries(written.alerted)) {
    if (isRule(rule)) habits.alerted.set(rule, ms);
  }
  return habits;
}
