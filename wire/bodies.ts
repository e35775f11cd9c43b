import type http from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Framing } from './framing.ts';
import { passableTrailers, type HeaderList } from './headers.ts';

/**
 * Streams the client's body to the upstream, trailers included, at the upstream's pace.
 *
 * @param request the client's request
 * @param response the client's answer, for `100 Continue`
 * @param upstream the request to the next hop
 * @param framing how the body is delimited; `none` ends the request at once
 * @param progress told of each chunk's length before it is sent
 */
export function sendBody(
  request: IncomingMessage,
  response: ServerResponse,
  upstream: http.ClientRequest,
  framing: Framing,
  progress: (bytes: number) => void,
): void {
  if (framing.kind === 'none') {
    upstream.end();
    return;
  }
  // RFC 9110 §10.1.1: only now is it decided that the body is wanted.
  if (/^100-continue$/i.test(request.headers.expect ?? '')) response.writeContinue();
  request.on('data', (chunk: Buffer) => {
    progress(chunk.length);
    // An upstream that has answered may stop reading; the rest of the upload is read and dropped.
    if (upstream.destroyed || upstream.writableEnded) return;
    if (!upstream.write(chunk)) request.pause();
  });
  upstream.on('drain', () => request.resume());
  upstream.on('close', () => request.resume());
  request.on('end', () => {
    if (upstream.destroyed) return;
    const trailers = passableTrailers(request.rawTrailers);
    if (trailers.length > 0) upstream.addTrailers(trailers);
    upstream.end();
  });
}

/** What the exchange wants to know of an answer. */
interface AnswerEvents {
  readonly progress: (bytes: number) => void;
  readonly broken: (error: Error) => void;
  readonly finish: () => void;
}

/**
 * Streams the upstream's answer to the client, trailers included, at the client's pace.
 *
 * @param answer the upstream's answer
 * @param response the client's answer, nothing written
 * @param fields builds the fields to send
 * @param events told of progress, of a break and of the end
 */
export function sendAnswer(
  answer: IncomingMessage,
  response: ServerResponse,
  fields: (status: number, raw: HeaderList) => HeaderList,
  events: AnswerEvents,
): void {
  const status = answer.statusCode as number;
  response.writeHead(status, answer.statusMessage, fields(status, answer.rawHeaders) as string[]);
  // A stream's head must not wait for its first event; a quick answer goes out with its head.
  const flush = setImmediate(() => response.flushHeaders());
  answer.on('data', (chunk: Buffer) => {
    clearImmediate(flush);
    events.progress(chunk.length);
    if (!response.write(chunk)) answer.pause();
  });
  response.on('drain', () => answer.resume());
  answer.on('error', events.broken);
  answer.on('aborted', () => events.broken(new Error('truncated')));
  answer.on('end', () => {
    clearImmediate(flush);
    if (!answer.complete) return;
    const trailers = passableTrailers(answer.rawTrailers);
    if (trailers.length > 0) response.addTrailers(trailers);
    response.end(events.finish);
  });
}
