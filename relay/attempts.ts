import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { WireError } from '../wire/errors.ts';
import type { ForwardPlan, ForwardResult } from '../wire/forward-plan.ts';
import { planForward, type Allowed } from './plan.ts';
import { asProblem } from './respond.ts';
import type { UpstreamTarget } from './upstream/target.ts';

/** A request on its way to an API. */
export interface Attemptable {
  readonly allowed: Allowed;
  /** The address that it goes to, taken; another one after each failed try. */
  upstream: UpstreamTarget;
}

/** Carries one try to its end; rejects only while nothing was written to the client. */
type Send<Out> = (request: IncomingMessage, out: Out, plan: ForwardPlan) => Promise<ForwardResult>;

/** RFC 9110 §9.2.2. */
const IDEMPOTENT = new Set(['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE']);

function isUpstreamError(error: unknown): error is WireError {
  return error instanceof WireError && error.code.startsWith('upstream_');
}

/**
 * Whether a failure says something about the address. One who knows of a request that takes too long,
 * or that makes the API break off, must not be able to have it taken away from everybody: after the
 * connection stood, a failure counts only when the address answered nobody in the meantime, and never
 * when the client was slow to send.
 */
function isItsFault(error: WireError, { framing, request }: Allowed, isMute: boolean): boolean {
  if (error.sent === false) return true;
  if (error.code === 'upstream_timeout' && framing.kind !== 'none' && !request.complete)
    return false;
  return isMute;
}

/** Whether the request can be sent again without a risk that it is carried out twice. */
function isRepeatable(error: WireError, { framing, target }: Allowed): boolean {
  if (framing.kind !== 'none' && error.bodyRead !== false) return false;
  if (error.sent === false) return error.code !== 'upstream_protocol';
  return error.code === 'upstream_unreachable' && IDEMPOTENT.has(target.method);
}

/** What is left of a time-out for the whole exchange, however many tries it takes. */
function shortened(plan: ForwardPlan, spentMs: number): ForwardPlan {
  const { totalMs } = plan.timeouts;
  if (totalMs === undefined) return plan;
  return { ...plan, timeouts: { ...plan.timeouts, totalMs: Math.max(1, totalMs - spentMs) } };
}

/** Takes the address for the next try, if there may be one. */
function takeNext(
  allowed: Allowed,
  tried: readonly UpstreamTarget[],
  error: WireError,
): UpstreamTarget | undefined {
  const { config, targets } = allowed.api;
  if (tried.length > config.retries || !isRepeatable(error, allowed)) return undefined;
  return targets.takeOther(tried);
}

/**
 * Runs an exchange with the address that was taken and, where that cannot have it carried out twice,
 * with further ones: idempotent requests whose connection broke before the answer, and any that never
 * left. Each address is given back.
 *
 * @param admitted the request; in the end `upstream` is the address tried last
 * @param out the client's answer or, of an upgrade, its connection
 * @param send carries one try
 * @returns how it ended
 * @throws {WireError} `upstream_*` of the last try, only while nothing was written to the client
 * @see RFC 9110 §9.2.2
 */
export async function attempt<Out extends ServerResponse | Duplex>(
  admitted: Attemptable,
  out: Out,
  send: Send<Out>,
): Promise<ForwardResult> {
  const { allowed } = admitted;
  const { request, visit } = allowed;
  const { targets } = allowed.api;
  let tried: UpstreamTarget[] | undefined;
  for (;;) {
    const { upstream } = admitted;
    const answersBefore = upstream.answers;
    visit.trace?.sending(upstream.url);
    try {
      const planned = planForward(allowed, upstream);
      const plan = planned instanceof Promise ? await planned : planned;
      const result = await send(
        request,
        out,
        tried === undefined ? plan : shortened(plan, Date.now() - visit.startedAtMs),
      );
      visit.trace?.sent(result.kind === 'answered' ? result.cutBy : undefined);
      return result;
    } catch (error) {
      visit.trace?.sent(asProblem(error).code);
      if (!isUpstreamError(error)) throw error;
      const isMute = upstream.answers === answersBefore;
      if (isItsFault(error, allowed, isMute))
        targets.failed(upstream, error.code, error.sent === false);
      tried = [...(tried ?? []), upstream];
      // A client that left hears nothing of another try.
      const next = out.destroyed ? undefined : takeNext(allowed, tried, error);
      if (next === undefined) throw error;
      admitted.upstream = next;
    } finally {
      targets.release(upstream);
    }
  }
}
