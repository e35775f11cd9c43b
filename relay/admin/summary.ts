import type { AuditPage, AuditQuery } from '../../audit/query.ts';
import type { AuditRecord } from '../../audit/record.ts';
import { createQuantiles } from '../../audit/report/quantiles.ts';
import { count, createTally, figuresOf, type Tally } from '../../audit/report/tally.ts';
import { createSeries } from './summary-series.ts';
import type { ApiSummary, Counts, DenialSummary, PersonSummary, Summary } from './summary-shape.ts';

/** Of one person, API or reason, while it is counted. The newest record comes first. */
interface Group {
  readonly tally: Tally;
  readonly newest: AuditRecord;
  readonly people: Set<string>;
  readonly apis: Map<string, number>;
  readonly durations: ReturnType<typeof createQuantiles>;
  name?: string;
}

const MOST_RECORDS = 200_000;
const PAGE = 1_000;
const MOST_SHOWN = 500;
const KINDS = ['request', 'outcome', 'interrupted'] as const;

function groupOf(groups: Map<string, Group>, key: string, newest: AuditRecord): Group {
  const known = groups.get(key);
  if (known !== undefined) return known;
  const tally = createTally();
  const made = { tally, newest, people: new Set<string>(), apis: new Map<string, number>() };
  const group: Group = { ...made, durations: createQuantiles() };
  groups.set(key, group);
  return group;
}

function personOf({ user, who, issuer }: AuditRecord): string | undefined {
  if (user !== undefined) return `${issuer ?? ''}\n${user}`;
  return who === undefined ? undefined : `\n\n${who}`;
}

function note(group: Group, record: AuditRecord, person: string | undefined): void {
  count(group.tally, record);
  if (person !== undefined) group.people.add(person);
  if (record.userName !== undefined) group.name ??= record.userName;
  if (record.kind === 'request' && record.api !== undefined)
    group.apis.set(record.api, (group.apis.get(record.api) ?? 0) + (record.count ?? 1));
  if (record.kind === 'outcome' && record.decision !== 'deny' && record.durationMs !== undefined)
    group.durations.add(record.durationMs);
}

function countsOf({ tally, newest }: Group): Counts {
  const { requests, denied, errors } = figuresOf(tally);
  return { requests, denied, errors, lastAt: newest.at };
}

const mostUsed = (groups: ReadonlyMap<string, Group>): [string, Group][] =>
  [...groups].toSorted(([, a], [, b]) => b.tally.requests - a.tally.requests).slice(0, MOST_SHOWN);

function writePerson(group: Group): PersonSummary {
  const { user, who, issuer } = group.newest;
  const apis = [...group.apis].toSorted(([, a], [, b]) => b - a);
  return {
    ...countsOf(group),
    ...(user === undefined ? { who: who ?? '' } : { user }),
    ...(issuer === undefined ? {} : { issuer }),
    ...(group.name === undefined ? {} : { name: group.name }),
    apis: apis.map(([api, requests]) => ({ api, requests })),
  };
}

function writeApi(api: string, group: Group): ApiSummary {
  const [p50, p95] = [group.durations.at(0.5), group.durations.at(0.95)];
  return {
    api,
    ...countsOf(group),
    people: group.people.size,
    errorRate: figuresOf(group.tally).errorRate,
    ...(p50 === undefined ? {} : { p50 }),
    ...(p95 === undefined ? {} : { p95 }),
  };
}

function writeDenial(code: string, { tally, people, apis, newest }: Group): DenialSummary {
  const { requestId } = newest;
  return {
    code,
    count: tally.requests,
    people: people.size,
    apis: [...apis.keys()].toSorted(),
    lastAt: newest.at,
    ...(requestId === undefined ? {} : { lastRequestId: requestId }),
  };
}

/**
 * Counts what happened lately, from the newest record backwards, so that what is left out of a time with
 * very many records is its beginning.
 *
 * @param page reads a page of the ledger
 * @param time from when to when, epoch ms
 * @returns the counts
 */
export function summarize(
  page: (query: AuditQuery) => AuditPage,
  { sinceMs, untilMs }: { readonly sinceMs: number; readonly untilMs: number },
): Summary {
  const since = new Date(sinceMs).toISOString();
  const [people, apis, denials] = [1, 2, 3].map(() => new Map<string, Group>()) as [
    Map<string, Group>,
    Map<string, Group>,
    Map<string, Group>,
  ];
  const all = createTally();
  const series = createSeries(sinceMs, untilMs);
  let records = 0;

  function take(record: AuditRecord): void {
    const person = personOf(record);
    records += 1;
    count(all, record);
    series.add(record);
    if (person !== undefined) note(groupOf(people, person, record), record, person);
    if (record.api !== undefined) note(groupOf(apis, record.api, record), record, person);
    if (record.kind === 'request' && record.decision === 'deny')
      note(groupOf(denials, record.code ?? 'unknown', record), record, person);
  }

  let cursor: string | undefined;
  let isPartial = false;
  for (let isOver = false; !isOver;) {
    const found = page({ kinds: KINDS, limit: PAGE, ...(cursor === undefined ? {} : { cursor }) });
    for (const record of found.records) {
      // Clocks step now and then: a page of older records ends the search, one record does not.
      if (record.at >= since) take(record);
    }
    const oldest = found.records.at(-1);
    cursor = found.nextCursor;
    isPartial = records >= MOST_RECORDS && cursor !== undefined;
    isOver = isPartial || cursor === undefined || oldest === undefined || oldest.at < since;
  }
  const { requests, denied, errors } = figuresOf(all);
  return {
    since,
    until: new Date(untilMs).toISOString(),
    records,
    isPartial,
    totals: { requests, denied, errors },
    people: mostUsed(people).map(([, group]) => writePerson(group)),
    apis: mostUsed(apis).map(([api, group]) => writeApi(api, group)),
    denials: mostUsed(denials).map(([code, group]) => writeDenial(code, group)),
    series: series.points(),
  };
}
