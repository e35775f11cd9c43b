import type { IncomingMessage, ServerResponse } from 'node:http';
import { passableTrailers, responseHeaders, type HeaderList } from './headers.ts';
import type { ResponseHead } from './response-head.ts';

/** Writes an upstream's answer to the client; a short one leaves together with its head. */
export interface AnswerWriter {
  /** Takes the head; it leaves with the first piece of the body, or with {@link flush}. */
  head(head: ResponseHead, fields: HeaderList): void;
  /** Returns false when the client is slower than the upstream. */
  body(piece: Buffer): boolean;
  /** Sends what was taken and not sent: a stream's head must not wait for its first event. */
  flush(): boolean;
  end(trailers: HeaderList, done: () => void): void;
}

/** Up to here a copy is cheaper than a second write. */
const ONE_WRITE_BYTES = 32 * 1024;

/**
 * Prepares the writing of one answer.
 *
 * @param response the client's answer, nothing written
 * @param dropTrailer tells by folded name which trailers go no further
 * @returns the writer
 */
export function createAnswerWriter(
  response: ServerResponse,
  dropTrailer?: (foldedName: string) => boolean,
): AnswerWriter {
  let head: ResponseHead | undefined;
  let fields: HeaderList = [];
  let first: Buffer | undefined;

  function writeHead(): void {
    if (head === undefined) return;
    response.writeHead(head.status, head.statusText, fields as string[]);
    head = undefined;
  }
  function flush(): boolean {
    if (head === undefined) return true;
    writeHead();
    const piece = first;
    first = undefined;
    if (piece !== undefined) return response.write(Buffer.from(piece));
    response.flushHeaders();
    return true;
  }

  return {
    head(given, passed) {
      head = given;
      fields = passed;
    },
    body(piece) {
      if (head !== undefined && first === undefined && piece.length <= ONE_WRITE_BYTES) {
        first = piece;
        return true;
      }
      flush();
      return response.write(Buffer.from(piece));
    },
    flush,
    end(trailers, done) {
      writeHead();
      if (trailers.length > 0) response.addTrailers(passableTrailers(trailers, dropTrailer));
      const piece = first;
      first = undefined;
      if (piece === undefined) response.end(done);
      // A string goes out in one write with the head; a buffer would be a second one.
      else response.end(piece.toString('latin1'), 'latin1', done);
    },
  };
}

/** RFC 9110 §8.6: a client that believed the length of a 204 would take the next answer for its body. */
function isUnfit(name: string, status: number, hasTrailers: boolean): boolean {
  if (name.length === 7) return !hasTrailers && name.toLowerCase() === 'trailer';
  return status === 204 && name.length === 14 && name.toLowerCase() === 'content-length';
}

/**
 * Leaves out what node would refuse to send with an answer, or a client misread.
 *
 * @param head of the answer
 * @param request for its version: only chunked bodies have trailers, and HTTP/1.0 has none
 * @param fields what is to be sent
 * @returns the same list where nothing is to be left out
 */
export function fitting(
  { status, body }: Pick<ResponseHead, 'status' | 'body'>,
  { httpVersion }: Pick<IncomingMessage, 'httpVersion'>,
  fields: HeaderList,
): HeaderList {
  const hasTrailers = body === 'chunked' && httpVersion === '1.1';
  for (let at = 0; at < fields.length; at += 2)
    if (isUnfit(fields[at] as string, status, hasTrailers))
      return fields.filter(
        (_, index) => !isUnfit(fields[index - (index % 2)] as string, status, hasTrailers),
      );
  return fields;
}

const isNoLink = (folded: string): boolean => folded !== 'link';

/**
 * Passes an interim answer on: its status and, of its fields, `Link` alone.
 *
 * @param request for its version: HTTP/1.0 knows no interim answers
 * @param response the client's answer, nothing written
 * @param head the interim answer; `100 Continue` is ours to give, and goes no further
 * @see RFC 9110 §15.2, RFC 8297 §2
 */
export function passInterim(
  request: IncomingMessage,
  response: ServerResponse,
  head: ResponseHead,
): void {
  // Without a socket it is not this answer's turn yet; an interim one may be left out.
  if (head.status === 100 || request.httpVersion !== '1.1' || response.socket === null) return;
  if (response.headersSent) return;
  const fields = responseHeaders(head.raw, { drop: isNoLink, add: [] });
  let text = `HTTP/1.1 ${head.status} ${head.statusText}\r\n`;
  for (let at = 0; at < fields.length; at += 2) text += `${fields[at]}: ${fields[at + 1]}\r\n`;
  response.socket.write(`${text}\r\n`, 'latin1');
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

/** Gathers an answer that the client does not see yet. */
export interface AnswerKeeper {
  /** @throws {Error} when it is too long to be kept */
  body(piece: Buffer): void;
  end(): KeptAnswer;
}

/**
 * Begins to keep an answer.
 *
 * @param head its head
 * @returns gathers its body
 */
export function keepAnswer(head: ResponseHead): AnswerKeeper {
  const pieces: Buffer[] = [];
  let bytes = 0;
  return {
    body(piece) {
      bytes += piece.length;
      if (bytes > KEPT_ANSWER_BYTES) throw new Error('a refusal that is too long');
      pieces.push(Buffer.from(piece));
    },
    end: () => ({
      status: head.status,
      statusMessage: head.statusText,
      raw: head.raw,
      body: Buffer.concat(pieces),
    }),
  };
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
  // Its body is sent whole, so that no trailers can follow.
  const passed = fitting({ status: kept.status, body: 0 }, response.req, fields);
  response.writeHead(kept.status, kept.statusMessage, passed as string[]);
  response.end(kept.body);
  return kept.body.length;
}
