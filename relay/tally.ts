import type { Counter } from 'prom-client';

/** Counts by labels, in plain numbers. */
export interface Tally {
  /** Takes the labels' values, in the order of the counter's names: three of them, or four. */
  add(a: string, b: string, c: string, d?: string): void;
  /** Hands the counts to the counter. */
  publish(): void;
}

interface Row {
  readonly b: string;
  readonly c: string;
  readonly d: string | undefined;
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
  /** By the first label; there are few rows of one, so that looking through them beats a key of four texts. */
  const rows = new Map<string, Row[]>();
  return {
    add(a, b, c, d) {
      let same = rows.get(a);
      if (same === undefined) rows.set(a, (same = []));
      for (const row of same) {
        if (row.c !== c || row.d !== d || row.b !== b) continue;
        row.count += 1;
        return;
      }
      same.push({ b, c, d, count: 1, published: 0 });
    },
    publish() {
      for (const [a, same] of rows)
        for (const row of same) {
          const { b, c, d } = row;
          counter
            .labels(...(d === undefined ? [a, b, c] : [a, b, c, d]))
            .inc(row.count - row.published);
          row.published = row.count;
        }
    },
  };
}
