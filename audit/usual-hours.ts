/** What was seen before, asked by hour of the day (0 to 23) and weekday (0 is Monday). */
export interface SeenHours {
  readonly hour: (hour: number) => boolean;
  readonly weekday: (weekday: number) => boolean;
}

/** Why an hour of the week is none in which somebody usually works. */
export type UnusualBecause = 'hour' | 'weekday';

/**
 * Tells whether an hour of the week is outside the usual ones: on a weekday without any activity before,
 * or further than an hour, on whatever day, from all activity before.
 *
 * @param slot hour of the week, 0 to 167
 * @param seen what was seen before
 * @returns why it is unusual; `undefined` when it is not
 */
export function whyUnusual(slot: number, seen: SeenHours): UnusualBecause | undefined {
  if (!seen.weekday(Math.floor(slot / 24))) return 'weekday';
  const hour = slot % 24;
  const isNear = [hour + 23, hour, hour + 1].some((near) => seen.hour(near % 24));
  return isNear ? undefined : 'hour';
}
