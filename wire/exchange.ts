import type { IncomingMessage, ServerResponse } from 'node:http';
import {
  createAnswerWriter,
  fitting,
  keepAnswer,
  passInterim,
  type AnswerKeeper,
} from './answer.ts';
import type { ConnectionUser } from './connection.ts';
import { WireError } from './errors.ts';
import type { ClosedBy, ForwardPlan, ForwardResult, UploadWatch } from './forward-plan.ts';
import { cutAnswer } from './last-words.ts';
import { requestHead } from './request-head.ts';
import type { ResponseHead } from './response-head.ts';
import { TimeoutError } from './transport-error.ts';
import { startUpload, type Upload } from './upload.ts';
import { createYoungMemory } from './young-memory.ts';

// One for the process: it is the process's memory.
const streamed = createYoungMemory();

/** What is known of a failed try. */
export interface FailedExchange extends Error {
  readonly code?: string;
  /** Whether its connection had served before and said nothing to this request. */
  readonly stale: boolean;
  readonly sent: boolean;
  readonly bodyRead: boolean;
}

/**
 * The refusal of a body beyond the limit.
 *
 * @param limit bytes
 * @returns `too_large`
 */
export function tooLarge(limit: number): WireError {
  return new WireError('too_large', `The body is larger than the ${limit} bytes allowed here.`);
}

/**
 * Runs one try of a request over one connection.
 *
 * @param request the client's request
 * @param response the client's answer, nothing written
 * @param plan what to send, and where
 * @param fresh whether the connection must be a new one
 * @returns how it ended; rejects with a {@link FailedExchange} while nothing was written to `response`
 */
