import { createChunkedDecoder, type ChunkedDecoder } from './chunked-decoder.ts';
import type { HeaderList } from './headers.ts';
import { parseHead, ResponseError, type ResponseHead } from './response-head.ts';

/** What becomes of the bytes of an answer. All calls are made within {@link ResponseParser.push}. */
export interface ResponseReader {
  /** An interim answer (1xx, but not 101). */
  interim(head: ResponseHead): void;
  head(head: ResponseHead): void;
  /** The piece lies in a buffer that the next read overwrites: copy what is kept. */
  body(piece: Buffer): void;
  end(trailers: HeaderList): void;
  /** 101 was answered to a request that asked for it; these bytes belong to what follows. */
  upgraded(head: ResponseHead, early: Buffer): void;
}

/** What the answer is to. */
export interface ExpectedAnswer {
  readonly method: string;
  /** Whether the request asked for another protocol. */
  readonly upgrade: boolean;
}

/** Reads answers off one connection, strictly: what could be read in two ways is refused. */
export interface ResponseParser {
  /** Expects the answer to a request that is being sent. */
  expect(answer: ExpectedAnswer, reader: ResponseReader): void;
  /**
   * @param chunk what came
   * @throws {ResponseError} the connection must be destroyed
   */
  push(chunk: Buffer): void;
  /**
   * The upstream has ended the connection.
   *
   * @throws {ResponseError} in the middle of an answer
   */
  finish(): void;
  /** Whether bytes of the answer have come. */
  hasBegun(): boolean;
}

/** Far above any honest head. */
const MAX_HEAD_BYTES = 64 * 1024;
/** RFC 9110 §15.2 sets no bound; a flood of them would never end. */
const MAX_INTERIM = 32;
const NO_TRAILERS: HeaderList = [];
const NOTHING = Buffer.alloc(0);

/** `ended`: the answer is complete, and nothing more is expected. */
type State = 'head' | 'length' | 'chunked' | 'close' | 'ended';

/**
 * Makes the parser of a connection's answers.
 *
 * @returns a parser that expects nothing yet
 * @see RFC 9112 §4 to §8
 */
export function createResponseParser(): ResponseParser {
  let state: State = 'ended';
  let expected: ExpectedAnswer = { method: '', upgrade: false };
  let reader: ResponseReader | undefined;
  let pending: Buffer = NOTHING;
  let interims = 0;
  let left = 0;
  let begun = false;
  let chunked: ChunkedDecoder | undefined;

  function end(trailers: HeaderList): void {
    state = 'ended';
    const ending = reader;
    reader = undefined;
    ending?.end(trailers);
  }

  /** Returns where the head ended, or -1 while it goes on. */
  function takeHead(chunk: Buffer): number {
    const end = chunk.indexOf('\r\n\r\n', 0, 'latin1');
    if (end > MAX_HEAD_BYTES || (end < 0 && chunk.length > MAX_HEAD_BYTES + 3))
      throw new ResponseError('its head is too long');
    if (end >= 0) return end;
    const lf = chunk.indexOf(0x0a);
    // Who ends lines so will never send the end that is waited for.
    if (lf === 0 || (lf > 0 && chunk[lf - 1] !== 0x0d))
      throw new ResponseError('a line of its head ends without CR');
    // What is read lies in a buffer that the next read overwrites.
    pending = Buffer.from(chunk);
    return -1;
  }

  function begin(head: ResponseHead): void {
    const { body } = head;
    reader?.head(head);
    if (typeof body === 'string') {
      state = body;
      if (body === 'chunked') chunked = createChunkedDecoder();
    } else {
      left = body;
      state = 'length';
    }
  }

  /** Returns the bytes that follow the head. */
  function readHead(chunk: Buffer): Buffer | undefined {
    const whole = pending.length === 0 ? chunk : Buffer.concat([pending, chunk]);
    pending = NOTHING;
    const headEnd = takeHead(whole);
    if (headEnd < 0) return undefined;
    const head = parseHead(whole.toString('latin1', 0, headEnd), expected.method);
    const rest = whole.subarray(headEnd + 4);
    if (head.status === 101) {
      if (!expected.upgrade) throw new ResponseError('it switches protocols unasked');
      state = 'ended';
      const switching = reader;
      reader = undefined;
      switching?.upgraded(head, rest);
      return undefined;
    }
    if (head.status < 200) {
      interims += 1;
      if (interims > MAX_INTERIM) throw new ResponseError('it has too many interim answers');
      reader?.interim(head);
      return rest;
    }
    begin(head);
    return rest;
  }

  /** Returns how much of the chunk belonged to the body; beyond it is what nobody asked for. */
  function takeBody(chunk: Buffer): number {
    if (state === 'close') {
      reader?.body(chunk);
      return chunk.length;
    }
    if (state === 'chunked') {
      const decoder = chunked as ChunkedDecoder;
      const at = decoder.decode(chunk, 0, (piece) => reader?.body(piece));
      if (at < 0) return chunk.length;
      end(decoder.trailers());
      return at;
    }
    const taken = Math.min(left, chunk.length);
    left -= taken;
    if (taken > 0) reader?.body(taken === chunk.length ? chunk : chunk.subarray(0, taken));
    if (left === 0) end(NO_TRAILERS);
    return taken;
  }

  return {
    expect(answer, next) {
      expected = answer;
      reader = next;
      state = 'head';
      interims = 0;
      begun = false;
    },
    push(chunk) {
      let rest: Buffer | undefined = chunk;
      begun = true;
      while (state === 'head') {
        rest = readHead(rest);
        if (rest === undefined || (state === 'head' && rest.length === 0)) return;
      }
      if (state === 'ended') {
        if (rest.length > 0) throw new ResponseError('bytes follow the end of the answer');
        return;
      }
      // An answer without a body ends with its head.
      if (rest.length === 0 && !(state === 'length' && left === 0)) return;
      const taken = takeBody(rest);
      if (taken < rest.length) throw new ResponseError('bytes follow the end of the answer');
    },
    finish() {
      if (state === 'ended') return;
      if (state === 'close') end(NO_TRAILERS);
      else throw new ResponseError('the connection ended within the answer');
    },
    hasBegun: () => begun,
  };
}
