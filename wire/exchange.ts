import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Alarm, Waiter } from './alarm.ts';
import { fitting, keepAnswer, passInterim, AnswerWriter, type AnswerKeeper } from './answer.ts';
import type { Connection, ConnectionUser } from './connection.ts';
import { WireError } from './errors.ts';
import type {
  AnswerProblem,
  ClosedBy,
  Cuttable,
  ForwardPlan,
  ForwardResult,
  Registration,
  UploadWatch,
} from './forward-plan.ts';
import { isEventStream } from './event-stream.ts';
import type { HeaderList } from './headers.ts';
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
    // Before a connection is taken: what cannot be written must not cost one.
    const head = requestHead(plan.method, plan.path, plan.headers);
    const connection = plan.hop.pool.take(fresh ? 'fresh' : undefined);
    new Exchange(request, response, plan, connection, resolve, reject).begin(head);
  });
}

/** A class, where most of this code has functions: one is made for each request, and its methods are not. */
class Exchange implements ConnectionUser, Cuttable, Waiter {
  private readonly request: IncomingMessage;
  private readonly response: ServerResponse;
  private readonly plan: ForwardPlan;
  private readonly connection: Connection;
  private readonly resolve: (result: ForwardResult) => void;
  private readonly reject: (error: Error) => void;
  private readonly writer: AnswerWriter;
  /** The connection's: not to be touched once that may be at another's service. */
  private readonly alarm: Alarm;
  private upload: Upload | undefined = undefined;
  private watch: UploadWatch | undefined = undefined;
  private keeper: AnswerKeeper | undefined = undefined;
  private registration: Registration | undefined = undefined;
  private deadline: NodeJS.Timeout | undefined = undefined;
  /** Bounds how long a client may leave the rest of an ended answer unread. */
  private tail: NodeJS.Timeout | undefined = undefined;
  private keepMs = 0;
  private bytesIn = 0;
  private bytesOut = 0;
  private status = 0;
  private problem: AnswerProblem = 'upstream_protocol';
  private settled = false;
  private isQuiet = false;
  private isIdling = false;
  private isSlowClient = false;
  /** Whether the answer has: from then on the connection may be at another's service. */
  private hasEnded = false;

  constructor(
    request: IncomingMessage,
    response: ServerResponse,
    plan: ForwardPlan,
    connection: Connection,
    resolve: (result: ForwardResult) => void,
    reject: (error: Error) => void,
  ) {
    this.request = request;
    this.response = response;
    this.plan = plan;
    this.connection = connection;
    this.resolve = resolve;
    this.reject = reject;
    this.writer = new AnswerWriter(response, plan.dropAnswerTrailer);
    this.alarm = connection.alarm;
  }

  begin(head: string): void {
    const { connection, plan, request, response } = this;
    const { timeouts } = plan;
    response.on('close', this.onClientClose);
    this.registration = plan.register?.(this);
    if (timeouts.totalMs !== undefined)
      this.deadline = setTimeout(() => this.expire('the end'), timeouts.totalMs);
    connection.use(this, { method: plan.method, upgrade: false });
    if (connection.isConnected()) this.alarm.set(timeouts.headersMs, this, 'no answer');
    else this.alarm.set(timeouts.connectMs, this, 'no connection');
    connection.socket.write(head, 'latin1');
    if (plan.framing.kind === 'none') return;
    // 'close' on the response tells the same.
    if (request.listenerCount('error') === 0) request.on('error', ignore);
    this.watch = plan.watchUpload?.((error) => this.broken(error, 'client'));
    const sent = (bytes: number): void => this.sent(bytes);
    this.upload = startUpload(request, response, connection, plan, { sent, watch: this.watch });
  }

  hasBegun(): boolean {
    return this.response.headersSent;
  }

  /** Ends an exchange whose answer had begun, or whose client left: nothing more can be said. */
  cut(by: ClosedBy): void {
    if (!this.settle()) return;
    this.giveUp();
    cutAnswer(this.response);
    this.resolve(this.answered(by));
  }

  connected(): void {
    this.alarm.set(this.plan.timeouts.headersMs, this, 'no answer');
  }

  drained(): void {
    this.watch?.held(false);
    this.upload?.drained();
  }

  failed(error: Error): void {
    this.broken(error, 'upstream');
  }

  interim(interim: ResponseHead): void {
    this.alarm.postpone();
    passInterim(this.request, this.response, interim);
  }

  head(answer: ResponseHead): void {
    const { plan, request } = this;
    ({ status: this.status, keepAliveMs: this.keepMs } = answer);
    if (isRepeatable(plan) && plan.intercept?.(answer.status, answer.raw)) {
      this.upload?.stop();
      if (plan.framing.kind !== 'none') plan.kept?.hold(request);
      this.keeper = keepAnswer(answer);
      return;
    }
    plan.kept?.release();
    this.isQuiet = isEventStream(answer.raw);
    this.writer.head(answer, fitting(answer, request, plan.answer(answer.status, answer.raw)));
  }

