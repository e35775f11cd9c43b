import type { Agent, IncomingMessage, ServerResponse } from 'node:http';
import { keepAnswer, sendAnswer, sendBody, type KeptAnswer } from './bodies.ts';
import { WireError } from './errors.ts';
import type { Framing } from './framing.ts';
import type { HeaderList } from './headers.ts';
import type { KeptBody } from './kept-body.ts';
import { openRequest, type NextHop } from './next-hop.ts';
import { TimeoutError, transportError } from './transport-error.ts';
import { createYoungMemory } from './young-memory.ts';

/** Who or what ended an exchange. */
export type ClosedBy =
  'client' | 'upstream' | 'relay' | 'expiry' | 'revocation' | 'drain' | 'error';

/** One request, ready to be sent on. */
export interface ForwardPlan {
  readonly hop: NextHop;
  readonly method: string;
  /** Canonical path and query, exactly the bytes to send. */
  readonly path: string;
  readonly headers: HeaderList;
  readonly framing: Framing;
  readonly maxBodyBytes: number;
  readonly timeouts: {
    readonly connectMs: number;
    /** From the last body byte sent to the first byte of the answer. */
    readonly headersMs: number;
    /** Longest silence within an answer; event streams may be silent as long as they like. */
    readonly idleMs: number;
  };
  /** Builds the answer's fields from the upstream's. */
  readonly answer: (status: number, raw: HeaderList) => HeaderList;
  /**
   * Looks at the answer before the client sees it; `true` keeps it back, and `forward` resolves
   * `intercepted`. Asked only while the request can be sent again: it has no body, or `kept` holds
   * all that came of it.
   */
  readonly intercept?: (status: number, raw: HeaderList) => boolean;
  /** Keeps the body as it is sent; the same for each try of a request. */
  readonly kept?: KeptBody;
  /** Hands out a way to end the exchange from outside; returns the unregistering function. */
  readonly register?: (cut: (by: ClosedBy) => void) => () => void;
}

/** How an exchange ended once the upstream had answered. */
export type ForwardResult =
  | {
      readonly kind: 'answered';
      readonly status: number;
      readonly bytesIn: number;
      readonly bytesOut: number;
      /** Absent when the whole answer was delivered. */
      readonly cutBy?: ClosedBy;
    }
  | {
      readonly kind: 'intercepted';
      readonly status: number;
      readonly bytesIn: number;
      readonly answer: KeptAnswer;
    };

// One for the process: it is the process's memory.
const streamed = createYoungMemory();

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
    return await exchange(request, response, plan, plan.hop.agent);
  } catch (error) {
    if (!isStaleConnection(error, plan)) throw transportError(error);
  }
  // Not from the pool: the next one in it may be as stale.
  return exchange(request, response, plan, false).catch((error: unknown) => {
    throw transportError(error);
  });
}

function tooLarge(limit: number): WireError {
  return new WireError('too_large', `The body is larger than the ${limit} bytes allowed here.`);
}

/** RFC 9110 §9.2.2, RFC 9112 §9.3.1: only what is idempotent may be repeated, and once. */
function isStaleConnection(error: unknown, plan: ForwardPlan): boolean {
  const { code, reused } = error as { code?: string; reused?: boolean };
  return (
    reused === true &&
    plan.framing.kind === 'none' &&
    IDEMPOTENT.has(plan.method) &&
    (code === 'ECONNRESET' || code === 'EPIPE')
  );
}

