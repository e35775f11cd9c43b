import type { AuditKind } from '../record.ts';
import { createWeekClock } from '../week-clock.ts';
import { type Collected, createCollector, type Group } from './collect.ts';
import { HISTORY_DAYS, type Period, readPeriod } from './period.ts';
import { createUsual, type Person, unusualHours } from './person.ts';
import type { Quantiles } from './quantiles.ts';
import { readRecords } from './scan.ts';
import type {
  ApiReport,
  Durations,
  PersonName,
  PersonReport,
  Report,
  ToolReport,
} from './shape.ts';
import { figuresOf } from './tally.ts';

/** What a report is asked about. */
export interface ReportOptions {
  readonly since?: string | undefined;
  readonly until?: string | undefined;
  readonly user?: string | undefined;
  readonly api?: string | undefined;
  /** An IANA name; default UTC. */
  readonly timezone?: string | undefined;
}

const KINDS: readonly AuditKind[] = [
  'request',
  'outcome',
  'interrupted',
  'sign-in',
  'sign-out',
  'anomaly',
];

const iso = (ms: number): string => new Date(ms).toISOString();

function durationsOf(durations: Quantiles): Durations | null {
  const [p50, p95] = [durations.at(0.5), durations.at(0.95)];
  return p50 === undefined || p95 === undefined ? null : { p50, p95 };
}

const byRequests = (
  [a, one]: readonly [string, number],
  [b, other]: readonly [string, number],
): number => other - one || (a < b ? -1 : 1);

function mostUsed<T extends { readonly requests: number }>(list: readonly T[]): T[] {
  return list.toSorted((a, b) => b.requests - a.requests);
}

function peopleOf(
  people: readonly Person[],
  usual: (person: Person) => number | null,
): PersonReport[] {
  return mostUsed(
    people
      .map((person) => ({
        ...person.name,
        ...figuresOf(person.tally),
        signIns: person.signIns,
        usual: usual(person),
        apis: [...person.apis]
          .map(([api, { requests }]): [string, number] => [api, requests])
          .toSorted(byRequests)
          .map(([api, requests]) => ({ api, requests })),
        tools: [...person.tools]
          .toSorted(byRequests)
          .map(([tool, requests]) => ({ tool, requests })),
      }))
      // Who is known from the past alone is of interest only where more was to be expected.
      .filter(
        ({ requests, signIns, interrupted, bytesOut, usual: expected }) =>
          requests + signIns + interrupted + bytesOut > 0 || (expected ?? 0) >= 1,
      ),
  );
}

function apisOf(groups: ReadonlyMap<string, Group>): ApiReport[] {
  return mostUsed(
    [...groups].map(([api, { tally, people, durations }]) => ({
      api,
      ...figuresOf(tally),
      people: people.size,
      durationMs: durationsOf(durations),
    })),
  );
}

function toolsOf(groups: ReadonlyMap<string, Group>): ToolReport[] {
  return mostUsed(
    [...groups].map(([tool, { tally, people }]) => ({
      tool,
      ...figuresOf(tally),
      people: people.size,
    })),
  );
}

/** What people did with whom it belongs to, by time. */
function eachOf<T extends { readonly at: string }>(
  people: readonly Person[],
  of: (person: Person) => readonly T[],
): (PersonName & T)[] {
  return people
    .flatMap((person) => of(person).map((it) => ({ ...person.name, ...it })))
    .toSorted((a, b) => (a.at < b.at ? -1 : 1));
}

function firstUses({ apis, pastApis }: Person): { readonly at: string; readonly api: string }[] {
  return [...apis].flatMap(([api, { firstAt }]) =>
    firstAt === undefined || pastApis.has(api) ? [] : [{ at: firstAt, api }],
  );
}

function totalsOf(collected: Collected): Report['totals'] {
  const { all } = collected;
  return {
    ...figuresOf(all.tally),
    people: all.people.size,
    unidentified: collected.unidentified,
    signIns: collected.signIns,
    signOuts: collected.signOuts,
    durationMs: durationsOf(all.durations),
  };
}

function write(
  collected: Collected,
  period: Period,
  options: ReportOptions,
  usual: (person: Person) => number | null,
): Report {
  const people = [...collected.people.values()];
  const { user, api, timezone = 'UTC' } = options;
  return {
    version: 1,
    sides: [...collected.sides].toSorted(),
    period: { since: iso(period.sinceMs), until: iso(period.untilMs), timezone },
    history: { since: iso(period.historyMs), days: HISTORY_DAYS },
    filter: { ...(user === undefined ? {} : { user }), ...(api === undefined ? {} : { api }) },
    totals: totalsOf(collected),
    people: peopleOf(people, usual),
    apis: apisOf(collected.apis),
    tools: toolsOf(collected.tools),
    denials: collected.denials.list(),
    firstUses: eachOf(people, firstUses),
    unusualHours: eachOf(people, (person) => unusualHours(person, period.sinceMs)),
    anomalies: {
      byRule: [...collected.anomaliesByRule]
        .toSorted(byRequests)
        .map(([rule, count]) => ({ rule, count })),
      newest: collected.anomalies.toReversed(),
    },
  };
}

/**
 * Reports on a ledger: who used what, what was refused, and what is new or unusual for whom. Reads it
 * record by record, and the 28 days before the period for what is usual.
 *
 * @param dir the ledger's directory
 * @param options period, filters, time zone
 * @param nowMs epoch ms; where the period ends unless the options say
 * @returns the report
 * @throws {AuditError} `audit_query` for a time or zone that can't be read; `audit_config`
 */
export function buildReport(dir: string, options: ReportOptions, nowMs: number): Report {
  const period = readPeriod(options, nowMs);
  const clock = createWeekClock(options.timezone ?? 'UTC');
  const { user, api } = options;
  const { take, collected } = createCollector(period, clock);
  const past = { fromMs: period.historyMs, toMs: period.sinceMs };
  for (const record of readRecords(dir, past, { user, api, kinds: ['request'] })) take(record);
  const present = { fromMs: period.sinceMs, toMs: period.untilMs };
  for (const record of readRecords(dir, present, { user, api, kinds: KINDS })) take(record);
  // Nothing is to be expected of a time that is still to come.
  const untilMs = Math.max(period.sinceMs, Math.min(period.untilMs, nowMs));
  const usual = createUsual({ sinceMs: period.sinceMs, untilMs }, clock);
  return write(collected, period, options, usual);
}
