import type { TestContext } from 'node:test';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createDetector } from '../../audit/anomalies/detector.ts';
import { createHabitStore, type HabitStore } from '../../audit/anomalies/habit-store.ts';
import type { AnomalyRules, AnomalySettings } from '../../audit/anomalies/rules.ts';
import type { AuditFields, AuditKind, AuditRecord } from '../../audit/record.ts';

export const DAY_MS = 86_400_000;
export const HOUR_MS = 3_600_000;

/** Rules alone, as they are by default. */
export const DEFAULTS = {
  denials: { allowed: 20, perMs: 60_000 },
  sourceDenials: { allowed: 100, perMs: 60_000 },
  tokenReplay: { allowed: 2, perMs: 600_000 },
  newTool: { afterMs: 14 * DAY_MS },
  newNetwork: { afterMs: 14 * DAY_MS },
  volume: { factor: 5, minimum: 300, afterMs: 14 * DAY_MS },
  unusualHour: { afterMs: 14 * DAY_MS },
} as const satisfies AnomalyRules;

/** A detector under a clock of the test's own. */
export interface DetectorBench {
  readonly path: string;
  readonly store: HabitStore;
  /** Both clocks go on. */
  pass(ms: number): void;
  /** To a time of day; both clocks go on. */
  goTo(iso: string): void;
  /** Somebody sets the clock: the steady one does not move. */
  setClock(iso: string): void;
  now(): number;
  /** @returns the rules that fired, each with its detail */
  see(fields: AuditFields & { readonly who?: string }, kind?: AuditKind): string[];
  /** Closes the file and begins anew with it. */
  restart(): void;
}

/** Makes a bench for one test; without `rules` all of them, as they are by default. */
export function createDetectorBench(
  t: TestContext,
  options: Partial<AnomalySettings> & {
    readonly remembered?: number;
    readonly start?: string;
  } = {},
): DetectorBench {
  const dir = mkdtempSync(join(tmpdir(), 'latchkey-anomalies-'));
  const path = join(dir, 'anomalies.sqlite');
  const errors: unknown[] = [];
  const { remembered } = options;
  const settings = { timezone: 'UTC', quietMs: HOUR_MS, rules: DEFAULTS, ...options };
  /** A Monday. */
  let wallMs = Date.parse(options.start ?? '2026-11-02T09:00:00Z');
  let steadyMs = 0;
  let seq = 0;
  const open = () =>
    createHabitStore({
      path,
      now: () => wallMs,
      onError: (error) => errors.push(error),
      ...(remembered === undefined ? {} : { remembered }),
    });
  let store = open();
  let detector = createDetector(settings, store);
  t.after(() => {
    store.close();
    rmSync(dir, { recursive: true, force: true });
    if (errors.length > 0) throw errors[0];
  });
  return {
    path,
    get store() {
      return store;
    },
    now: () => wallMs,
    pass(ms) {
      wallMs += ms;
      steadyMs += ms;
    },
    goTo(iso) {
      const ms = Date.parse(iso) - wallMs;
      if (ms < 0) throw new Error(`${iso} is over`);
      this.pass(ms);
    },
    setClock(iso) {
      wallMs = Date.parse(iso);
    },
    see(fields, kind = 'request') {
      seq += 1;
      const at = new Date(wallMs).toISOString();
      const record = {
        seq,
        id: String(seq),
        at,
        kind,
        side: 'relay',
        hash: '',
        prev: '',
        ...fields,
      };
      return detector
        .observe(record as AuditRecord, steadyMs)
        .map(({ rule, detail }) => `${rule}: ${detail}`);
    },
    restart() {
      store.close();
      store = open();
      detector = createDetector(settings, store);
    },
  };
}

/** What a person does on working days: one request an hour from 9 to 16, for whole weeks. */
export function work(
  bench: DetectorBench,
  fields: AuditFields & { readonly who?: string },
  weeks: number,
  count = 1,
): string[] {
  const found: string[] = [];
  for (let day = 0; day < weeks * 7; day += 1) {
    const hours = day % 7 < 5 ? 8 : 0;
    for (let hour = 0; hour < hours; hour += 1) {
      found.push(...bench.see({ decision: 'allow', count, ...fields }));
      bench.pass(HOUR_MS);
    }
    bench.pass(DAY_MS - hours * HOUR_MS);
  }
  return found;
}
