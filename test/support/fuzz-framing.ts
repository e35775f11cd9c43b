import * as fc from 'fast-check';
import { mostly } from './fuzz-mostly.ts';

/** A second request, for whoever can be talked into reading one. */
export const INNER = 'GET /x/adm/stolen HTTP/1.1\r\nHost: internal\r\nX-Request-Id: 0\r\n\r\n';
const body = fc.oneof(
  fc.constantFrom('', 'abc', INNER, `\r\n${INNER}`, `0\r\n\r\n${INNER}`, '\r\n\r\n', '{"a":1}'),
  fc.string({ maxLength: 20 }).map((text) => Buffer.from(text).toString('latin1')),
);

const chunkExtension = mostly(
  fc.constant(''),
  fc.constantFrom(';a=b', ' ;a', ';a="x\r\n"', ';\n', ' ', '\t', ';a=\0'),
  5,
);
const chunkSize = (length: number): fc.Arbitrary<string> =>
  mostly(
    fc.constantFrom(
      length.toString(16),
      length.toString(16).toUpperCase(),
      `00${length.toString(16)}`,
    ),
    fc.constantFrom(
      `0x${length.toString(16)}`,
      `-${length}`,
      '',
      'g',
      `${length + 1}`,
      'ffffffffffffffff',
      `+${length}`,
      `${length.toString(16)}_`,
    ),
    20,
  );
const trailers = mostly(
  fc.constantFrom('', '', 'X-T: 1\r\n'),
  fc.constantFrom(
    'Content-Length: 5\r\n',
    'Host: a\r\n',
    'X Y: 1\r\n',
    'Transfer-Encoding: chunked\r\n',
    'X-T: 1\n',
    ': 1\r\n',
    'X-Request-Id: 0\r\n',
  ),
  6,
);
/**
 * Line ends.
 *
 * @param weight how often a right one for each wrong one
 * @returns line ends
 */
export const newline = (weight: number): fc.Arbitrary<string> =>
  mostly(fc.constant('\r\n'), fc.constantFrom('\n', '\r', '\r\r\n', '\n\r', ''), weight);

function chunkedBody(): fc.Arbitrary<string> {
  const chunk = body
    .filter((text) => text !== '')
    .chain((text) =>
      fc
        .tuple(chunkSize(text.length), chunkExtension, newline(40), newline(40))
        .map(([size, extension, first, second]) => size + extension + first + text + second),
    );
  return fc
    .tuple(
      fc.array(chunk, { maxLength: 3 }),
      mostly(fc.constantFrom('0', '000'), fc.constantFrom('', '0;x', '0 '), 15),
      newline(40),
      trailers,
      newline(40),
    )
    .map(([chunks, last, first, fields, end]) => chunks.join('') + last + first + fields + end);
}

/** A body and the fields that say how long it is, rightly or not. */
export interface Framed {
  readonly fields: readonly string[];
  readonly body: string;
}

const oddEncoding = fc.constantFrom(
  'Transfer-Encoding: chunked, chunked',
  'Transfer-Encoding: identity, chunked',
  'Transfer-Encoding: gzip',
  'Transfer-Encoding: xchunked',
  'Transfer-Encoding : chunked',
  'Transfer_Encoding: chunked',
  'Transfer-Encoding:\tchunked',
  'Transfer-Encoding: "chunked"',
  'Transfer-Encoding: chunked\x0b',
  'transfer-encoding: CHUNKED',
  'Transfer-Encoding: chunked;q=1',
  'Transfer-Encoding:',
);
const oddLength = (length: number): fc.Arbitrary<string> =>
  fc.constantFrom(
    `Content-Length: ${length}, ${length}`,
    `Content-Length: +${length}`,
    `Content-Length: 0x${length.toString(16)}`,
    `Content-Length: ${length + 7}`,
    `Content-Length: ${Math.max(0, length - 2)}`,
    `Content-Length : ${length}`,
    `Content_Length: ${length}`,
    `Content-Length:${length}`,
    `Content-Length: ${length}\x0b`,
    `Content-Length: 0${length}`,
    `Content-Length: -1`,
    'Content-Length: 99999999999999999999',
    'Content-Length:',
  );
/** Bodies in all the ways in which clients frame them, and in those in which none should. */
export const framed: fc.Arbitrary<Framed> = fc.oneof(
  { weight: 8, arbitrary: fc.constant({ fields: [], body: '' }) },
  {
    weight: 8,
    arbitrary: body.map((text) => ({ fields: [`Content-Length: ${text.length}`], body: text })),
  },
  {
    weight: 8,
    arbitrary: chunkedBody().map((text) => ({
      fields: ['Transfer-Encoding: chunked'],
      body: text,
    })),
  },
  {
    weight: 1,
    arbitrary: fc
      .tuple(oddEncoding, chunkedBody())
      .map(([field, text]) => ({ fields: [field], body: text })),
  },
  {
    weight: 1,
    arbitrary: body.chain((text) =>
      oddLength(text.length).map((field) => ({ fields: [field], body: text })),
    ),
  },
  {
    weight: 2,
    arbitrary: fc
      .tuple(
        chunkedBody(),
        fc.nat(40),
        mostly(fc.constant('Transfer-Encoding: chunked'), oddEncoding, 3),
        fc.boolean(),
      )
      .map(([text, length, encoding, first]) => ({
        fields: first
          ? [encoding, `Content-Length: ${length}`]
          : [`Content-Length: ${length}`, encoding],
        body: text,
      })),
  },
);
