import type { Ledger } from '../audit/ledger.ts';
import type { Check } from './admin/management.ts';
import type { IssuerState } from './auth/jwks.ts';
import { formatFault } from './config/faults.ts';
import type { UpstreamState } from './generation.ts';
import type { ReloadFailure } from './reload.ts';
import type { SharedState } from './state/shared-state.ts';

/** Where readiness looks. */
export interface ReadinessDeps {
  readonly draining: () => boolean;
  readonly audit: Ledger['health'];
  readonly state: SharedState['health'];
  readonly issuers: () => readonly IssuerState[];
  readonly upstreams: () => readonly UpstreamState[];
  readonly lastFailure: () => ReloadFailure | undefined;
  readonly now: () => number;
}

function check(name: string, ok: boolean, detail?: string): Check {
  return detail === undefined ? { name, ok } : { name, ok, detail };
}

function issuerCheck(state: IssuerState, nowMs: number): Check {
  const base = check(`issuer ${state.issuer}`, state.ready, state.problem);
  if (state.fetchedAtMs === undefined) return base;
  const keysAgeSeconds = Math.max(0, Math.round((nowMs - state.fetchedAtMs) / 1000));
  return { ...base, keys: state.keys, keysAgeSeconds };
}

/** A page of names helps nobody; the metrics have them all. */
const MOST_TOLD = 10;

/** What is in effect is good, so a refused reload is told and turns nothing red. */
function configCheck(failure: ReloadFailure | undefined): Check {
  if (failure === undefined) return check('config', true);
  const [first, ...others] = failure.faults;
  const more = others.length === 0 ? '' : ` (and ${others.length} more, see /config)`;
  const at = new Date(failure.atMs).toISOString();
  return check(
    'config',
    true,
    `last reload failed at ${at}: ${first && formatFault(first)}${more}`,
  );
}

/**
 * One API that is down must not take the relay away from the others: only when active checks found
 * every address of every API down could it do nothing for anybody. An open circuit never turns it red,
 * since it takes requests to find out that an address has recovered.
 */
function upstreamCheck(states: readonly UpstreamState[]): Check {
  const ok = states.length === 0 || states.some(({ isDown }) => !isDown);
  const away = states.filter(({ isUsed }) => !isUsed);
  if (away.length === 0) return check('upstreams', ok);
  const used = new Set(states.filter(({ isUsed }) => isUsed).map(({ api }) => api));
  const told = away.slice(0, MOST_TOLD).map(({ api, upstream, problem }) => {
    const none = used.has(api) ? '' : ', none is left';
    return `${api}: ${upstream} (${problem}${none})`;
  });
  if (away.length > MOST_TOLD) told.push(`and ${away.length - MOST_TOLD} more`);
  return check('upstreams', ok, told.join('; '));
}

/**
 * Says whether the relay may be sent requests, and why not.
 *
 * @param deps where to look
 * @returns one check each for draining, audit, shared state, configuration, upstreams and every issuer
 */
export function readinessChecks(deps: ReadinessDeps): readonly Check[] {
  const audit = deps.audit();
  const state = deps.state();
  return [
    check('draining', !deps.draining()),
    check('audit', audit.ok, audit.problem),
    check('state', state.ok, state.problem),
    configCheck(deps.lastFailure()),
    upstreamCheck(deps.upstreams()),
    ...deps.issuers().map((issuer) => issuerCheck(issuer, deps.now())),
  ];
}
