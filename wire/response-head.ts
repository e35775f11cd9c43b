import type { HeaderList } from './headers.ts';

/** What an upstream sent that is not HTTP/1.1 to the letter; its connection is of no more use. */
export class ResponseError extends Error {
  readonly code = 'ERR_LATCHKEY_RESPONSE';
}

/** How an answer's body is delimited. */
export type BodyLength = number | 'chunked' | 'close';

/** The head of an answer, taken apart. */
export interface ResponseHead {
  readonly status: number;
  readonly statusText: string;
  /** Fields as received, order and duplicates kept, values without the space around them. */
  readonly raw: HeaderList;
  /** 0 where the status or the method leave no room for a body. */
  readonly body: BodyLength;
  /** How long the connection may rest before its next request, ms; 0 when it may have none. */
  readonly keepAliveMs: number;
}

const MAX_FIELDS = 500;
const DEFAULT_KEEP_ALIVE_MS = 60_000;
/** So that our next request does not cross the upstream's goodbye. */
const KEEP_ALIVE_MARGIN_MS = 1_000;
const STATUS_LINE = /^HTTP\/1\.([01]) ([1-5][0-9]{2})(?: ([\t\x20-\x7e\x80-\xff]*))?$/;
/** RFC 9110 §5.6.2. */
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
/** What no field may hold: controls, and CR or LF by themselves. */
// oxlint-disable-next-line no-control-regex -- control characters are what it looks for
const NOT_IN_FIELDS = /[\0-\x08\x0b\x0c\x0e-\x1f\x7f]|\r(?!\n)|(?<!\r)\n/;
const KNOWN_NAMES = 1_000;
/** Names that were found to be tokens: an API's answers repeat a dozen. */
const tokens = new Set<string>();
const KEEP_ALIVE_TIMEOUT = /(?:^|[\s,])timeout=([0-9]{1,6})(?:$|[\s,;])/i;

const isSpace = (code: number): boolean => code === 0x20 || code === 0x09;

/** RFC 9112 §5.1: the space around a value is not part of it. */
function trimmed(text: string, from: number, to: number): string {
  let start = from;
  let end = to;
  while (start < end && isSpace(text.charCodeAt(start))) start += 1;
  while (end > start && isSpace(text.charCodeAt(end - 1))) end -= 1;
  return text.slice(start, end);
}

function checkName(name: string): void {
  if (tokens.has(name)) return;
  if (!TOKEN.test(name)) throw new ResponseError('a field name is not a token');
  if (tokens.size >= KNOWN_NAMES) tokens.clear();
  if (name.length <= 64) tokens.add(name);
}

/**
 * Reads a block of field lines: a head's or a trailer's.
 *
 * @param text the lines as latin1, joined by CRLF; where the first one begins
 * @param from where the first line begins
 * @returns names and values in turn
 * @throws {ResponseError} bare CR or LF, obs-fold, a space before the colon, names that are no tokens
 * @see RFC 9112 §5
 */
export function parseFields(text: string, from: number): string[] {
  const raw: string[] = [];
  // Once for all of them, and before any is looked at.
  if (NOT_IN_FIELDS.test(text))
    throw new ResponseError('a field holds a control, or a bare CR or LF');
  for (let at = from; at < text.length;) {
    const found = text.indexOf('\r\n', at);
    const end = found < 0 ? text.length : found;
    const colon = text.indexOf(':', at);
    if (colon < 0 || colon >= end) throw new ResponseError('a field line has no colon');
    const name = text.slice(at, colon);
    checkName(name);
    raw.push(name, trimmed(text, colon + 1, end));
    if (raw.length > 2 * MAX_FIELDS) throw new ResponseError('there are too many fields');
    at = end + 2;
  }
  return raw;
}

interface Seen {
  length: string | undefined;
  encoding: string | undefined;
  connection: string;
  keepAlive: string;
}

