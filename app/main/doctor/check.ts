import type { RelayMetadata } from '../agent/login/relay-metadata.ts';
import type { Network } from '../agent/network/network.ts';
import type { Settings } from '../agent/settings/settings.ts';
import type { AppState } from './app.ts';
import { setTimeout as sleep } from 'node:timers/promises';
import { AgentError } from '../agent/errors.ts';

/** Every check, by the name that scripts may rely on. */
export const CHECK_NAMES = [
  'settings',
  'data-directory',
  'disk-space',
  'tool-keys',
  'audit',
  'app',
  'local-port',
  'ipv6-loopback',
  'proxy-variables',
  'relay-address',
  'relay-dns',
  'relay-tls',
  'relay-metadata',
  'provider',
  'clock',
  'session',
  'token',
] as const;

/** One of {@link CHECK_NAMES}. */
export type CheckName = (typeof CHECK_NAMES)[number];

/** How a check ended; only `fail` makes `latchkey doctor` exit with 1. */
export type Outcome = 'ok' | 'warn' | 'fail' | 'skip';

/** What a check found; no secret and no person's name is in it. */
export interface Finding {
  readonly name: CheckName;
  readonly outcome: Outcome;
  readonly detail: string;
  /** What to do about a warning or failure. */
  readonly todo?: string;
}

/** How far another clock is from this computer's; positive when this computer is ahead. */
export interface ClockReading {
  readonly of: 'the relay' | 'the identity provider';
  readonly aheadMs: number;
}

/** What a check learnt that later ones need. */
export interface Facts {
  readonly app?: AppState;
  readonly relay?: URL;
  readonly metadata?: RelayMetadata;
  readonly clocks: readonly ClockReading[];
}

/** Whom the checks are about, where several relays are set up. */
export interface CheckedProfile {
  readonly name: string;
  readonly url: string;
  /** Its session's and audit's. */
  readonly dir: string;
}

/** What a check works with. */
export interface CheckContext {
  readonly dataDir: string;
  /** Of the first relay without one. */
  readonly profile?: CheckedProfile | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly version: string;
  readonly settings: Settings;
  /** As the app reaches others: the same proxies, the same trust. */
  readonly network: Network;
  readonly now: () => number;
  readonly facts: Facts;
  /** Ends when the check has had its time. */
  readonly signal: AbortSignal;
}

/** What a check hands back. */
export interface Found extends Omit<Finding, 'name'> {
  readonly facts?: Partial<Facts>;
}

/** One check. */
export interface Check {
  readonly name: CheckName;
  /** Skipped when one of these failed or was skipped itself. */
  readonly needs?: readonly CheckName[];
  /** What to do when it goes wrong in a way that it has no better word for. */
  readonly todo: string;
  readonly run: (context: CheckContext) => Promise<Found> | Found;
}

/** All findings, in order, and what was learnt on the way. */
export interface Diagnosis {
  readonly findings: readonly Finding[];
  readonly facts: Facts;
}

const checkMs = 5000;

/**
 * Runs checks one after the other, each for at most five seconds; those whose ground is missing are skipped.
 *
 * @param checks in an order in which each comes after those that it needs
 * @param surroundings what every check works with
 * @param timeoutMs the longest that one check may take, in ms
 * @returns one finding a check; nothing is thrown
 */
export async function runChecks(
  checks: readonly Check[],
  surroundings: Omit<CheckContext, 'facts' | 'signal'>,
  timeoutMs = checkMs,
): Promise<Diagnosis> {
  const findings: Finding[] = [];
  let facts: Facts = { clocks: [] };
  for (const check of checks) {
    const missing = check.needs?.find((need) => findings.some((it) => isGroundless(it, need)));
    const { facts: learnt, ...found }: Found =
      missing === undefined
        ? await runOne(check, { ...surroundings, facts }, timeoutMs)
        : { outcome: 'skip', detail: `needs ${missing}, which is not in order` };
    facts = added(facts, learnt);
    findings.push({ name: check.name, ...withTodo(check, found) });
  }
  return { findings, facts };
}

function added(facts: Facts, learnt: Partial<Facts> = {}): Facts {
  return { ...facts, ...learnt, clocks: [...facts.clocks, ...(learnt.clocks ?? [])] };
}

function isGroundless({ name, outcome }: Finding, need: CheckName): boolean {
  return name === need && (outcome === 'fail' || outcome === 'skip');
}

async function runOne(
  check: Check,
  context: Omit<CheckContext, 'signal'>,
  timeoutMs: number,
): Promise<Found> {
  const limit = new AbortController();
  const over = new AbortController();
  const late = sleep(timeoutMs, undefined, { signal: over.signal }).then<Found>(() => {
    limit.abort();
    return { outcome: 'fail', detail: `no result within ${timeoutMs / 1000} s` };
  });
  try {
    const run = Promise.resolve().then(() => check.run({ ...context, signal: limit.signal }));
    return await Promise.race([run, late]);
  } catch (error) {
    return { outcome: 'fail', detail: reasonOf(error) };
  } finally {
    late.catch(() => undefined);
    over.abort();
  }
}

function reasonOf(error: unknown): string {
  if (error instanceof AgentError) return error.message;
  if (!(error instanceof Error)) return 'it failed';
  return 'code' in error && typeof error.code === 'string' ? error.code : error.message;
}

function withTodo(check: Check, found: Omit<Finding, 'name'>): Omit<Finding, 'name'> {
  const isProblem = found.outcome === 'fail' || found.outcome === 'warn';
  const todo = isProblem ? (found.todo ?? check.todo) : undefined;
  return {
    outcome: found.outcome,
    detail: printable(found.detail),
    ...(todo === undefined ? {} : { todo: printable(todo) }),
  };
}

/** Certificates and answers come from outside: what they say must not steer the terminal. */
function printable(text: string): string {
  return text.replace(/\p{C}+/gu, ' ').slice(0, 2000);
}
