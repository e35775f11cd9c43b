import type { IncomingMessage, ServerResponse } from 'node:http';
import { exchange, tooLarge, type FailedExchange } from './exchange.ts';
import type { ForwardPlan, ForwardResult } from './forward-plan.ts';
import type { ProblemError } from './problem.ts';
import { transportError } from './transport-error.ts';

const IDEMPOTENT = new Set(['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE']);

/**
 * Sends one request to the next hop and streams its answer back, with back-pressure and abort in
 * both directions. A request without a body that met a kept-alive connection just closed by the
 * upstream is sent once more, on a new connection.
 *
 * @param request the client's request, body unread
 * @param response the client's answer, nothing written
 * @param plan what to send, and where
 * @returns how it ended
 * @throws {WireError} `upstream_*` or `too_large`, only while nothing was written to `response`
 * @see RFC 9110 §7.3 to §7.6
 */
export async function forward(
  request: IncomingMessage,
  response: ServerResponse,
  plan: ForwardPlan,
): Promise<ForwardResult> {
  // A client may leave while its token is verified: its 'close' is past, and nobody would tell again.
  if (response.destroyed) {
    return { kind: 'answered', status: 0, bytesIn: 0, bytesOut: 0, cutBy: 'client' };
  }
  if (plan.framing.kind === 'length' && plan.framing.bytes > plan.maxBodyBytes) {
    throw tooLarge(plan.maxBodyBytes);
  }
  try {
    return await exchange(request, response, plan, false);
  } catch (error) {
    if (!isStaleConnection(error as FailedExchange, plan)) throw failure(error as FailedExchange);
  }
  // Not from the pool: the next one in it may be as stale.
  return exchange(request, response, plan, true).catch((error: unknown) => {
    throw failure(error as FailedExchange);
  });
}

function failure(error: FailedExchange): ProblemError {
  const { sent, bodyRead } = error;
  return Object.assign(transportError(error), { sent, bodyRead });
}

/** RFC 9110 §9.2.2, RFC 9112 §9.3.1: only what is idempotent may be repeated, and once. */
function isStaleConnection({ code, stale }: FailedExchange, plan: ForwardPlan): boolean {
  return (
    stale &&
    plan.framing.kind === 'none' &&
    IDEMPOTENT.has(plan.method) &&
    (code === 'ECONNRESET' || code === 'EPIPE')
  );
}
