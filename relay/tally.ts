import type { Counter } from 'prom-client';

/** Counts by labels, in plain numbers. */
export interface Tally {
  /** Takes the labels' values, in the order of the counter's names: three of them, or four. */
  add(a: string, b: string, c: string, d?: string): void;
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
    add(a, b, c, d) {
      const key = `${a}\n${b}\n${c}\n${d}`;
      const row = rows.get(key);
      if (row !== undefined) {
        row.count += 1;
        return;
      }
      const values = d === undefined ? [a, b, c] : [a, b, c, d];
      rows.set(key, { values, count: 1, published: 0 });
    },
    publish() {
      for (const row of rows.values()) {
        counter.labels(...row.values).inc(row.count - row.published);
        row.published = row.count;
      }
    },
  };
}
