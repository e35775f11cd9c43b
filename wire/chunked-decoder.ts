import { parseFields, ResponseError } from './response-head.ts';
import type { HeaderList } from './headers.ts';

/** Takes the chunked framing off a body. */
export interface ChunkedDecoder {
  /**
   * @param chunk what came
   * @param from where in it to go on
   * @param body told of each piece of the body, without its framing
   * @returns where the message ended, or -1 while it goes on
   * @throws {ResponseError} whatever is not chunked coding to the letter
   */
  decode(chunk: Buffer, from: number, body: (piece: Buffer) => void): number;
  /** The trailer fields, once it has ended. */
  trailers(): HeaderList;
}

const CR = 0x0d;
const LF = 0x0a;
/** A size line with its extensions; they are skipped, so long ones only cost. */
const MAX_LINE_BYTES = 1024;
const MAX_TRAILER_BYTES = 16 * 1024;
/** RFC 9112 §7.1; 13 digits stay within the integers of a double. */
const SIZE_LINE = /^([0-9a-fA-F]{1,13})(?:[\t ]*;[\t\x20-\x7e\x80-\xff]*)?$/;

/** What the bytes at hand belong to. */
type State = 'size' | 'data' | 'data-end' | 'trailers';

/**
 * Makes the decoder for one body.
 *
 * @returns a decoder at the body's first byte
 * @see RFC 9112 §7.1
 */
export function createChunkedDecoder(): ChunkedDecoder {
  let state: State = 'size';
  let left = 0;
  let line = '';
  let trailerBytes = 0;
  let trailerLines = '';
  let trailers: HeaderList = [];

  /** Adds to the line begun; returns where the next begins, or -1 when its end is not there yet. */
  function readLine(chunk: Buffer, from: number): number {
    const end = chunk.indexOf(LF, from);
    line += chunk.toString('latin1', from, end < 0 ? chunk.length : end + 1);
    if (line.length > MAX_LINE_BYTES && state === 'size')
      throw new ResponseError('a chunk extension is too long');
    if (state === 'trailers' && trailerBytes + line.length > MAX_TRAILER_BYTES)
      throw new ResponseError('the trailers are too long');
    if (end < 0) return -1;
    if (!line.endsWith('\r\n')) throw new ResponseError('a line of a chunked body ends without CR');
    return end + 1;
  }

  function takeSize(): void {
    const size = SIZE_LINE.exec(line.slice(0, -2))?.[1];
    if (size === undefined) throw new ResponseError('a chunk size is not a number');
    left = Number.parseInt(size, 16);
    state = left === 0 ? 'trailers' : 'data';
    line = '';
  }

  /** Returns whether the message is over. */
  function takeTrailer(): boolean {
    const isLast = line === '\r\n';
    trailerBytes += line.length;
    if (trailerBytes > MAX_TRAILER_BYTES) throw new ResponseError('the trailers are too long');
    if (!isLast) trailerLines += line;
    line = '';
    if (isLast) trailers = parseFields(trailerLines.slice(0, -2), 0);
    return isLast;
  }

  /** CRLF after the data; it may come in two pieces. */
  function takeDataEnd(chunk: Buffer, from: number): number {
    const wanted = line === '' ? CR : LF;
    if (chunk[from] !== wanted) throw new ResponseError('a chunk is longer than its size');
    if (wanted === CR) line = '\r';
    else {
      line = '';
      state = 'size';
    }
    return from + 1;
  }

  function takeData(chunk: Buffer, from: number, body: (piece: Buffer) => void): number {
    const end = Math.min(chunk.length, from + left);
    left -= end - from;
    body(chunk.subarray(from, end));
    if (left === 0) state = 'data-end';
    return end;
  }

  return {
    decode(chunk, from, body) {
      let at = from;
      while (at < chunk.length) {
        if (state === 'data') at = takeData(chunk, at, body);
        else if (state === 'data-end') at = takeDataEnd(chunk, at);
        else {
          at = readLine(chunk, at);
          if (at < 0) return -1;
          if (state === 'size') takeSize();
          else if (takeTrailer()) return at;
        }
      }
      return -1;
    },
    trailers: () => trailers,
  };
}
