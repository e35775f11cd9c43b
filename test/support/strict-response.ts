/** What an answer is to, and whether its connection ended behind the bytes at hand. */
export interface StrictQuestion {
  readonly method: string;
  readonly upgrade: boolean;
  readonly closed: boolean;
}

/** A head as RFC 9112 has it. */
export interface StrictHead {
  readonly status: number;
  readonly reason: string;
  /** Names and values in turn. */
  readonly fields: readonly string[];
  /** Whether another request may follow on the connection. */
  readonly reusable: boolean;
}

/** What the bytes are; latin1 throughout. */
export type StrictReading =
  | {
      readonly kind: 'complete';
      readonly interims: readonly StrictHead[];
      readonly head: StrictHead;
      readonly body: string;
      readonly trailers: readonly string[];
      /** How many bytes belong to it. */
      readonly used: number;
    }
  | {
      readonly kind: 'switched';
      readonly interims: readonly StrictHead[];
      readonly head: StrictHead;
      readonly tunnel: string;
    }
  | { readonly kind: 'refused'; readonly why: string }
  | { readonly kind: 'partial' };

type Framing =
  | { readonly kind: 'length'; readonly bytes: number }
  | { readonly kind: 'chunked' }
  | { readonly kind: 'close' };
type Part<T> = T | string | undefined;

const MAX_HEAD = 65_536;
const MAX_SIZE_LINE = 1024;
const MAX_TRAILERS = 16_384;
const MAX_FIELDS = 500;
const MAX_INTERIMS = 32;
const TCHAR = new Set(
  "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ",
);
const HEX = new Set('0123456789abcdefABCDEF');
const DIGITS = new Set('0123456789');

const consistsOf = (text: string, of: ReadonlySet<string>): boolean =>
  text !== '' && text.split('').every((char) => of.has(char));

/** HTAB, SP, VCHAR, obs-text: all that a line may hold. */
function isPlain(line: string): boolean {
  for (let at = 0; at < line.length; at++) {
    const code = line.charCodeAt(at);
    if ((code < 0x20 && code !== 9) || code === 0x7f) return false;
  }
  return true;
}

function stripped(text: string): string {
  let [from, to] = [0, text.length];
  while (from < to && (text[from] === ' ' || text[from] === '\t')) from += 1;
  while (to > from && (text[to - 1] === ' ' || text[to - 1] === '\t')) to -= 1;
  return text.slice(from, to);
}

/** Returns why not, as a string. */
function readFields(lines: readonly string[]): readonly string[] | string {
  const fields: string[] = [];
  for (const line of lines) {
    const [name = ''] = line.split(':', 1);
    if (!isPlain(line)) return 'a control in a field line';
    if (name === line || !consistsOf(name, TCHAR)) return 'no field name';
    fields.push(name, stripped(line.slice(name.length + 1)));
  }
  return lines.length > MAX_FIELDS ? 'too many fields' : fields;
}

function valuesOf(fields: readonly string[], name: string): string[] {
  return fields.filter((_, at) => at % 2 === 1 && fields[at - 1]?.toLowerCase() === name);
}

function readFraming(fields: readonly string[], version: string): Framing | string {
  const lengths = valuesOf(fields, 'content-length');
  const encodings = valuesOf(fields, 'transfer-encoding');
  if (lengths.length + encodings.length > 1) return 'framed twice';
  const [length] = lengths;
  const [encoding] = encodings;
  if (encoding !== undefined)
    return encoding.toLowerCase() === 'chunked' && version === '1.1'
      ? { kind: 'chunked' }
      : 'odd encoding';
  if (length === undefined) return { kind: 'close' };
  return length.length <= 15 && consistsOf(length, DIGITS)
    ? { kind: 'length', bytes: Number.parseInt(length, 10) }
    : 'odd length';
}

interface ReadHead {
  readonly head: StrictHead;
  readonly framing: Framing;
  readonly end: number;
}

interface StatusLine {
  readonly version: string;
  readonly status: number;
  readonly reason: string;
}

function readStatusLine(line: string): StatusLine | string {
  const version = line.slice(5, 8);
  const digits = line.slice(9, 12);
  if (!line.startsWith('HTTP/') || !['1.0', '1.1'].includes(version)) return 'no status line';
  if (line[8] !== ' ' || !isPlain(line)) return 'no status line';
  if (line.length > 12 && line[12] !== ' ') return 'no reason';
  const status = digits.length === 3 && consistsOf(digits, DIGITS) ? Number(digits) : 0;
  if (status < 100 || status > 599) return 'no status';
  return { version, status, reason: line.slice(13) };
}

