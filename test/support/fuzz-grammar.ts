import * as fc from 'fast-check';
import { framed, newline } from './fuzz-framing.ts';
import { method, target } from './fuzz-line.ts';
import { mostly } from './fuzz-mostly.ts';
import { mutation, type Mutation } from './fuzz-mutation.ts';

/** What the grammar needs to make requests that a relay takes. */
export interface FuzzTarget {
  readonly host: string;
  readonly token: string;
}

/** What one client sends on one connection, in the pieces in which it is written. */
export interface FuzzStream {
  readonly pieces: readonly string[];
  /** How many requests it was made of, before it was mutated. */
  readonly requests: number;
}

const extraField = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.constantFrom(
      'Accept: */*',
      'X-A: b',
      'X-Request-Id: 0',
      'Cookie: a=b',
      'Connection: keep-alive',
      'Accept-Encoding: gzip',
      'Expect: 100-continue',
      'Range: bytes=0-1',
      'X_A: c',
      'TE: trailers',
      'X-Forwarded-For: 1.2.3.4',
      'X-HTTP-Method-Override: DELETE',
      'X-Original-URL: /x/adm',
      'Connection: close, X-Request-Id, Host, Content-Length, Transfer-Encoding',
      'Upgrade: h2c',
      'Via: 1.1 x',
      'X-L: \xe9\xff',
    ),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      'X-A : b',
      ' X-A: b',
      'X-A: b\r\n c',
      'X-A: b\nX-B: c',
      'X-A: b\rX-B: c',
      'X-A: \0',
      ': b',
      'X A: b',
      'noColon',
      'X-\xe9: b',
      'Host: evil.example',
      'Host:',
      'X-A: b\r\n\tc',
      'Content-Length: 3',
      'Transfer-Encoding: chunked',
      'Connection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==',
      `X-Big: ${'b'.repeat(2_000)}`,
      'Authorization: Bearer x',
      'X-A: b\r',
    ),
  },
);

/** One request, from what everybody sends to what nobody should. */
function requestText({ host, token }: FuzzTarget): fc.Arbitrary<string> {
  const first = fc.tuple(
    method,
    fc.constantFrom(' ', ' ', ' ', ' ', ' ', ' ', ' ', '  ', '\t'),
    target(host),
    mostly(
      fc.constant(' HTTP/1.1'),
      fc.constantFrom(
        ' HTTP/1.0',
        ' HTTP/1.2',
        ' HTTP/0.9',
        '',
        ' http/1.1',
        ' HTTP/1.1 ',
        '  HTTP/1.1',
        ' HTTP/2.0',
      ),
      15,
    ),
  );
  const hostField = mostly(
    fc.constant(`Host: ${host}`),
    fc.constantFrom(
      'Host: evil.example',
      'X-No: host',
      `Host: a@${host}`,
      `host:${host}`,
      `Host : ${host}`,
      `Host: ${host}\r\nHost: ${host}`,
    ),
    15,
  );
  const authorization = mostly(
    fc.constant(`Authorization: Bearer ${token}`),
    fc.constantFrom(
      'X-No: token',
      'Authorization: Bearer a.b.c',
      `Authorization: Bearer ${token}\r\nAuthorization: Bearer ${token}`,
      `authorization:bearer ${token}`,
    ),
    20,
  );
  return fc
    .tuple(
      first,
      hostField,
      authorization,
      fc.array(extraField, { maxLength: 3 }),
      framed,
      newline(150),
      fc.boolean(),
    )
    .map(([line, named, shown, extra, message, end, framingFirst]) => {
      const common = [named, shown, ...extra];
      const fields = framingFirst ? [...message.fields, ...common] : [...common, ...message.fields];
      return `${line.join('')}${end}${fields.map((field) => `${field}\r\n`).join('')}\r\n${message.body}`;
    });
}

/**
 * What clients may send: pipelined requests by a grammar, a part of them mutated byte by byte, and a
 * last request that shows whether the framing held.
 *
 * @param to the relay's authority and a token that it takes
 * @returns streams of bytes (latin1)
 */
export function fuzzStreams(to: FuzzTarget): fc.Arbitrary<FuzzStream> {
  const one = requestText(to);
  const last = `GET /x/last HTTP/1.1\r\nHost: ${to.host}\r\nAuthorization: Bearer ${to.token}\r\nConnection: close\r\n\r\n`;
  const mutations = mostly(
    fc.constant<Mutation[]>([]),
    fc.array(mutation(one), { minLength: 1, maxLength: 3 }),
    2,
  );
  return fc
    .tuple(
      fc.array(one, { minLength: 1, maxLength: 3 }),
      mutations,
      fc.array(fc.nat(100_000), { maxLength: 2 }),
    )
    .map(([requests, changes, cuts]) => {
      const text = changes.reduce((changed, change) => change(changed), requests.join('')) + last;
      const places = [
        0,
        ...cuts.map((cut) => cut % text.length).sort((a, b) => a - b),
        text.length,
      ];
      const pieces = places.slice(1).map((end, index) => text.slice(places[index], end));
      return { pieces: pieces.filter((piece) => piece !== ''), requests: requests.length };
    });
}
