import type { Progress } from './cursor.ts';
import type { FailureReason } from './sink.ts';

/** How shipping to a sink goes. */
export interface SinkState {
  readonly name: string;
  /** Up to where it has everything. */
  readonly seq: number;
  /** When it last took records, before a restart too, epoch ms; undefined: never. */
  readonly lastSuccessMs: number | undefined;
  readonly failures: Readonly<Record<string, number>>;
  readonly deadLetters: number;
  /** Records that were missing in the ledger. */
  readonly missing: number;
  /** Why it gets nothing now. */
  readonly problem: string | undefined;
}

/** Counts, and tells of what changes. */
export interface Telling {
  /** The sink needs nothing more up to there. */
  reached(progress: Pick<Progress, 'seq' | 'lastSuccessMs'>): void;
  /** The sink took records. */
  took(): void;
  failed(reason: FailureReason, problem: string): void;
  died(seq: number, problem: string): void;
  gaps(gaps: readonly (readonly [first: number, last: number])[]): void;
  /** The ledger is not the one that the cursor belongs to. */
  replaced(seq: number): void;
  state(): SinkState;
}

/**
 * Makes what tells of one sink: in the log when something changes, in figures always.
 *
 * @param sink its name
 * @param deps the log
 * @returns the teller
 */
export function createTelling(
  sink: string,
  deps: { readonly log: (event: Record<string, unknown>) => void },
): Telling {
  const { log } = deps;
  const failures: Record<string, number> = {};
  let seq = 0;
  let lastSuccessMs: number | undefined;
  let deadLetters = 0;
  let missing = 0;
  let problem: string | undefined;
  /** Up to where gaps were told: a batch that is read again has them again. */
  let toldGaps = 0;

  return {
    reached(progress) {
      ({ seq, lastSuccessMs } = progress);
    },
    took() {
      if (problem !== undefined) log({ event: 'audit_sink_recovered', sink, seq });
      problem = undefined;
    },
    failed(reason, why) {
      failures[reason] = (failures[reason] ?? 0) + 1;
      const text = `${reason}: ${why}`;
      if (text !== problem) log({ event: 'audit_sink_failed', sink, reason, problem: why, seq });
      problem = text;
    },
    died(dead, why) {
      deadLetters += 1;
      log({ event: 'audit_dead_letter', sink, seq: dead, problem: why });
    },
    gaps(gaps) {
      for (const [first, last] of gaps) {
        if (first <= toldGaps) continue;
        toldGaps = last;
        missing += last - first + 1;
        log({ event: 'audit_gap', sink, first, last });
      }
    },
    replaced(expected) {
      log({ event: 'audit_sink_ledger_replaced', sink, expected });
    },
    state: () => ({
      name: sink,
      seq,
      lastSuccessMs,
      failures: { ...failures },
      deadLetters,
      missing,
      problem,
    }),
  };
}
