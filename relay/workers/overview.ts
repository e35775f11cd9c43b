import type { Check, ManagementDeps } from '../admin/management.ts';
import type { UpstreamState } from '../generation.ts';
import { configFacts } from '../management-deps.ts';
import { createMetrics } from '../metrics.ts';
import { readinessChecks } from '../readiness.ts';
import type { Reloader } from '../reload.ts';
import type { Common } from '../serving.ts';
import type { Revocation } from '../state/shared-state.ts';
import type { Crew } from './crew.ts';
import { inTime } from './in-time.ts';
import type { Member } from './member.ts';
import { type Counted, sumMetrics } from './metrics-sum.ts';
import type { Rota } from './rota.ts';

/** What is shown of a relay with several workers. */
export interface OverviewDeps extends Pick<Common, 'ledger' | 'state' | 'now'> {
  readonly crew: Pick<Crew, 'serving' | 'died'>;
  readonly rota: Pick<Rota<Member>, 'counts' | 'refused'>;
  readonly size: number;
  readonly edition: () => { readonly config: Common['config']; readonly loadedAtMs: number };
  /** What workers that are gone have counted. */
  readonly former: () => string;
}

/** A worker that takes longer does not answer requests either. */
const ANSWER_MS = 2_000;

/** As bad as the worst of them. */
function worse(one: Check, other: Check): Check {
  const [worst, better] = one.ok && !other.ok ? [other, one] : [one, other];
  const detail = worst.detail ?? (worst.ok ? better.detail : undefined);
  const keysAgeSeconds = Math.max(one.keysAgeSeconds ?? 0, other.keysAgeSeconds ?? 0);
  return {
    ...better,
    ...worst,
    ...(detail === undefined ? {} : { detail }),
    ...(worst.keysAgeSeconds === undefined ? {} : { keysAgeSeconds }),
  };
}

/**
 * Puts the checks of several processes together, by their names.
 *
 * @param lists the primary's first: the order is its
 * @returns one list
 */
export function mergeChecks(lists: readonly (readonly Check[])[]): readonly Check[] {
  const merged = new Map<string, Check>();
  for (const check of lists.flat()) {
    const before = merged.get(check.name);
    merged.set(check.name, before === undefined ? check : worse(before, check));
  }
  return [...merged.values()];
}

/**
 * Puts together how several processes find the addresses of APIs.
 *
 * @param states of all processes
 * @returns each address once, as bad as the worst of them has it
 */
function mergeUpstreams(states: readonly UpstreamState[]): readonly UpstreamState[] {
  const merged = new Map<string, UpstreamState>();
  for (const state of states) {
    const key = `${state.api} ${state.upstream}`;
    const before = merged.get(key);
    if (before === undefined || (before.isUsed && !state.isUsed)) merged.set(key, state);
  }
  return [...merged.values()];
}

/**
 * Makes what the management listener shows and does where several processes serve.
 *
 * @param deps the crew, and what the primary keeps
 * @param reloader reads the next configuration
 * @param draining whether the relay is stopping
 * @returns the facts
 */
export function createOverview(
  deps: OverviewDeps,
  reloader: Reloader,
  draining: () => boolean,
): ManagementDeps {
  const { crew, ledger, state, now, size, edition } = deps;
  const { lastFailure } = reloader;
  const own = createMetrics({ now, processDefaults: true });

  /** Nothing of one that does not answer in time. */
  async function ask<T>(question: (member: Member) => Promise<T>): Promise<T[]> {
    const answers = await Promise.all(
      crew.serving().map((member) => inTime(question(member), ANSWER_MS, 'it').catch(() => [])),
    );
    return answers.flat() as T[];
  }

  async function checks(): Promise<readonly Check[]> {
    const answers = await ask(async ({ calls }) => [await calls.call('checks')]);
    const ready = answers.length;
    const none = (): readonly [] => [];
    return mergeChecks([
      readinessChecks({
        draining,
        lastFailure,
        now,
        audit: ledger.health,
        state: state.health,
        issuers: none,
        upstreams: none,
      }),
      [{ name: 'workers', ok: ready >= size, detail: `${ready} of ${size}` }],
      ...answers.flat(),
    ]);
  }

  function crewFigures(): string {
    const lines = [
      '# HELP latchkey_worker_connections Connections that each worker has.',
      '# TYPE latchkey_worker_connections gauge',
    ];
    for (const [{ place }, count] of deps.rota.counts())
      lines.push(`latchkey_worker_connections{worker="${place}"} ${count}`);
    lines.push(
      '# HELP latchkey_worker_deaths_total Workers that ended without being told to.',
      '# TYPE latchkey_worker_deaths_total counter',
      `latchkey_worker_deaths_total ${crew.died()}`,
    );
    lines.push(
      '# HELP latchkey_connections_refused_total Connections closed at once; reason is the bound that was met.',
      '# TYPE latchkey_connections_refused_total counter',
      ...Object.entries(deps.rota.refused()).map(
        ([reason, count]) => `latchkey_connections_refused_total{reason="${reason}"} ${count}`,
      ),
    );
    return lines.join('\n');
  }

  async function readMetrics(): Promise<string> {
    const mine = await own.read({
      issuers: () => [],
      upstreams: () => [],
      audit: ledger.health,
      certificates: () => [],
      config: () => ({
        loadedAtMs: edition().loadedAtMs,
        lastReloadFailed: lastFailure() !== undefined,
      }),
    });
    const theirs = await ask(async (member): Promise<Counted> => {
      member.counted = await member.calls.call('metrics');
      return { worker: String(member.place), text: member.counted };
    });
    return sumMetrics([
      { worker: 'primary', text: mine },
      ...theirs,
      { worker: 'former', text: deps.former() },
      { worker: 'crew', text: crewFigures() },
    ]);
  }

  return {
    checks,
    config: () => configFacts(edition().config, edition().loadedAtMs, lastFailure()),
    metrics: async () => ({ contentType: own.contentType, text: await readMetrics() }),
    upstreams: async () =>
      mergeUpstreams((await ask(({ calls }) => calls.call('upstreams'))).flat()),
    reload: () => reloader.reload('management'),
    revocations: {
      issuers: () => edition().config.issuers,
      state,
      ledger,
      now,
      async streamsOf(revocation: Revocation) {
        const counts = await ask((member) => member.calls.call('streamsOf', revocation));
        return counts.reduce((sum, count) => sum + count, 0);
      },
    },
  };
}