function once(before: string | undefined, value: string, name: string): string {
  if (before !== undefined) throw new ResponseError(`there are two ${name} fields`);
  return value;
}

/** Looks only at names that can be the ones sought: it spares lower-casing the rest. */
function read(raw: HeaderList): Seen {
  const seen: Seen = { length: undefined, encoding: undefined, connection: '', keepAlive: '' };
  for (let at = 0; at < raw.length; at += 2) {
    const name = raw[at] as string;
    const value = raw[at + 1] as string;
    switch (name.length) {
      case 10: {
        const lower = name.toLowerCase();
        if (lower === 'connection') seen.connection += `${value.toLowerCase()},`;
        else if (lower === 'keep-alive') seen.keepAlive = value;
        break;
      }
      case 14:
        if (name.toLowerCase() === 'content-length')
          seen.length = once(seen.length, value, 'Content-Length');
        break;
      case 17:
        if (name.toLowerCase() === 'transfer-encoding')
          seen.encoding = once(seen.encoding, value, 'Transfer-Encoding');
        break;
      default:
    }
  }
  return seen;
}

/** RFC 9112 §6.3, without any of its leniency. */
function bodyLength(seen: Seen, minor: string): BodyLength {
  const { length, encoding } = seen;
  if (encoding !== undefined) {
    if (length !== undefined)
      throw new ResponseError('it has both Content-Length and Transfer-Encoding');
    if (encoding.toLowerCase() !== 'chunked')
      throw new ResponseError('its Transfer-Encoding is not chunked');
    if (minor === '0') throw new ResponseError('HTTP/1.0 knows no Transfer-Encoding');
    return 'chunked';
  }
  if (length === undefined) return 'close';
  if (!/^[0-9]{1,15}$/.test(length)) throw new ResponseError('its Content-Length is not a number');
  return Number(length);
}

function keepAliveMs(seen: Seen, minor: string): number {
  if (minor === '0' || /(?:^|[\s,])close(?:$|[\s,])/.test(seen.connection)) return 0;
  const seconds = KEEP_ALIVE_TIMEOUT.exec(seen.keepAlive)?.[1];
  if (seconds === undefined) return DEFAULT_KEEP_ALIVE_MS;
  return Math.max(
    0,
    Math.min(Number(seconds) * 1000 - KEEP_ALIVE_MARGIN_MS, DEFAULT_KEEP_ALIVE_MS),
  );
}

function readLines(text: string) {
  const end = text.indexOf('\r\n');
  const line = STATUS_LINE.exec(end < 0 ? text : text.slice(0, end));
  if (line === null) throw new ResponseError('its status line is not one of HTTP/1');
  const [, minor = '', digits = '', statusText = ''] = line;
  const raw = end < 0 ? [] : parseFields(text, end + 2);
  return { minor, status: Number(digits), statusText, raw };
}

/**
 * Reads the head of an answer.
 *
 * @param text status line and fields as latin1, without the empty line that ends them
 * @param method of the request that it answers
 * @returns the head; 1xx are without a body
 * @throws {ResponseError} whatever is not HTTP/1.1 to the letter, or may be read in two ways
 * @see RFC 9112 §4, §6.3
 */
export function parseHead(text: string, method: string): ResponseHead {
  const { status, statusText, minor, raw } = readLines(text);
  const seen = read(raw);
  const announced = bodyLength(seen, minor);
  const keep = keepAliveMs(seen, minor);
  const isBodiless = status < 200 || status === 204 || status === 304 || method === 'HEAD';
  if (!isBodiless) {
    return {
      status,
      statusText,
      raw,
      body: announced,
      keepAliveMs: announced === 'close' ? 0 : keep,
    };
  }
  // RFC 9110 §8.6, RFC 9112 §6.1: with these no length may be told, so whoever tells one may also send it.
  const isLying = (status < 200 || status === 204) && announced !== 'close' && announced !== 0;
  return { status, statusText, raw, body: 0, keepAliveMs: isLying ? 0 : keep };
}
