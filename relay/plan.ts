import type { IncomingMessage } from 'node:http';
import type { ForwardPlan, WatchUpload } from '../wire/forward-plan.ts';
import type { Framing } from '../wire/framing.ts';
import type { Target } from '../wire/target.ts';
import { readCredential } from './auth/bearer.ts';
import type { Principal } from './auth/principal.ts';
import type { RequestMetrics } from './metrics.ts';
import type { Api } from './runtime.ts';
import type { Credentials, Shown } from './upstream/credentials/credentials.ts';
import type { UpstreamTarget } from './upstream/target.ts';
import type { Visit } from './visit.ts';

/** A request that policy allows; what policy judged is what is sent. */
export interface Allowed {
  /** As received. */
  readonly request: IncomingMessage;
  readonly visit: Visit;
  readonly target: Target;
  readonly principal: Principal;
  readonly framing: Framing;
  readonly api: Api;
  readonly relativePath: string;
  /** The scheme under which the relay is public. */
  readonly proto: 'http' | 'https';
  /** Hands out a way to end the exchange. */
  readonly register: NonNullable<ForwardPlan['register']>;
  /** Hears of the answer. */
  readonly answered: RequestMetrics['answered'];
  /** Ends bodies that come too slowly. */
  readonly watchUpload: WatchUpload;
}

function plainPlan(allowed: Allowed, upstream: UpstreamTarget): ForwardPlan {
  const { api, framing, principal, target, visit } = allowed;
  const path = api.config.stripPath ? allowed.relativePath : target.path;
  const headers = api.transform.request(
    {
      rawHeaders: allowed.request.rawHeaders,
      method: target.method,
      framing,
      ip: visit.ip,
      proto: allowed.proto,
      authority: target.authority,
      requestId: visit.requestId,
      traceparent: visit.traceparent,
      keepsState: visit.keepsState,
      principal,
    },
    upstream.host,
  );
  return {
    hop: upstream.hop,
    method: target.method,
    path: upstream.basePath + api.transform.target(path, target.query, principal.claims),
    framing,
    headers,
    maxBodyBytes: api.config.limits.bodyBytes,
    timeouts: api.config.timeouts,
    answer: (status, raw) => {
      api.targets.answered(upstream);
      visit.trace?.answered(status);
      allowed.answered(visit, raw);
      const answer = api.transform.response(raw, visit.requestId, upstream.basePath);
      const fields =
        api.cors === undefined
          ? answer
          : [...answer, ...api.cors.fields(allowed.request.rawHeaders)];
      return visit.nonce === undefined ? fields : [...fields, 'DPoP-Nonce', visit.nonce];
    },
    dropTrailer: api.transform.dropsTrailer,
    dropAnswerTrailer: api.transform.dropsAnswerTrailer,
    register: allowed.register,
    watchUpload: allowed.watchUpload,
  };
}

function withFields(plan: ForwardPlan, { fields, refused }: Shown): ForwardPlan {
  const headers = [...plan.headers, ...fields];
  if (refused === undefined) return { ...plan, headers };
  return {
    ...plan,
    headers,
    answer(status, raw) {
      if (status === 401) refused();
      return plan.answer(status, raw);
    },
  };
}

function withCredentials(
  plan: ForwardPlan,
  credentials: Credentials,
  { principal, request }: Allowed,
): ForwardPlan | Promise<ForwardPlan> {
  const shown = credentials.show(
    { ...plan, received: request.rawHeaders },
    {
      token: () => readCredential(request.rawHeaders, undefined).token,
      expiresAtMs: principal.expiresAtMs,
    },
  );
  return shown instanceof Promise
    ? shown.then((fields) => withFields(plan, fields))
    : withFields(plan, shown);
}

/**
 * Rewrites an allowed request for the address that it goes to.
 *
 * @param allowed the canonical request and who made it
 * @param upstream the address
 * @returns what to forward; a promise only while a token for the API is fetched
 * @throws {no_upstream} {denied} {bad_request} the API cannot be shown what it wants
 */
export function planForward(
  allowed: Allowed,
  upstream: UpstreamTarget,
): ForwardPlan | Promise<ForwardPlan> {
  const plan = plainPlan(allowed, upstream);
  const { credentials } = allowed.api;
  return credentials === undefined ? plan : withCredentials(plan, credentials, allowed);
}
