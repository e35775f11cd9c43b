import { ServerResponse, type IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { ClosedBy, ForwardPlan, ForwardResult, Registration } from './forward-plan.ts';
import { fieldValues, type HeaderList } from './headers.ts';
import { hangUp } from './last-words.ts';
import { requestHead } from './request-head.ts';
import { TimeoutError, transportError } from './transport-error.ts';
import { keptRefusal, passedRefusal, type Refusal, type Traffic } from './tunnel-refusal.ts';
import { closeWebSocket, createFrameCursor, type FrameCursor } from './websocket-frames.ts';

/** For the other side's last words, once one has ended: a socket that is half open never closes by itself. */
const LAST_WORDS_MS = 5_000;

/**
 * Tells whether a request asks for a WebSocket; other upgrades are not tunnelled.
 *
 * @param request the client's request
 * @returns true for `Upgrade: websocket` alone, on a GET of HTTP/1.1
 * @see RFC 6455 §4.2.1, RFC 9110 §7.8
 */
export function isWebSocketUpgrade(request: IncomingMessage): boolean {
  if (request.method !== 'GET' || request.httpVersion !== '1.1') return false;
  const upgrade = fieldValues(request.rawHeaders, 'upgrade');
  return upgrade.length === 1 && upgrade[0]?.toLowerCase() === 'websocket';
}

/**
 * Tells whether an earlier request on a connection still waits for its answer. Whatever is written
 * meanwhile would be taken for that answer.
 *
 * @param request one that was pipelined behind it
 * @param socket their connection
 * @returns true while an answer is owed
 * @see RFC 9112 §9.3.2
 */
export function owesAnswer(request: IncomingMessage, socket: Duplex): boolean {
  const connection = socket as Parameters<ServerResponse['assignSocket']>[0];
  const probe = new ServerResponse(request);
  try {
    probe.assignSocket(connection);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_HTTP_SOCKET_ASSIGNED') throw error;
    return true;
  }
  probe.detachSocket(connection);
  return false;
}

/**
 * An answer on a connection that asked for an upgrade and does not get it.
 *
 * @param request the client's request
 * @param socket its connection
 * @returns a response that closes the connection when it ends
 */
export function responseOn(request: IncomingMessage, socket: Duplex): ServerResponse {
  const response = new ServerResponse(request);
  response.shouldKeepAlive = false;
  response.assignSocket(socket as Parameters<ServerResponse['assignSocket']>[0]);
  // Nobody else listens here: without this a reset would end the process.
  socket.on('error', () => socket.destroy());
  response.on('finish', () => socket.end(() => hangUp(socket)));
  return response;
}

/**
 * Joins a client's WebSocket to the upstream's. Bytes that the client sent before the switch are
 * discarded: they would reach the upstream unasked if it refused.
 *
 * @param request the upgrade request
 * @param socket the client's connection
 * @param plan what to send; `Connection` and `Upgrade` are added here
 * @returns how it ended, once both sides are closed; any status but 101 is the upstream's answer in
 *   place of the switch, which `intercept` may keep back
 * @throws {WireError} `upstream_*`, only while nothing was written to the client
 * @see RFC 6455 §4, CVE-2025-64763
 */
export function tunnel(
  request: IncomingMessage,
  socket: Duplex,
  plan: ForwardPlan,
): Promise<ForwardResult> {
  // A client may leave while its token is verified: its 'close' is past.
  if (socket.destroyed) {
    return Promise.resolve({
      kind: 'answered',
      status: 0,
      bytesIn: 0,
      bytesOut: 0,
      cutBy: 'client',
    });
  }
  return new Promise((resolve, reject) => {
    const fields = [...plan.headers, 'Connection', 'Upgrade', 'Upgrade', 'websocket'];
    const head = requestHead(plan.method, plan.path, fields);
    const connection = plan.hop.pool.take('tunnel');
    const traffic = { bytesIn: 0, bytesOut: 0 };
    const sent = createFrameCursor();
    let status = 0;
    let far: Duplex | undefined;
    let refusal: Refusal | undefined;
    let ended = false;
    let registration: Registration | undefined;
    const deadline = setTimeout(
      () => fail(new TimeoutError('no answer')),
      plan.timeouts.connectMs + plan.timeouts.headersMs,
    );
    const settle = (): boolean => {
      if (ended) return false;
      ended = true;
      clearTimeout(deadline);
      registration?.end();
      return true;
    };
    const end = (cutBy?: ClosedBy): void => {
      if (!settle()) return;
      connection.destroy();
      far?.destroy();
      if (status === 101 && (cutBy === 'expiry' || cutBy === 'revocation')) {
        closeWebSocket(socket, sent, 1008);
      } else if (status === 101 && cutBy === 'drain') closeWebSocket(socket, sent, 1001);
      else if (cutBy !== undefined) socket.destroy();
      resolve({ kind: 'answered', status, ...traffic, ...(cutBy === undefined ? {} : { cutBy }) });
    };
    const fail = (error: Error): void => {
      if (!settle()) return;
      const facts = { sent: connection.isConnected(), bodyRead: false };
      connection.destroy();
      reject(Object.assign(transportError(error), facts));
    };
    registration = plan.register?.({ hasBegun: () => status !== 0, cut: end });
    socket.on('close', () => end('client'));
    socket.on('error', () => end('client'));
    connection.use(
      {
        connected() {},
        drained() {},
        interim() {},
        flush: () => refusal?.flush(),
        failed: (error) => (refusal === undefined ? fail(error) : refusal.broken()),
        head(answer) {
          status = answer.status;
          if (plan.intercept?.(status, answer.raw)) {
            refusal = keptRefusal(answer, fail, (kept) => {
              if (settle()) resolve({ kind: 'intercepted', status, bytesIn: 0, answer: kept });
            });
            return;
          }
          clearTimeout(deadline);
          const response = responseOn(request, socket);
          const fields = plan.answer(status, answer.raw);
          refusal = passedRefusal(response, answer, fields, { traffic, connection, end });
        },
        body: (piece) => refusal?.body(piece),
        end(trailers) {
          connection.destroy();
          refusal?.end(trailers);
        },
        upgraded(answer, early) {
          clearTimeout(deadline);
          status = 101;
          far = connection.detach();
          socket.write(switching(answer.raw, plan));
          // What came with the answer is the first of what follows it.
          if (early.length > 0) far.unshift(early);
          join(socket, far, traffic, sent, end);
          far.resume();
        },
      },
      { method: plan.method, upgrade: true },
    );
    connection.socket.write(head, 'latin1');
  });
}

function switching(raw: HeaderList, plan: ForwardPlan): string {
  const fields = plan.answer(101, raw);
  const lines = ['HTTP/1.1 101 Switching Protocols', 'Connection: Upgrade', 'Upgrade: websocket'];
  for (let at = 0; at < fields.length; at += 2) {
    // An interim answer names no request: clients look for the id on final ones.
    if (fields[at] !== 'X-Request-Id') lines.push(`${fields[at]}: ${fields[at + 1]}`);
  }
  return `${lines.join('\r\n')}\r\n\r\n`;
}

function join(
  client: Duplex,
  upstream: Duplex,
  traffic: Traffic,
  sent: FrameCursor,
  end: (cutBy?: ClosedBy) => void,
): void {
  let endedFirst: ClosedBy | undefined;
  const endSoon = (by: ClosedBy): void => {
    const timer = setTimeout(() => end(by), LAST_WORDS_MS).unref();
    client.once('close', () => clearTimeout(timer));
  };
  pump(client, upstream, (chunk) => (traffic.bytesIn += chunk.length));
  onEnd(client, () => {
    endedFirst ??= 'client';
    upstream.end();
    endSoon('client');
  });
  pump(upstream, client, (chunk) => {
    traffic.bytesOut += chunk.length;
    sent.pass(chunk);
  });
  onEnd(upstream, () => {
    endedFirst ??= 'upstream';
    // A slow client may take all the time it needs for what was sent to it.
    client.end(() => endSoon('upstream'));
  });
  upstream.on('error', () => end('upstream'));
  // What the upstream sent last must still reach the client: its end follows by the pump.
  upstream.on('close', () => {
    const by = endedFirst ?? 'upstream';
    if (client.writableFinished || client.destroyed) end(by);
    else client.end(() => end(by));
  });
}

function pump(from: Duplex, to: Duplex, pass: (chunk: Buffer) => void): void {
  from.on('data', (chunk: Buffer) => {
    pass(chunk);
    if (!to.write(chunk)) from.pause();
  });
  to.on('drain', () => from.resume());
}

function onEnd(socket: Duplex, ended: () => void): void {
  // It may have ended before it was joined.
  if (socket.readableEnded) ended();
  else socket.on('end', ended);
}
