import { isDeepStrictEqual } from 'node:util';
import { createDetector, type Detector } from '../../audit/anomalies/detector.ts';
import { createHabitStore, habitsPath } from '../../audit/anomalies/habit-store.ts';
import { type Finding, RULES, type RuleName } from '../../audit/anomalies/rules.ts';
import type { Ledger } from '../../audit/ledger.ts';
import type { AuditRecord } from '../../audit/record.ts';
import { createUlids } from '../../audit/ulid.ts';
import type { RelayConfig } from '../config/config.ts';
import { type AlertCounts, createAlerts } from './alerts.ts';
import { describeFinding, writeMessage } from './messages.ts';

/** So many records are looked at before requests get their turn. */
const SLICE_RECORDS = 200;
/** More wait only where the machine does nothing but write; then some are not looked at, and counted. */
const MOST_WAITING = 50_000;
const SAVE_MS = 1_000;

/** What the metrics show. */
export interface AnomalyCounts {
  readonly found: Readonly<Record<RuleName, number>>;
  readonly alerts: AlertCounts;
  /** Records that were not looked at. */
  readonly skipped: number;
}

/** Looks at what the ledger commits for what is unusual. */
export interface Anomalies {
  /** Goes by another configuration; what was learned stays. */
  configure(config: RelayConfig): void;
  counts(): AnomalyCounts;
  close(): Promise<void>;
}

interface Waiting {
  readonly record: AuditRecord;
  readonly steadyMs: number;
}

/**
 * Begins to look. Requests never wait for it: committed records are looked at afterwards, some at a time.
 *
 * @param config rules and webhook; where the ledger is
 * @param deps the ledger; a log; the clock, epoch ms
 * @returns what looks
 */
export function openAnomalies(
  config: RelayConfig,
  deps: {
    readonly ledger: Pick<Ledger, 'append' | 'subscribe'>;
    readonly log: (event: Record<string, unknown>) => void;
    readonly now: () => number;
  },
): Anomalies {
  const { ledger, log, now } = deps;
  const nextId = createUlids();
  const found = Object.fromEntries(RULES.map((rule) => [rule, 0])) as Record<RuleName, number>;
  const failed = (error: unknown): void => log({ event: 'anomalies_error', error: String(error) });
  const store = createHabitStore({ path: habitsPath(config.audit.dir), now, onError: failed });
  const alerts = createAlerts({ now, random: Math.random, log });
  let current: RelayConfig | undefined;
  let detector: Detector | undefined;
  let waiting: Waiting[] = [];
  let scheduled: NodeJS.Immediate | undefined;
  let skipped = 0;

  function configure(next: RelayConfig): void {
    const before = current?.anomalies;
    const { anomalies } = next;
    current = next;
    // What is being counted must survive a reload that is about something else.
    if (isDeepStrictEqual(before, anomalies)) return;
    detector = anomalies && createDetector(anomalies, store);
    if (!isDeepStrictEqual(before?.webhook, anomalies?.webhook))
      alerts.configure(anomalies?.webhook);
  }

  function tell(finding: Finding): void {
    found[finding.rule] += 1;
    log({ event: 'anomaly', rule: finding.rule, requestId: finding.record.requestId });
    ledger.append('anomaly', describeFinding(finding)).catch(failed);
    alerts.add(writeMessage(nextId(now()), finding, current?.publicUrl));
  }

  function look(): void {
    scheduled = undefined;
    const some = waiting.splice(0, SLICE_RECORDS);
    try {
      for (const { record, steadyMs } of some) detector?.observe(record, steadyMs).forEach(tell);
    } catch (error) {
      failed(error);
    }
    if (waiting.length > 0) schedule();
  }

  function schedule(): void {
    scheduled ??= setImmediate(look);
  }

  function take(records: readonly AuditRecord[]): void {
    if (detector === undefined) return;
    const steadyMs = performance.now();
    for (const record of records) {
      if (waiting.length < MOST_WAITING) waiting.push({ record, steadyMs });
      else skipped += 1;
    }
    if (waiting.length > 0) schedule();
  }

  configure(config);
  // Half of all records are outcomes, which say nothing that the rules ask for.
  const unsubscribe = ledger.subscribe(take, ['request', 'erase']);
  const timer = setInterval(() => store.save(), SAVE_MS);
  timer.unref();

  return {
    configure,
    counts: () => ({ found: { ...found }, alerts: alerts.counts(), skipped }),
    async close() {
      unsubscribe();
      clearInterval(timer);
      while (waiting.length > 0) look();
      clearImmediate(scheduled);
      waiting = [];
      store.close();
      await alerts.close();
    },
  };
}
