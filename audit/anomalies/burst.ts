import type { BurstRule } from './rules.ts';

interface Event {
  readonly atMs: number;
  readonly count: number;
}

/** Counts events of one subject in a sliding window of time. */
export interface Burst {
  /**
   * @param nowMs of a clock that nobody sets
   * @param count how many like events this one stands for
   * @returns how many there were within the rule's time, once they are more than it allows
   */
  add(rule: BurstRule, nowMs: number, count: number): number | undefined;
}

/**
 * Makes a window without events. It keeps one more than the rule allows, which is enough to tell.
 *
 * @returns the window
 */
export function createBurst(): Burst {
  let events: Event[] = [];
  return {
    add({ allowed, perMs }, nowMs, count) {
      const recent = events.filter(({ atMs }) => nowMs - atMs < perMs);
      recent.push({ atMs: nowMs, count });
      events = recent.slice(-(allowed + 1));
      const total = events.reduce((sum, event) => sum + event.count, 0);
      return total > allowed ? total : undefined;
    },
  };
}
