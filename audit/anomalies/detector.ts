import { recordedAddress } from '../people/address.ts';
import { createRecent } from '../people/recent.ts';
import type { AuditRecord } from '../record.ts';
import { toolOf } from '../tool-of.ts';
import { whyUnusual } from '../usual-hours.ts';
import { createWeekClock, slotName } from '../week-clock.ts';
import { type Burst, createBurst } from './burst.ts';
import type { HabitStore } from './habit-store.ts';
import {
  createHabits,
  type Habits,
  isKnown,
  isOutdated,
  learnHour,
  learnName,
  learnVolume,
  restartHour,
  seenLately,
} from './habits.ts';
import type { AnomalySettings, BurstRule, Finding, LearnedRule, RuleName } from './rules.ts';

/** More between two records than the steady clock says: somebody set the other one. */
const STEP_MS = 60_000;
/** So long after that nothing is said of hours: the clock may be set again. */
const REST_MS = 3_600_000;
/** Whose bursts are counted: those who were refused last. At most twice as many. */
const MOST_BURSTS = 10_000;

/** Refusals that say nothing about the caller, or belong to a handshake. */
const NOT_DENIALS = new Set([
  'audit_unavailable',
  'dpop_nonce',
  'draining',
  'issuer_unavailable',
  'no_upstream',
  'step_up',
]);
/** What comes of a token in wrong hands: it was bound to a key that whoever shows it does not have. */
const REPLAY = new Set(['dpop_proof', 'token_binding']);

/** Finds what is unusual, record by record. */
export interface Detector {
  /**
   * @param record as committed
   * @param steadyMs when, by a clock that nobody sets
   * @returns what it gives rise to
   */
  observe(record: AuditRecord, steadyMs: number): readonly Finding[];
}

interface Counted {
  readonly burst: Burst;
  quietUntilMs: number;
}

/** One request of somebody recognised. */
interface Seen {
  readonly record: AuditRecord;
  readonly habits: Habits;
  readonly nowMs: number;
}

const amount = (value: number): string => String(Math.round(value * 10) / 10);

/**
 * Makes a detector. The rules are asked before anything is learned of the request that they look at.
 *
 * @param settings which rules, and how strict they are
 * @param store what is known of people
 * @returns the detector
 * @throws {AuditError} `audit_query` when there is no such time zone
 */
