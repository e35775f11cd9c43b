import * as fc from 'fast-check';
import { framed, newline, type Framed } from './fuzz-framing.ts';
import { mostly } from './fuzz-mostly.ts';
import { mutation, type Mutation } from './fuzz-mutation.ts';

/** What an upstream sends, and to what. */
export interface FuzzAnswer {
  readonly text: string;
  readonly method: string;
  readonly upgrade: boolean;
  /** Whether it ends the connection behind it. */
  readonly closed: boolean;
  /** Where it is cut, in bytes; taken modulo its length. */
  readonly cuts: readonly number[];
}

/** Stands for what tells one answer from another. */
export const MARKER = '~MARKER~';
/** Whoever takes this for an answer of its own has been fooled. */
export const POISON = `HTTP/1.1 200 OK\r\nX-M: ${MARKER}\r\nContent-Length: 6\r\n\r\npoison`;

const reasons = ['200 OK', '404 Not Found', '206 Partial Content', '500 Odd', '205 Reset'];
const statusLine = mostly(
  fc.constantFrom(
    ...[...reasons, ...reasons, '204 None', '304 Same', '200 ', '200', '599 \xe9\t!'].map(
      (each) => `HTTP/1.1 ${each}`,
    ),
    'HTTP/1.0 200 OK',
  ),
  fc.constantFrom(
    'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade',
    ...'600 Odd,099 Odd,000 Odd,20 OK,2000 OK,+20 OK,2e2 OK,0x1 OK, 200 OK,200OK,200\tOK,OK'
      .split(',')
      .map((each) => `HTTP/1.1 ${each}`),
    ...['HTTP/2.0', 'HTTP/1.2', 'HTTP/1', 'http/1.1', 'HTTP/01.1', 'ICY', ' HTTP/1.1', ''].map(
      (each) => `${each} 200 OK`,
    ),
    'HTTP/1.1\t200 OK',
    'HTTP/1.1 200 O\0K',
    'HTTP/1.1 200 O\rK',
    'HTTP/1.1 200 O\nK',
    'HTTP/1.1 200 OK\r',
    '\r\nHTTP/1.1 200 OK',
    '',
  ),
  15,
);

const field = mostly(
  fc.constantFrom(
    'X-A: b',
    'X-A:',
    'X-A:b \t',
    'X-L: \xe9\xff',
    'Connection: keep-alive, X-A',
    'Connection: close',
    'connection: x ,\tCLOSE',
    'Connection: closed',
    'Keep-Alive: timeout=5, max=9',
    'Keep-Alive: timeout=0',
    'Content-Type: text/event-stream',
    'Set-Cookie: a=b',
    'Set-Cookie: c=d',
    'Content-Encoding: gzip',
    'Trailer: X-T',
    'Connection: Content-Length, Transfer-Encoding',
    "!#$%&'*+-.^_`|~: b",
  ),
  fc.constantFrom(
    'X-A : b',
    ' X-A: b',
    'X-A: b\r\n c',
    'X-A: b\r\n\tc',
    'X-A: b\nX-B: c',
    'X-A: b\rX-B: c',
    'X-A: \0',
    'X-A: b\x7f',
    'X-A: b\x0b',
    'X-A: b\r',
    'X-A: b\r\r',
    ': b',
    'X A: b',
    'noColon',
    'X-\xe9: b',
    'X-A\0: b',
    'X\n: b',
    'X\r\nA: b',
    'Content-Length: 3',
    'Content-Length: 0',
    'Content-Length: 3\r\nContent-Length: 3',
    'Transfer-Encoding: chunked',
    'Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked',
    'Upgrade: websocket\r\nConnection: Upgrade',
  ),
  10,
);

const text = fc.oneof(
  fc.constantFrom('', 'abc', MARKER, POISON, `\r\n\r\n${POISON}`, `0\r\n\r\n${POISON}`, '\r\n'),
  fc.string({ maxLength: 20 }).map((each) => Buffer.from(each).toString('latin1')),
);
const chunk = (body: string, extension = ''): string =>
  body === '' ? '' : `${body.length.toString(16)}${extension}\r\n${body}\r\n`;
const around = (limit: number, less: number): fc.Arbitrary<string> =>
  fc.integer({ min: -8, max: 4 }).map((by) => 'x'.repeat(limit - less + by));

/** What the grammar of requests does not have: bodies that end with the connection, and limits. */
const ownFraming: fc.Arbitrary<Framed> = fc.oneof(
  text.map((body) => ({ fields: [], body })),
  text.map((body) => ({ fields: [`Content-Length: ${body.length}`], body })),
  fc.tuple(fc.array(text, { maxLength: 3 }), text).map(([bodies, last]) => ({
    fields: ['Transfer-Encoding: chunked'],
    body: `${bodies.map((body) => chunk(body, ' ;a')).join('')}0\r\nX-T: ${Buffer.from(last).toString('hex')}\r\n\r\n`,
  })),
  around(1024, 4).map((extension) => ({
    fields: ['Transfer-Encoding: chunked'],
    body: `${chunk('ab', `;${extension}`)}0\r\n\r\n`,
  })),
);
const hugeFraming: fc.Arbitrary<Framed> = fc
  .tuple(around(16_384, 5), fc.constantFrom('\r\n\r\n', '\r\nX-U: v\r\n\r\n', '\r\n', '\n', ''))
  .map(([trailer, end]) => ({
    fields: ['Transfer-Encoding: chunked'],
    body: `2\r\nab\r\n0\r\nX-T: ${trailer}${end}`,
  }));

