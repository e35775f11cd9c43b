import type { Counter } from 'prom-client';

/** Counts by labels, in plain numbers. */
export interface Tally {
  /** @param values the labels' values, in the order of the counter's names */
  add(...values: readonly string[]): void;
  /** Hands the counts to the counter. */
  publish(): void;
}

interface Row {
  readonly values: readonly string[];
  count: number;
  published: number;
}

/**
 * Stands in front of a counter, whose own labels cost more than a request should pay.
 *
 * @param counter where the counts go when they are wanted
 * @returns the tally, empty
 */
export function createTally(counter: Counter): Tally {
  const rows = new Map<string, Row>();
  return {
    add(...values) {
      const key = values.join('\n');
      const row = rows.get(key);
      if (row === undefined) rows.set(key, { values, count: 1, published: 0 });
      else row.count += 1;
    },
    publish() {
      for (const row of rows.values()) {
        counter.labels(...row.values).inc(row.count - row.published);
        row.published = row.count;
      }
    },
  };
}
