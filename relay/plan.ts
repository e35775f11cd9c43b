import type { IncomingMessage } from 'node:http';
import type { ForwardPlan } from '../wire/forward.ts';
import type { Framing } from '../wire/framing.ts';
import type { Target } from '../wire/target.ts';
import type { Principal } from './auth/principal.ts';
import type { RequestMetrics } from './metrics.ts';
import type { Api } from './runtime.ts';
import type { Visit } from './visit.ts';

/** An allowed request: what to send, and where. */
export interface Planned {
  readonly plan: ForwardPlan;
  /** The address chosen, for the audit. */
  readonly upstream: string;
}

/**
 * Rewrites an allowed request for the API that it goes to.
 *
 * @param request the request as received
 * @param allowed the canonical request and who made it; what policy judged is what is sent
 * @param proto the scheme under which the relay is public
 * @param hooks `register` hands out a way to end the exchange, `answered` hears of the answer
 * @returns what to forward
 */
export function planForward(
  request: IncomingMessage,
  allowed: {
    readonly visit: Visit;
    readonly target: Target;
    readonly principal: Principal;
    readonly framing: Framing;
    readonly api: Api;
    readonly relativePath: string;
  },
  proto: 'http' | 'https',
  hooks: {
    readonly register: NonNullable<ForwardPlan['register']>;
    readonly answered: RequestMetrics['answered'];
  },
): Planned {
  const { api, framing, principal, target, visit } = allowed;
  const upstream = api.targets.next();
  const path = api.config.stripPath ? allowed.relativePath : target.path;
  const headers = api.transform.request(
    {
      rawHeaders: request.rawHeaders,
      method: target.method,
      framing,
      ip: visit.ip,
      proto,
      authority: target.authority,
      requestId: visit.requestId,
      traceparent: visit.traceparent,
      principal,
    },
    upstream.host,
  );
  return {
    upstream: upstream.url,
    plan: {
      hop: upstream.hop,
      method: target.method,
      path: upstream.basePath + path + target.query,
      framing,
      headers,
      maxBodyBytes: api.config.limits.bodyBytes,
      timeouts: api.config.timeouts,
      answer: (_status, raw) => {
        hooks.answered(visit, raw);
        const fields = api.transform.response(raw, visit.requestId);
        return visit.nonce === undefined ? fields : [...fields, 'DPoP-Nonce', visit.nonce];
      },
      register: hooks.register,
    },
  };
}