const interim = fc
  .tuple(
    mostly(
      fc.constantFrom('100 Continue', '103 Early Hints', '102', '199 Odd'),
      fc.constant('101 Switching Protocols'),
      20,
    ),
    mostly(
      fc.constantFrom('', 'Link: </a.css>\r\n'),
      fc.oneof(
        field.map((each) => `${each}\r\n`),
        fc.constant('Content-Length: 70\r\n'),
      ),
    ),
    newline(60),
  )
  .map(([status, fields, end]) => `HTTP/1.1 ${status}\r\n${fields}${end}`);
const interims = fc.oneof(
  { weight: 12, arbitrary: fc.constant('') },
  {
    weight: 4,
    arbitrary: fc.array(interim, { minLength: 1, maxLength: 3 }).map((all) => all.join('')),
  },
  {
    weight: 1,
    arbitrary: fc
      .integer({ min: 30, max: 34 })
      .map((count) => 'HTTP/1.1 100 Continue\r\n\r\n'.repeat(count)),
  },
);

function answerText(framing: fc.Arbitrary<Framed>): fc.Arbitrary<string> {
  return fc
    .tuple(
      interims,
      statusLine,
      newline(100),
      fc.array(field, { maxLength: 3 }),
      framing,
      newline(100),
      mostly(fc.constant(''), fc.constantFrom(POISON, '\r\n', '\0', '0\r\n\r\n', 'HTTP/1.1 '), 6),
    )
    .map(([before, line, lineEnd, extra, { fields, body }, headEnd, behind]) => {
      const lines = [`X-M: ${MARKER}`, ...fields, ...extra].map((each) => `${each}\r\n`);
      return `${before}${line}${lineEnd}${lines.join('')}${headEnd}${body}${behind}`;
    });
}

const usualText = answerText(fc.oneof({ weight: 2, arbitrary: framed }, ownFraming));
/** Heads and trailers about as long as they may be, whole or not. */
const hugeText = fc.oneof(
  answerText(hugeFraming),
  fc
    .tuple(around(65_536, 22), fc.constantFrom('\r\n\r\n', '\r\n\r', '\r\n', '', '\n'))
    .map(([value, end]) => `HTTP/1.1 200 OK\r\nX-A: ${value}${end}`),
  fc
    .tuple(fc.integer({ min: 498, max: 502 }), text)
    .map(
      ([count, body]) =>
        `HTTP/1.1 200 OK\r\n${'X-A: b\r\n'.repeat(count)}Content-Length: ${body.length}\r\n\r\n${body}`,
    ),
);

/**
 * What upstreams may answer: right and nearly right by a grammar, a part of it mutated byte by byte.
 *
 * @param hugeShare how many of a thousand are about as long as an answer's parts may be
 * @returns answers of bytes (latin1)
 */
export function fuzzAnswers(hugeShare: number): fc.Arbitrary<FuzzAnswer> {
  const mutations = mostly(
    fc.constant<Mutation[]>([]),
    fc.array(mutation(usualText), { minLength: 1, maxLength: 3 }),
    3,
  );
  const mutated = fc
    .tuple(usualText, mutations)
    .map(([given, changes]) => changes.reduce((changed, change) => change(changed), given));
  const cut = fc.nat(100_000);
  const texts =
    hugeShare === 0
      ? mutated
      : fc.oneof(
          { weight: 1000 - hugeShare, arbitrary: mutated },
          { weight: hugeShare, arbitrary: hugeText },
        );
  return fc.record({
    text: texts,
    method: mostly(fc.constant('GET'), fc.constant('HEAD'), 6),
    upgrade: mostly(fc.constant(false), fc.constant(true), 6),
    closed: fc.boolean(),
    // Small numbers cut within the first lines, the last ones near the end.
    cuts: fc.array(fc.oneof(cut, fc.nat(30), fc.integer({ min: -6, max: -1 })), { maxLength: 6 }),
  });
}

/**
 * Cuts a text.
 *
 * @param whole latin1
 * @param cuts places, taken modulo its length; negative ones count from its end
 * @returns the pieces, none of them empty
 */
export function cutUp(whole: string, cuts: readonly number[]): readonly string[] {
  const size = whole.length + 1;
  const places = cuts.map((cut) => ((cut % size) + size) % size).sort((a, b) => a - b);
  return [0, ...places]
    .map((from, index) => whole.slice(from, places[index] ?? whole.length))
    .filter((piece) => piece !== '');
}
