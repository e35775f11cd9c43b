import type { AuditRecord, AuditSide } from '../record.ts';
import { toolOf } from '../tool-of.ts';
import type { WeekClock } from '../week-clock.ts';
import { createDenials, type Denials } from './denials.ts';
import { createOpenTools } from './open-tools.ts';
import { addPast, addRequest, createPerson, type Person } from './person.ts';
import { nameOf, personKey } from './person-name.ts';
import type { Period } from './period.ts';
import { createQuantiles, type Quantiles } from './quantiles.ts';
import type { AnomalyReport } from './shape.ts';
import { count, createTally, isRefusedLater, type Tally } from './tally.ts';

/** How many anomalies are listed; all are counted. */
const MAX_ANOMALIES = 100;
const UNKNOWN = 'unknown';
/** A client names its tools itself; whoever invents names must not fill the memory. */
const MAX_GROUPS = 10_000;
const OTHERS = 'others';

/** What is kept of an API or a tool. */
export interface Group {
  readonly tally: Tally;
  readonly people: Set<string>;
  readonly durations: Quantiles;
}

/** Everything that a report is made of; as large as there are people, APIs and tools. */
export interface Collected {
  readonly sides: Set<AuditSide>;
  readonly all: Group;
  readonly people: Map<string, Person>;
  readonly apis: Map<string, Group>;
  readonly tools: Map<string, Group>;
  readonly denials: Denials;
  readonly anomalies: AnomalyReport[];
  readonly anomaliesByRule: Map<string, number>;
  unidentified: number;
  signIns: number;
  signOuts: number;
}

function groupOf(groups: Map<string, Group>, wanted: string): Group {
  const name = groups.has(wanted) || groups.size < MAX_GROUPS ? wanted : OTHERS;
  let group = groups.get(name);
  if (group === undefined) groups.set(name, (group = createGroup()));
  return group;
}

const createGroup = (): Group => ({
  tally: createTally(),
  people: new Set(),
  durations: createQuantiles(),
});

function addTo(group: Group, record: AuditRecord, who: string | undefined): void {
  count(group.tally, record);
  if (record.kind === 'request' && who !== undefined) group.people.add(who);
  if (record.kind === 'outcome' && record.decision !== 'deny' && record.durationMs !== undefined)
    group.durations.add(record.durationMs);
}

/**
 * Makes what takes records in, one after the other, those of the past included.
 *
 * @param period what the report is about; earlier records are the past
 * @param clock of the report's time zone
 * @returns `take`, and what was collected so far
 */
export function createCollector(
  period: Period,
  clock: WeekClock,
): { readonly take: (record: AuditRecord) => void; readonly collected: Collected } {
  const since = new Date(period.sinceMs).toISOString();
  const openTools = createOpenTools();
  const collected: Collected = {
    sides: new Set(),
    all: createGroup(),
    people: new Map(),
    apis: new Map(),
    tools: new Map(),
    denials: createDenials(),
    anomalies: [],
    anomaliesByRule: new Map(),
    unidentified: 0,
    signIns: 0,
    signOuts: 0,
  };

  function personOf(record: AuditRecord, who: string): Person {
    let person = collected.people.get(who);
    if (person === undefined) collected.people.set(who, (person = createPerson(record)));
    else if (record.userName !== undefined && record.userName !== person.name.userName)
      person.name = nameOf(record, person.name);
    return person;
  }

  function signedIn(person: Person | undefined): void {
    collected.signIns += 1;
    if (person !== undefined) person.signIns += 1;
  }

  /** The relay sees no sign-in, but tokens that tell when it was. */
  function learnSignIn(person: Person, { authTime = 0 }: AuditRecord): void {
    if (authTime <= person.authTime) return;
    person.authTime = authTime;
    if (authTime * 1000 >= period.sinceMs) signedIn(person);
  }

  function takeRequest(record: AuditRecord, person: Person | undefined): string | undefined {
    if (record.decision === 'deny') collected.denials.add(record);
    if (person === undefined) {
      collected.unidentified += record.count ?? 1;
      if (record.tool === undefined) return undefined;
    }
    const tool = toolOf(record) ?? UNKNOWN;
    if (record.requestId !== undefined) openTools.began(record.requestId, tool);
    if (person === undefined) return tool;
    addRequest(person, record, tool, clock);
    if (record.side === 'relay') learnSignIn(person, record);
    return tool;
  }

  function takeExchange(record: AuditRecord, who: string | undefined): void {
    const person = who === undefined ? undefined : personOf(record, who);
    const { kind, api, requestId } = record;
    let tool: string | undefined;
    if (kind === 'request') tool = takeRequest(record, person);
    else if (requestId !== undefined) tool = openTools.ended(requestId);
    if (kind === 'outcome' && isRefusedLater(record)) collected.denials.add(record);
    addTo(collected.all, record, who);
    if (person !== undefined) count(person.tally, record);
    if (api !== undefined) addTo(groupOf(collected.apis, api), record, who);
    if (tool !== undefined) addTo(groupOf(collected.tools, tool), record, who);
  }

  function takeAnomaly(record: AuditRecord): void {
    const { at, rule = UNKNOWN, ip, detail = '' } = record;
    const byRule = collected.anomaliesByRule;
    byRule.set(rule, (byRule.get(rule) ?? 0) + 1);
    collected.anomalies.push({
      at,
      rule,
      detail,
      ...(personKey(record) === undefined ? {} : { person: nameOf(record) }),
      ...(ip === undefined ? {} : { ip }),
    });
    if (collected.anomalies.length > MAX_ANOMALIES) collected.anomalies.shift();
  }

  function takePresent(record: AuditRecord): void {
    const who = personKey(record);
    switch (record.kind) {
      case 'request':
      case 'outcome':
      case 'interrupted':
        takeExchange(record, who);
        break;
      case 'sign-in':
        if (record.decision !== 'deny')
          signedIn(who === undefined ? undefined : personOf(record, who));
        break;
      case 'sign-out':
        collected.signOuts += 1;
        break;
      case 'anomaly':
        takeAnomaly(record);
        break;
      default:
    }
  }

  return {
    collected,
    take(record) {
      collected.sides.add(record.side);
      if (record.at >= since) {
        takePresent(record);
        return;
      }
      const who = personKey(record);
      if (record.kind === 'request' && who !== undefined)
        addPast(personOf(record, who), record, clock);
    },
  };
}