export function exchange(
  request: IncomingMessage,
  response: ServerResponse,
  plan: ForwardPlan,
  fresh: boolean,
): Promise<ForwardResult> {
  return new Promise((resolve, reject) => {
    const { timeouts } = plan;
    // Before a connection is taken: what cannot be written must not cost one.
    const head = requestHead(plan.method, plan.path, plan.headers);
    const connection = plan.hop.pool.take(fresh ? 'fresh' : undefined);
    const writer = createAnswerWriter(response, plan.dropAnswerTrailer);
    let upload: Upload | undefined;
    let watch: UploadWatch | undefined;
    let keeper: AnswerKeeper | undefined;
    let keepMs = 0;
    let bytesIn = 0;
    let bytesOut = 0;
    let status = 0;
    let settled = false;
    let isQuiet = false;
    let isIdling = false;
    let isSlowClient = false;
    let hasEnded = false;
    let timer: NodeJS.Timeout | undefined;
    let deadline: NodeJS.Timeout | undefined;
    let unregister: (() => void) | undefined;

    function disarm(): void {
      clearTimeout(timer);
      // A cleared timer would start again on refresh().
      timer = undefined;
    }
    function settle(): boolean {
      if (settled) return false;
      settled = true;
      disarm();
      clearTimeout(deadline);
      unregister?.();
      watch?.end();
      response.off('close', onClientClose);
      return true;
    }
    function giveUp(): void {
      // After the end the connection may be at another's service.
      if (!hasEnded) connection.destroy();
    }
    function fail(error: Error): void {
      if (!settle()) return;
      const stale = connection.isReused() && !connection.hasAnswered();
      const bodyRead = upload?.hasBegun() ?? false;
      // What was not read may be sent to another; of what was, the rest is of no use.
      if (bodyRead) upload?.discard();
      else upload?.stop();
      giveUp();
      reject(Object.assign(error, { stale, bodyRead, sent: connection.isConnected() }));
    }
    /** Ends an exchange whose answer had begun, or whose client left: nothing more can be said. */
    function cut(by: ClosedBy): void {
      if (!settle()) return;
      giveUp();
      cutAnswer(response);
      resolve({ kind: 'answered', status, bytesIn, bytesOut, cutBy: by });
    }
    function broken(error: Error, by: ClosedBy): void {
      if (response.headersSent) cut(by);
      else fail(error);
    }
    function finish(): void {
      if (settle()) resolve({ kind: 'answered', status, bytesIn, bytesOut });
    }
    function expire(what: string): void {
      // Behind another answer it can go no further, whoever is slow: that one's time is what counts.
      const waits = response.socket === null && (hasEnded || response.writableNeedDrain);
      if (waits && what !== 'the end') return arm(timeouts.idleMs, what);
      const isClient = hasEnded || response.writableNeedDrain;
      return broken(new TimeoutError(what), isClient ? 'client' : 'upstream');
    }
    function arm(ms: number, what: string): void {
      disarm();
      if (!settled) timer = setTimeout(expire, ms, what);
    }
    function onClientClose(): void {
      if (!response.writableFinished) cut('client');
    }
    function onClientDrain(): void {
      // After the end the connection may be at another's service.
      if (!hasEnded) connection.socket.resume();
    }
    function slowDown(): void {
      if (!isSlowClient) response.on('drain', onClientDrain);
      isSlowClient = true;
      connection.socket.pause();
    }
    /** The connection is free for others once both bodies have ended. */
    function letGo(): void {
      if (upload?.isDone() ?? true) plan.hop.pool.giveBack(connection, keepMs);
      else {
        connection.destroy();
        if (keeper === undefined) upload?.discard();
      }
    }
    function sent(bytes: number): void {
      bytesIn += bytes;
      streamed(bytes);
      timer?.refresh();
      watch?.progress(bytes);
      if (bytesIn > plan.maxBodyBytes) broken(tooLarge(plan.maxBodyBytes), 'relay');
    }

    const user: ConnectionUser = {
      connected: () => arm(timeouts.headersMs, 'no answer'),
      drained() {
        watch?.held(false);
        upload?.drained();
      },
      failed: (error) => broken(error, 'upstream'),
      interim(interim) {
        timer?.refresh();
        passInterim(request, response, interim);
      },
      head(answer) {
        ({ status, keepAliveMs: keepMs } = answer);
        if (isRepeatable(plan) && plan.intercept?.(status, answer.raw)) {
          upload?.stop();
          if (plan.framing.kind !== 'none') plan.kept?.hold(request);
          keeper = keepAnswer(answer);
          return;
        }
        plan.kept?.release();
        isQuiet = isEventStream(answer);
        writer.head(answer, fitting(answer, request, plan.answer(status, answer.raw)));
      },
      body(piece) {
        if (keeper !== undefined) return keeper.body(piece);
        bytesOut += piece.length;
        streamed(piece.length);
        if (!writer.body(piece)) slowDown();
        return undefined;
      },
      flush() {
        if (settled || status === 0) return;
        if (isQuiet) disarm();
        else if (isIdling) timer?.refresh();
        else arm(timeouts.idleMs, 'silence');
        isIdling = true;
        if (keeper === undefined && !writer.flush()) slowDown();
      },
      end(trailers) {
        hasEnded = true;
        // Before the connection goes to others: what node throws here must still reach this exchange.
        if (keeper === undefined) writer.end(trailers, finish);
        letGo();
        if (keeper !== undefined && settle())
          resolve({ kind: 'intercepted', status, bytesIn, answer: keeper.end() });
        return undefined;
      },
      upgraded: () => cut('error'),
    };

    response.on('close', onClientClose);
    // 'close' on the response tells the same, for requests with and without a body.
    if (request.listenerCount('error') === 0) request.on('error', ignore);
    unregister = plan.register?.(cut);
    if (timeouts.totalMs !== undefined) deadline = setTimeout(expire, timeouts.totalMs, 'the end');
    connection.use(user, { method: plan.method, upgrade: false });
    if (connection.isConnected()) arm(timeouts.headersMs, 'no answer');
    else arm(timeouts.connectMs, 'no connection');
    connection.socket.write(head, 'latin1');
    if (plan.framing.kind === 'none') return;
    watch = plan.watchUpload?.((error) => broken(error, 'client'));
    upload = startUpload(request, response, connection, plan, { sent, watch });
  });
}

function ignore(): void {}

/** Nothing of the request is lost, so it can be sent once more. */
function isRepeatable(plan: ForwardPlan): boolean {
  return plan.framing.kind === 'none' || plan.kept?.isWhole() === true;
}

/** Event streams may be silent as long as they like. */
function isEventStream({ raw }: ResponseHead): boolean {
  for (let at = 0; at < raw.length; at += 2) {
    const name = raw[at] as string;
    if (name.length === 12 && name.toLowerCase() === 'content-type')
      return /^text\/event-stream\b/i.test(raw[at + 1] as string);
  }
  return false;
}