export function createDetector(settings: AnomalySettings, store: HabitStore): Detector {
  const { rules, quietMs } = settings;
  const clock = createWeekClock(settings.timezone);
  const bursts = createRecent<Counted>(MOST_BURSTS);
  let last: { readonly wallMs: number; readonly steadyMs: number } | undefined;
  let restsUntilMs = Number.NEGATIVE_INFINITY;

  /** @returns whether hours can be told */
  function isSteady(wallMs: number, steadyMs: number): boolean {
    const passedMs = last === undefined ? 0 : wallMs - last.wallMs - (steadyMs - last.steadyMs);
    if (Math.abs(passedMs) > STEP_MS) restsUntilMs = steadyMs + REST_MS;
    last = { wallMs, steadyMs };
    return steadyMs >= restsUntilMs;
  }

  function countBurst(
    name: RuleName,
    rule: BurstRule | undefined,
    subject: string | undefined,
    count: number,
    steadyMs: number,
  ): number | undefined {
    if (rule === undefined || subject === undefined) return undefined;
    const key = `${name} ${subject}`;
    const counted = bursts.get(key) ?? { burst: createBurst(), quietUntilMs: steadyMs };
    bursts.set(key, counted);
    if (steadyMs < counted.quietUntilMs) return undefined;
    const found = counted.burst.add(rule, steadyMs, count);
    if (found !== undefined) counted.quietUntilMs = steadyMs + quietMs;
    return found;
  }

  function burstsOf(record: AuditRecord, steadyMs: number): Finding[] {
    const { code = '', count = 1, ip, who } = record;
    const found: Finding[] = [];
    const check = (
      name: 'denials' | 'sourceDenials' | 'tokenReplay',
      subject: string | undefined,
      what: string,
    ): void => {
      const rule = rules[name];
      const total = countBurst(name, rule, subject, count, steadyMs);
      if (rule === undefined || total === undefined) return;
      const detail = `${total} ${what} in ${amount(rule.perMs / 1000)} s, ${rule.allowed} allowed`;
      found.push({ rule: name, about: name === 'denials' ? 'person' : 'source', record, detail });
    };
    if (!NOT_DENIALS.has(code)) {
      check('denials', who, 'denials');
      check('sourceDenials', ip, 'denials from this address');
    }
    if (REPLAY.has(code)) check('tokenReplay', ip, 'tokens shown without their key');
    return found;
  }

  /** Says it once: not again within the quiet time, whatever the clock was in between. */
  function alert({ habits, record, nowMs }: Seen, rule: RuleName, detail: string): Finding[] {
    const sinceMs = nowMs - (habits.alerted.get(rule) ?? Number.NEGATIVE_INFINITY);
    if (sinceMs >= 0 && sinceMs < quietMs) return [];
    habits.alerted.set(rule, nowMs);
    return [{ rule, about: 'person', record, detail }];
  }

  function learnNew(
    name: 'newTool' | 'newNetwork',
    seen: Seen,
    known: Map<string, number>,
    value: string | undefined,
  ): Finding[] {
    const rule = rules[name];
    if (rule === undefined || value === undefined) return [];
    const { habits, nowMs } = seen;
    const before = known.size;
    const isNew = learnName(known, store.hash(`${name} ${value}`), nowMs);
    if (!isNew || before === 0 || !isKnown(habits, nowMs, rule.afterMs)) return [];
    const what = name === 'newTool' ? 'a tool' : 'a network';
    const days = Math.floor((nowMs - habits.firstMs) / 86_400_000);
    return alert(seen, name, `${what} not used before; ${before} known from ${days} days`);
  }

  function checkHour(seen: Seen, rule: LearnedRule | undefined, slot: number): Finding[] {
    const { habits, nowMs } = seen;
    if (rule === undefined || !isKnown(habits, nowMs, rule.afterMs)) return [];
    const because = whyUnusual(slot, seenLately(habits, nowMs));
    if (because === undefined) return [];
    const what = because === 'hour' ? 'near this time of day' : 'on this weekday';
    return alert(
      seen,
      'unusualHour',
      `${slotName(slot)} ${clock.timezone}: not active ${what} in the last 28 days`,
    );
  }

  function checkVolume(seen: Seen, slot: number): Finding[] {
    const { volume: rule } = rules;
    const { habits, nowMs } = seen;
    if (rule === undefined || !isKnown(habits, nowMs, rule.afterMs)) return [];
    const usual = habits.means[slot] as number;
    const allowed = Math.max(rule.minimum, rule.factor * usual);
    if (habits.hourCount <= allowed) return [];
    const figures = `${habits.hourCount} requests in the hour from ${slotName(slot)} ${clock.timezone}`;
    return alert(seen, 'volume', `${figures}, ${amount(usual)} usual, ${amount(allowed)} allowed`);
  }

  function observePerson(record: AuditRecord, who: string, isSteadyNow: boolean): Finding[] {
    const nowMs = Date.parse(record.at);
    const before = store.get(who);
    const isFresh = before === undefined || (isSteadyNow && isOutdated(before, nowMs));
    const habits = isFresh ? createHabits(nowMs) : before;
    const seen = { record, habits, nowMs };
    const { ip } = record;
    const network = ip === undefined ? undefined : recordedAddress(ip, 'truncated');
    const found = [
      ...learnNew('newTool', seen, habits.tools, toolOf(record)),
      ...learnNew('newNetwork', seen, habits.networks, network),
    ];
    if (isSteadyNow) {
      const slot = clock.slotOf(nowMs);
      found.push(...checkHour(seen, rules.unusualHour, slot));
      learnVolume(habits, nowMs, record.count ?? 1, clock.slotOf);
      found.push(...checkVolume(seen, slot));
      learnHour(habits, nowMs, slot);
    } else restartHour(habits, nowMs);
    store.set(who, habits);
    return found;
  }

  return {
    observe(record, steadyMs) {
      const { kind, who } = record;
      if (kind === 'erase' && who !== undefined) store.forget(who);
      // Of a request its decision says all; and what is found here must not be looked at again.
      if (kind !== 'request') return [];
      const isSteadyNow = isSteady(Date.parse(record.at), steadyMs);
      const found = record.decision === 'deny' ? burstsOf(record, steadyMs) : [];
      if (who === undefined) return found;
      return [...found, ...observePerson(record, who, isSteadyNow)];
    },
  };
}