function exchange(
  request: IncomingMessage,
  response: ServerResponse,
  plan: ForwardPlan,
  agent: Agent | false,
): Promise<ForwardResult> {
  return new Promise((resolve, reject) => {
    const upstream = openRequest(plan, agent);
    let bytesIn = 0;
    let bytesOut = 0;
    let status = 0;
    let settled = false;
    let timer: NodeJS.Timeout | undefined;
    let unregister: (() => void) | undefined;

    const disarm = (): void => {
      clearTimeout(timer);
      // A cleared timer would start again on refresh().
      timer = undefined;
    };
    const settle = (): boolean => {
      if (settled) return false;
      settled = true;
      disarm();
      unregister?.();
      response.off('close', onClientClose);
      return true;
    };
    const fail = (error: Error): void => {
      if (!settle()) return;
      upstream.destroy();
      reject(Object.assign(error, { reused: upstream.reusedSocket }));
    };
    /** Ends an exchange whose answer had begun, or whose client left: nothing more can be said. */
    const cut = (by: ClosedBy): void => {
      if (!settle()) return;
      upstream.destroy();
      response.destroy();
      resolve({ kind: 'answered', status, bytesIn, bytesOut, cutBy: by });
    };
    const finish = (): void => {
      if (!settle()) return;
      // The upstream has said all; what is left of an upload is read and dropped.
      if (!upstream.writableFinished) upstream.destroy();
      resolve({ kind: 'answered', status, bytesIn, bytesOut });
    };
    const broken = (error: Error, by: ClosedBy): void =>
      response.headersSent ? cut(by) : fail(error);
    const arm = (ms: number, what: string): void => {
      disarm();
      if (settled) return;
      timer = setTimeout(
        () => broken(new TimeoutError(what), response.writableNeedDrain ? 'client' : 'upstream'),
        ms,
      );
    };
    const onClientClose = (): void => {
      if (!response.writableFinished) cut('client');
    };

    response.on('close', onClientClose);
    // 'close' on the response tells the same, for requests with and without a body.
    if (request.listenerCount('error') === 0) request.on('error', () => {});
    unregister = plan.register?.(cut);
    upstream.on('error', (error) => broken(error, 'upstream'));
    upstream.on('socket', (socket) => {
      if (!socket.connecting) return arm(plan.timeouts.headersMs, 'no answer');
      arm(plan.timeouts.connectMs, 'no connection');
      const ready = plan.hop.protocol === 'https:' ? 'secureConnect' : 'connect';
      socket.once(ready, () => arm(plan.timeouts.headersMs, 'no answer'));
      return undefined;
    });
    upstream.on('response', (answer) => {
      status = answer.statusCode ?? 0;
      if (isRepeatable(plan) && plan.intercept?.(status, answer.rawHeaders)) {
        stopSending();
        if (plan.framing.kind !== 'none') plan.kept?.hold(request);
        arm(plan.timeouts.idleMs, 'silence');
        keepAnswer(answer, fail, (kept) => {
          if (!settle()) return;
          if (!upstream.writableFinished) upstream.destroy();
          resolve({ kind: 'intercepted', status, bytesIn, answer: kept });
        });
        return;
      }
      plan.kept?.release();
      if (isEventStream(answer)) disarm();
      else arm(plan.timeouts.idleMs, 'silence');
      sendAnswer(answer, response, plan.answer, {
        progress: (bytes) => {
          bytesOut += bytes;
          streamed(bytes);
          timer?.refresh();
        },
        broken: (error) => broken(error, 'upstream'),
        finish,
      });
    });
    const sent = (bytes: number): void => {
      bytesIn += bytes;
      streamed(bytes);
      timer?.refresh();
      if (bytesIn > plan.maxBodyBytes) broken(tooLarge(plan.maxBodyBytes), 'relay');
    };
    const stopSending = sendBody(request, response, upstream, plan.framing, sent, plan.kept);
  });
}

/** Nothing of the request is lost, so it can be sent once more. */
function isRepeatable(plan: ForwardPlan): boolean {
  return plan.framing.kind === 'none' || plan.kept?.isWhole() === true;
}

/** Event streams may be silent as long as they like. */
function isEventStream(answer: IncomingMessage): boolean {
  return /^text\/event-stream\b/i.test(answer.headers['content-type'] ?? '');
}