  body(piece: Buffer): void {
    if (this.keeper !== undefined) return this.keeper.body(piece);
    this.bytesOut += piece.length;
    if (!this.writer.body(piece)) this.slowDown();
    return undefined;
  }

  flush(): void {
    if (this.settled || this.hasEnded || this.status === 0) return;
    if (this.isQuiet) this.alarm.clear();
    else if (this.isIdling) this.alarm.postpone();
    else this.alarm.set(this.plan.timeouts.idleMs, this, 'silence');
    this.isIdling = true;
    if (this.keeper === undefined && !this.writer.flush()) this.slowDown();
  }

  end(trailers: HeaderList): void {
    // Before the connection goes to others: what node throws here must still reach this exchange.
    if (this.keeper === undefined) this.writer.end(trailers);
    this.hasEnded = true;
    this.alarm.clear();
    this.letGo();
    if (this.keeper === undefined) {
      if (this.response.writableLength > 0) this.awaitClient();
    } else if (this.settle()) {
      const { bytesIn, status } = this;
      this.resolve({ kind: 'intercepted', status, bytesIn, answer: this.keeper.end() });
    }
  }

  expire(what: string): void {
    const { hasEnded, response } = this;
    const isClient = hasEnded || response.writableNeedDrain;
    // Behind another answer it can go no further, whoever is slow: that one's time is what counts.
    if (response.socket !== null || !isClient || what === 'the end')
      this.broken(new TimeoutError(what), isClient ? 'client' : 'upstream');
    else if (hasEnded) this.awaitClient();
    else this.alarm.set(this.plan.timeouts.idleMs, this, what);
  }

  upgraded(): void {
    this.cut('error');
  }

  private readonly onClientClose = (): void => {
    if (!this.response.writableFinished) this.cut('client');
    else if (this.settle()) this.resolve(this.answered());
  };

  private settle(): boolean {
    if (this.settled) return false;
    this.settled = true;
    if (!this.hasEnded) this.alarm.clear();
    if (this.deadline !== undefined) clearTimeout(this.deadline);
    if (this.tail !== undefined) clearTimeout(this.tail);
    this.registration?.end();
    this.watch?.end();
    return true;
  }

  private answered(cutBy?: ClosedBy): ForwardResult {
    const { status, bytesIn, bytesOut } = this;
    const answered = { kind: 'answered', status, bytesIn, bytesOut } as const;
    if (cutBy === undefined) return answered;
    return cutBy === 'upstream'
      ? { ...answered, cutBy, problem: this.problem }
      : { ...answered, cutBy };
  }

  private giveUp(): void {
    if (!this.hasEnded) this.connection.destroy();
  }

  private fail(error: Error): void {
    if (!this.settle()) return;
    const { connection, upload } = this;
    this.response.off('close', this.onClientClose);
    const stale = connection.isReused() && !connection.hasAnswered();
    const bodyRead = upload?.hasBegun() ?? false;
    // What was not read may be sent to another; of what was, the rest is of no use.
    if (bodyRead) upload?.discard();
    else upload?.stop();
    this.giveUp();
    this.reject(Object.assign(error, { stale, bodyRead, sent: connection.isConnected() }));
  }

  private broken(error: Error, by: ClosedBy): void {
    if (error instanceof TimeoutError) this.problem = 'upstream_timeout';
    if (this.response.headersSent) this.cut(by);
    else this.fail(error);
  }

  private awaitClient(): void {
    this.tail = setTimeout(() => this.expire('silence'), this.plan.timeouts.idleMs);
  }

  private slowDown(): void {
    const { socket } = this.connection;
    if (!this.isSlowClient)
      this.response.on('drain', () => {
        if (!this.hasEnded) socket.resume();
      });
    this.isSlowClient = true;
    socket.pause();
  }

  /** The connection is free for others once both bodies have ended. */
  private letGo(): void {
    if (this.upload?.isDone() ?? true) {
      this.plan.hop.pool.giveBack(this.connection, this.keepMs);
      return;
    }
    this.connection.destroy();
    if (this.keeper === undefined) this.upload?.discard();
  }

  private sent(bytes: number): void {
    this.bytesIn += bytes;
    streamed(bytes);
    // After the end the connection may be at another's service.
    if (!this.hasEnded) this.alarm.postpone();
    this.watch?.progress(bytes);
    const { maxBodyBytes } = this.plan;
    if (this.bytesIn > maxBodyBytes) this.broken(tooLarge(maxBodyBytes), 'relay');
  }
}

function ignore(): void {}

/** Nothing of the request is lost, so it can be sent once more. */
function isRepeatable(plan: ForwardPlan): boolean {
  return plan.framing.kind === 'none' || plan.kept?.isWhole() === true;
}
