import type http from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Framing } from './framing.ts';
import { passableTrailers, type HeaderList } from './headers.ts';
import type { KeptBody } from './kept-body.ts';

/**
 * Streams the client's body to the upstream, trailers included, at the upstream's pace. What an earlier
 * try has sent already goes first.
 *
 * @param request the client's request
 * @param response the client's answer, for `100 Continue`
 * @param upstream the request to the next hop
 * @param framing how the body is delimited; `none` ends the request at once
 * @param progress told of each chunk's length before it is sent
 * @param kept keeps what is sent, for another try
 * @returns stops sending; the request is paused and nothing of it is lost
 */
export function sendBody(
  request: IncomingMessage,
  response: ServerResponse,
  upstream: http.ClientRequest,
  framing: Framing,
  progress: (bytes: number) => void,
  kept?: KeptBody,
): () => void {
  if (framing.kind === 'none') {
    upstream.end();
    return () => {};
  }
  // RFC 9110 §10.1.1: only now is it decided that the body is wanted; a body that flowed has been asked for.
  if (request.readableFlowing === null && /^100-continue$/i.test(request.headers.expect ?? '')) {
    response.writeContinue();
  }
  const onData = (chunk: Buffer): void => {
    progress(chunk.length);
    kept?.keep(chunk);
    // An upstream that has answered may stop reading; the rest of the upload is read and dropped.
    if (upstream.destroyed || upstream.writableEnded) return;
    if (!upstream.write(chunk)) request.pause();
  };
  const onEnd = (): void => {
    if (upstream.destroyed) return;
    const trailers = passableTrailers(request.rawTrailers);
    if (trailers.length > 0) upstream.addTrailers(trailers);
    upstream.end();
  };
  const goOn = (): void => void request.resume();
  kept?.proceed();
  const before = kept?.bytes();
  if (before !== undefined && before.length > 0) {
    progress(before.length);
    upstream.write(before);
  }
  if (request.readableEnded) {
    onEnd();
    return () => {};
  }
  request.on('data', onData);
  upstream.on('drain', goOn);
  upstream.on('close', goOn);
  request.on('end', onEnd);
  request.resume();
  return () => {
    request.off('data', onData);
    request.off('end', onEnd);
    upstream.off('drain', goOn);
    upstream.off('close', goOn);
    request.pause();
  };
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

/** An answer that was kept from the client, whole. */
export interface KeptAnswer {
  readonly status: number;
  readonly statusMessage: string;
  readonly raw: HeaderList;
  readonly body: Buffer;
}

/** Refusals are short; this is far above any. */
const KEPT_ANSWER_BYTES = 64 * 1024;

/**
 * Reads an answer that the client does not see yet.
 *
 * @param answer the upstream's answer
 * @param broken told when it breaks, or is too long to be kept
 * @param finish gets the whole answer
 */
export function keepAnswer(
  answer: IncomingMessage,
  broken: (error: Error) => void,
  finish: (kept: KeptAnswer) => void,
): void {
  const chunks: Buffer[] = [];
  let bytes = 0;
  answer.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > KEPT_ANSWER_BYTES) broken(new Error('a refusal that is too long'));
    else chunks.push(chunk);
  });
  answer.on('error', broken);
  answer.on('aborted', () => broken(new Error('truncated')));
  answer.on('end', () => {
    if (!answer.complete) return;
    finish({
      status: answer.statusCode as number,
      statusMessage: answer.statusMessage as string,
      raw: answer.rawHeaders,
      body: Buffer.concat(chunks),
    });
  });
}

/**
 * Gives a kept answer to the client after all.
 *
 * @param response the client's answer, nothing written
 * @param kept what the upstream answered
 * @param fields the fields to send
 * @returns the body's length in bytes
 */
export function sendKeptAnswer(
  response: ServerResponse,
  kept: KeptAnswer,
  fields: HeaderList,
): number {
  response.writeHead(kept.status, kept.statusMessage, fields as string[]);
  response.end(kept.body);
  return kept.body.length;
}
