import type { IncomingMessage } from 'node:http';
import type { OpenRecord } from '../audit/ledger.ts';
import type { ForwardResult } from '../wire/forward-plan.ts';
import type { Framing } from '../wire/framing.ts';
import type { Target } from '../wire/target.ts';
import type { Attemptable } from './attempts.ts';
import type { Principal } from './auth/principal.ts';
import type { Bounds } from './bounds.ts';
import { RelayError } from './errors.ts';
import type { Exchanges } from './exchanges.ts';
import type { Places } from './limits/limits.ts';
import type { RequestMetrics } from './metrics.ts';
import { decide } from './policy/decide.ts';
import type { Verdict } from './policy/verdict.ts';
import type { Recorder } from './recorder.ts';
import { refusal } from './refusal.ts';
import { requestDetails } from './request-details.ts';
import type { Api, Runtime } from './runtime.ts';
import type { Visit } from './visit.ts';

/** A request that may go on: recognised, allowed, within its bounds, recorded. */
export interface Admitted extends Attemptable {
  /** Absent where the API does without an audit. */
  readonly record: OpenRecord | undefined;
  /** Where the API bounds how many exchanges are open. */
  readonly places: Places | undefined;
}

/** What admission works with. */
export interface AdmissionDeps {
  readonly runtime: Pick<Runtime, 'routes'>;
  readonly recorder: Recorder;
  readonly bounds: Bounds;
  readonly exchanges: Pick<Exchanges, 'registrar'>;
  readonly metrics: Pick<RequestMetrics, 'answered'>;
  readonly proto: 'http' | 'https';
  readonly now: () => number;
}

/** From a recognised caller's request to its committed decision. */
export type Admission = (
  request: IncomingMessage,
  visit: Visit,
  target: Target,
  framing: Framing,
) => Promise<Admitted>;

/**
 * Runs an exchange and gives its place back, however it ends.
 *
 * @param admitted the request
 * @param run carries it
 * @returns how it ended
 */
export function inItsPlace(
  { places }: Admitted,
  run: () => Promise<ForwardResult>,
): () => Promise<ForwardResult> {
  return places === undefined ? run : () => run().finally(() => places.giveBack());
}

const noUpstream = (): RelayError =>
  new RelayError('no_upstream', 'No address of this API is well; try again.');

/**
 * Makes the admission: route, policy, bounds, audit, in this order.
 *
 * @param deps the configuration at work
 * @returns admits, or throws the refusal, recorded
 */
export function createAdmission(deps: AdmissionDeps): Admission {
  const { runtime, recorder, bounds, exchanges, metrics, proto, now } = deps;

  /** Takes what an allowed request uses up; returns why it may not. */
  function over(
    api: Api,
    verdict: Verdict,
    principal: Principal,
    ip: string,
  ): Promise<RelayError | undefined> | undefined {
    return verdict.kind === 'allow' ? bounds.over(api.config.name, { principal, ip }) : undefined;
  }

  /** A place among those open; the refusal where there is none. */
  function seat(api: Api): Places | RelayError | undefined {
    const places = bounds.places(api.config.name);
    try {
      places?.take();
      return places;
    } catch (error) {
      return error as RelayError;
    }
  }

  return async (request, visit, target, framing) => {
    const found = runtime.routes.find(target.path);
    if (found === undefined) {
      const error = new RelayError('unknown_api', 'No API has this path; see /.latchkey/apis.');
      const denied = { kind: 'deny', code: error.code } as const;
      return recorder.refused(visit, await recorder.decided(visit, undefined, denied), error);
    }
    const { api, relativePath } = found;
    const principal = visit.principal as Principal;
    const verdict = decide(api.rules, principal, {
      method: target.method,
      path: relativePath,
      ip: visit.ip,
      nowMs: now(),
      details: () => requestDetails(request.rawHeaders, target.query),
    });
    const pending = over(api, verdict, principal, visit.ip);
    const full = pending && (await pending);
    if (verdict.kind === 'deny')
      return recorder.refused(visit, await recorder.decided(visit, api, verdict), refusal(verdict));
    const places = full ?? seat(api);
    if (places instanceof RelayError) {
      const denied = { kind: 'deny', code: places.code, rule: verdict.rule } as const;
      return recorder.refused(visit, await recorder.decided(visit, api, denied), places);
    }
    try {
      const record = await recorder.decided(visit, api, verdict);
      const upstream = api.targets.take();
      if (upstream === undefined) return recorder.refused(visit, record, noUpstream());
      const allowed = {
        request,
        visit,
        target,
        principal,
        framing,
        api,
        relativePath,
        proto,
        register: exchanges.registrar(principal, api.config.streams.gracefulMs),
        answered: metrics.answered,
        watchUpload: bounds.uploads.watch,
      };
      return { record, allowed, upstream, places };
    } catch (error) {
      places?.giveBack();
      throw error;
    }
  };
}