/** Who tells a length where none may be told may also send it. */
function isReusable(version: string, fields: readonly string[], told: Framing, isBare: boolean) {
  const tokens = valuesOf(fields, 'connection').flatMap((value) => value.split(','));
  const isClosing = tokens.some((token) => stripped(token).toLowerCase() === 'close');
  const isNone = told.kind === 'close' || (told.kind === 'length' && told.bytes === 0);
  return version === '1.1' && !isClosing && (!isBare || isNone);
}

function readHead(text: string, from: number, method: string): Part<ReadHead> {
  const end = text.indexOf('\r\n\r\n', from);
  // What has come may lack the last three bytes of the empty line.
  if (end < 0) return text.length - from > MAX_HEAD + 3 ? 'endless head' : undefined;
  if (end - from > MAX_HEAD) return 'long head';
  const [first = '', ...lines] = text.slice(from, end).split('\r\n');
  const line = readStatusLine(first);
  if (typeof line === 'string') return line;
  const fields = readFields(lines);
  if (typeof fields === 'string') return fields;
  const { version, status, reason } = line;
  const told = readFraming(fields, version);
  if (typeof told === 'string') return told;
  const isBare = status < 200 || status === 204;
  const isBodiless = isBare || status === 304 || method === 'HEAD';
  const framing: Framing = isBodiless ? { kind: 'length', bytes: 0 } : told;
  const reusable = isReusable(version, fields, told, isBare) && framing.kind !== 'close';
  return { head: { status, reason, fields, reusable }, framing, end: end + 4 };
}

interface Body {
  readonly body: string;
  readonly trailers: readonly string[];
  readonly used: number;
}

function readTrailers(text: string, from: number, body: string): Part<Body> {
  if (text.startsWith('\r\n', from)) return { body, trailers: [], used: from + 2 };
  const end = text.indexOf('\r\n\r\n', from);
  if ((end < 0 ? text.length : end + 4) - from > MAX_TRAILERS) return 'long trailers';
  if (end < 0) return undefined;
  const trailers = readFields(text.slice(from, end).split('\r\n'));
  return typeof trailers === 'string' ? trailers : { body, trailers, used: end + 4 };
}

/** Returns how long the chunk is. */
function readSize(line: string): number | undefined {
  let digits = 0;
  while (HEX.has(line[digits] ?? '')) digits += 1;
  const extension = stripped(line.slice(digits));
  const isSize = digits > 0 && digits <= 13 && isPlain(line);
  if (!isSize || (digits < line.length && extension[0] !== ';')) return undefined;
  return Number.parseInt(line.slice(0, digits), 16);
}

function readChunks(text: string, from: number): Part<Body> {
  let body = '';
  for (let at = from; ;) {
    const end = text.indexOf('\r\n', at);
    if ((end < 0 ? text.length : end + 2) - at > MAX_SIZE_LINE) return 'long size line';
    if (end < 0) return undefined;
    const size = readSize(text.slice(at, end));
    if (size === undefined) return 'no chunk size';
    at = end + 2;
    if (size === 0) return readTrailers(text, at, body);
    body += text.slice(at, at + size);
    const behind = text.slice(at + size, at + size + 2);
    if (!'\r\n'.startsWith(behind)) return 'no line end behind a chunk';
    if (behind.length < 2) return undefined;
    at += size + 2;
  }
}

function readBody(text: string, from: number, framing: Framing, closed: boolean): Part<Body> {
  if (framing.kind === 'chunked') return readChunks(text, from);
  if (framing.kind === 'close')
    return closed ? { body: text.slice(from), trailers: [], used: text.length } : undefined;
  const used = from + framing.bytes;
  return used > text.length ? undefined : { body: text.slice(from, used), trailers: [], used };
}

const unread = (why: string | undefined): StrictReading =>
  why === undefined ? { kind: 'partial' } : { kind: 'refused', why };

/**
 * Reads an answer at leisure, all of its bytes at hand; shares no line with the reader on the wire.
 *
 * @param text latin1
 * @param question what it is to
 * @returns what the bytes are
 * @see RFC 9112 §4 to §7, without any of its leniency
 */
export function readStrictly(text: string, question: StrictQuestion): StrictReading {
  const interims: StrictHead[] = [];
  for (let at = 0; ;) {
    const read = readHead(text, at, question.method);
    if (read === undefined || typeof read === 'string') return unread(read);
    const { head, framing, end } = read;
    if (head.status === 101)
      return question.upgrade
        ? { kind: 'switched', interims, head, tunnel: text.slice(end) }
        : { kind: 'refused', why: 'switched unasked' };
    if (head.status >= 200) {
      const body = readBody(text, end, framing, question.closed);
      if (body === undefined || typeof body === 'string') return unread(body);
      return { kind: 'complete', interims, head, ...body };
    }
    interims.push(head);
    if (interims.length > MAX_INTERIMS) return { kind: 'refused', why: 'a flood of interims' };
    at = end;
  }
}
