import type { Metric, Registry } from 'prom-client';

/** One row of a histogram. */
export interface Meter {
  /** @param seconds at least 0 */
  observe(seconds: number): void;
}

/** A histogram with one label, whose rows are plain numbers. */
export interface LabelledHistogram {
  /** The row of a label's value; the same one each time. */
  meter(value: string): Meter;
}

interface Row extends Meter {
  readonly counts: Float64Array;
  sum: number;
}

/**
 * Makes a histogram for the hot path: the library's own looks its row up by hashing all labels, at
 * each observation.
 *
 * @param registry where it is read
 * @param options its name, help text, label, and upper bounds in seconds, ascending
 * @returns the histogram
 */
export function createHistogram(
  registry: Registry,
  options: {
    readonly name: string;
    readonly help: string;
    readonly label: string;
    readonly buckets: readonly number[];
  },
): LabelledHistogram {
  const { name, help, label, buckets } = options;
  const rows = new Map<string, Row>();

  function createRow(): Row {
    // One more than there are bounds: what is beyond all of them.
    const counts = new Float64Array(buckets.length + 1);
    const row: Row = {
      counts,
      sum: 0,
      observe(seconds) {
        let at = 0;
        while (at < buckets.length && seconds > (buckets[at] as number)) at += 1;
        counts[at] = (counts[at] as number) + 1;
        row.sum += seconds;
      },
    };
    return row;
  }
  function valuesOf(value: string, { counts, sum }: Row) {
    const labels = { [label]: value };
    let count = 0;
    const within = buckets.map((bound, at) => {
      count += counts[at] as number;
      return { metricName: `${name}_bucket`, labels: { le: bound, ...labels }, value: count };
    });
    count += counts[buckets.length] as number;
    return [
      ...within,
      { metricName: `${name}_bucket`, labels: { le: '+Inf', ...labels }, value: count },
      { metricName: `${name}_sum`, labels, value: sum },
      { metricName: `${name}_count`, labels, value: count },
    ];
  }

  const metric = {
    name,
    get: () =>
      Promise.resolve({
        name,
        help,
        type: 'histogram',
        aggregator: 'sum',
        values: [...rows].flatMap(([value, row]) => valuesOf(value, row)),
      }),
  };
  // All that a registry asks of a metric.
  registry.registerMetric(metric as unknown as Metric);

  return {
    meter(value) {
      let row = rows.get(value);
      if (row === undefined) {
        row = createRow();
        rows.set(value, row);
      }
      return row;
    },
  };
}
