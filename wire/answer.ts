import type { IncomingMessage, ServerResponse } from 'node:http';
import { passableTrailers, responseHeaders, type HeaderList } from './headers.ts';
import { withCopy } from './copies.ts';
import type { ResponseHead } from './response-head.ts';

/** Up to here a copy is cheaper than a second write. */
const ONE_WRITE_BYTES = 32 * 1024;

/** Writes an upstream's answer to the client; a short one leaves together with its head. */
export class AnswerWriter {
  private readonly response: ServerResponse;
  private readonly dropTrailer: ((foldedName: string) => boolean) | undefined;
  private taken: ResponseHead | undefined = undefined;
  private fields: HeaderList = [];
  private first: Buffer | undefined = undefined;

  /**
   * @param response the client's answer, nothing written
   * @param dropTrailer tells by folded name which trailers go no further
   */
  constructor(response: ServerResponse, dropTrailer?: (foldedName: string) => boolean) {
    this.response = response;
    this.dropTrailer = dropTrailer;
  }

  /** Takes the head; it leaves with the first piece of the body, or with {@link flush}. */
  head(head: ResponseHead, fields: HeaderList): void {
    this.taken = head;
    this.fields = fields;
  }

  /** Returns false when the client is slower than the upstream. */
  body(piece: Buffer): boolean {
    if (this.taken !== undefined && this.first === undefined && piece.length <= ONE_WRITE_BYTES) {
      this.first = piece;
      return true;
    }
    this.flush();
    return this.write(piece);
  }

  /** Sends what was taken and not sent: a stream's head must not wait for its first event. */
  flush(): boolean {
    if (this.taken === undefined) return true;
    this.writeHead();
    const piece = this.first;
    this.first = undefined;
    if (piece !== undefined) return this.write(piece);
    this.response.flushHeaders();
    return true;
  }

  end(trailers: HeaderList): void {
    const { first, response } = this;
    this.writeHead();
    if (trailers.length > 0) response.addTrailers(passableTrailers(trailers, this.dropTrailer));
    this.first = undefined;
    if (first === undefined) response.end();
    // A string goes out in one write with the head; a buffer would be a second one.
    else response.end(first.toString('latin1'), 'latin1');
  }

  private write(piece: Buffer): boolean {
    return withCopy(piece, (copy, done) => this.response.write(copy, done));
  }

  private writeHead(): void {
    const head = this.taken;
    if (head === undefined) return;
    this.response.writeHead(head.status, head.statusText, this.fields as string[]);
    this.taken = undefined;
  }
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
