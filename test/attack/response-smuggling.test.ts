import assert from 'node:assert/strict';
import http from 'node:http';
import { once } from 'node:events';
import type { AddressInfo, Socket } from 'node:net';
import { test, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { createConnectionPool } from '../../wire/connection-pool.ts';
import { readFraming } from '../../wire/framing.ts';
import { forward } from '../../wire/forward.ts';
import { requestHeaders, responseHeaders } from '../../wire/headers.ts';
import { createRawUpstream, sendRaw, statusOf } from '../support/raw.ts';

const keep = { drop: () => false, add: [] };
const quick = { quietMs: 100 };
const METHOD = /^([A-Z]+) /;

interface Proxy {
  readonly url: string;
  /** How many connections the upstream has seen. */
  readonly connections: () => number;
}

/** Between two pieces the loop turns several times, so that the first is read alone also after a standstill. */
async function sendApart(
  socket: Socket,
  pieces: readonly string[],
  close: boolean | undefined,
): Promise<void> {
  for (const [at, piece] of pieces.entries()) {
    if (at > 0) for (let turn = 0; turn < 5; turn++) await sleep(3);
    socket.write(piece, 'latin1');
  }
  if (close) socket.end();
}

/** A proxy in front of an upstream that sends the given bytes, in the given pieces, to each request. */
async function proxyBefore(
  t: TestContext,
  pieces: readonly string[],
  options: { readonly close?: boolean } = {},
): Promise<Proxy> {
  const upstream = await createRawUpstream((socket, bytes) => {
    if (METHOD.test(bytes)) void sendApart(socket, pieces, options.close);
  });
  const pool = createConnectionPool({ host: '127.0.0.1', port: upstream.port });
  const server = http.createServer((request, response) => {
    const method = request.method ?? '';
    const framing = readFraming(request);
    forward(request, response, {
      hop: { pool },
      method,
      path: request.url ?? '',
      framing,
      headers: requestHeaders(request.rawHeaders, method, 'up', framing, keep),
      maxBodyBytes: 1_000_000,
      timeouts: { connectMs: 60_000, headersMs: 60_000, idleMs: 60_000 },
      answer: (_status, raw) => responseHeaders(raw, keep),
    }).catch((error: unknown) => {
      const { status, code } = error as { status: number; code: string };
      response.writeHead(status).end(code);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(async () => {
    server.closeAllConnections();
    server.close();
    pool.destroy();
    await upstream.close();
  });
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, connections: () => upstream.received().length };
}

const get = (method = 'GET'): string => `${method} /a HTTP/1.1\r\nHost: h\r\n\r\n`;
const OK = 'HTTP/1.1 200 OK\r\n';

const refused: Readonly<Record<string, string>> = {
  'Content-Length and Transfer-Encoding': `${OK}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
  'two Content-Length': `${OK}Content-Length: 2\r\nContent-Length: 2\r\n\r\nok`,
  'a list of lengths': `${OK}Content-Length: 2, 2\r\n\r\nok`,
  'a signed length': `${OK}Content-Length: +2\r\n\r\nok`,
  'a hexadecimal length': `${OK}Content-Length: 0x2\r\n\r\nok`,
  'an empty length': `${OK}Content-Length: \r\n\r\nok`,
  'a length beyond all numbers': `${OK}Content-Length: 99999999999999999999\r\n\r\nok`,
  'gzip, chunked': `${OK}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n`,
  'two Transfer-Encoding': `${OK}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
  'chunked in HTTP/1.0': 'HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
  'an obsolete fold': `${OK}X-A: b\r\n c\r\nContent-Length: 2\r\n\r\nok`,
  'a bare LF between fields': `${OK}X-A: b\nContent-Length: 2\r\n\r\nok`,
  'bare LF throughout': 'HTTP/1.1 200 OK\nContent-Length: 2\n\nok',
  'a bare CR in a value': `${OK}X-A: b\rc\r\nContent-Length: 2\r\n\r\nok`,
  'NUL in a value': `${OK}X-A: b\0c\r\nContent-Length: 2\r\n\r\nok`,
  'a space before the colon': `${OK}Content-Length : 2\r\n\r\nok`,
  'an empty name': `${OK}: b\r\nContent-Length: 2\r\n\r\nok`,
  'a line without a colon': `${OK}hello\r\nContent-Length: 2\r\n\r\nok`,
  'no status line': 'hello\r\n\r\n',
  'HTTP/2.0 in clear': 'HTTP/2.0 200 OK\r\nContent-Length: 2\r\n\r\nok',
  'a status of two digits': 'HTTP/1.1 20 OK\r\nContent-Length: 2\r\n\r\nok',
  'a status of 600': 'HTTP/1.1 600 Odd\r\nContent-Length: 2\r\n\r\nok',
  'a switch that nobody asked for':
    'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n',
  'a head without an end': `${OK}${'X-Long: '.padEnd(1000, 'x')}\r\n`.repeat(70),
  'too many fields': `${OK}${'X: y\r\n'.repeat(600)}\r\n`,
};

for (const [what, answer] of Object.entries(refused)) {
  test(`an answer with ${what} is 502, its connection not used again`, async (t) => {
    const { url, connections } = await proxyBefore(t, [answer]);
    const seen = await sendRaw(url, get(), quick);
    assert.equal(statusOf(seen), 502, seen);
    assert.match(seen, /upstream_protocol/);
    await sendRaw(url, get(), quick);
    assert.equal(connections(), 2);
  });
}

const cut: Readonly<Record<string, string>> = {
  'a chunk longer than its size': '2\r\nokXX\r\n0\r\n\r\n',
  'a chunk size with a space': '2 \r\nok\r\n0\r\n\r\n',
  'a signed chunk size': '-2\r\nok\r\n0\r\n\r\n',
  'a chunk size of 0x': '0x2\r\nok\r\n0\r\n\r\n',
  'a chunk line without CR': '2\nok\r\n0\r\n\r\n',
  'an endless extension': `2;${'x'.repeat(5000)}\r\nok\r\n0\r\n\r\n`,
  'a bad trailer': '2\r\nok\r\n0\r\nX A: b\r\n\r\n',
};

for (const [what, body] of Object.entries(cut)) {
  test(`${what} never passes for a whole answer`, async (t) => {
    // In two pieces: the head has left when the fault is seen.
    const { url, connections } = await proxyBefore(t, [
      `${OK}Transfer-Encoding: chunked\r\n\r\n`,
      body,
    ]);
    const seen = await sendRaw(url, get(), quick);
    assert.equal(statusOf(seen), 200);
    assert.doesNotMatch(seen, /\r\n0\r\n\r\n$/, 'the end of a chunked body was not said');
    await sendRaw(url, get(), quick);
    assert.equal(connections(), 2);
  });
}

const whole: Readonly<Record<string, { answer: string; method?: string; body: string }>> = {
  'a length': { answer: `${OK}Content-Length: 2\r\n\r\nok`, body: 'ok' },
  'no space before the reason': {
    answer: 'HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nok',
    body: 'ok',
  },
  chunks: {
    answer: `${OK}Transfer-Encoding: Chunked\r\n\r\n2;a=b\r\nok\r\n0\r\nX-T: 1\r\n\r\n`,
    body: '2\r\nok\r\n0\r\nX-T: 1\r\n\r\n',
  },
  'an interim answer first': {
    answer: `HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\nX-B: c\r\n\r\n${OK}Content-Length: 2\r\n\r\nok`,
    body: 'ok',
  },
  'a length to HEAD': { method: 'HEAD', answer: `${OK}Content-Length: 9\r\n\r\n`, body: '' },
  'a length in 304': { answer: 'HTTP/1.1 304 Same\r\nContent-Length: 9\r\n\r\n', body: '' },
};

for (const [what, { answer, method, body }] of Object.entries(whole)) {
  for (const pieces of [[answer], answer.split('')]) {
    const how = pieces.length === 1 ? 'at once' : 'byte by byte';
    test(`${what}, ${how}: the answer is whole, its connection used again`, async (t) => {
      // Byte by byte without waiting: what matters is where the reads are cut.
      const spread =
        pieces.length === 1 ? pieces : [pieces.slice(0, 20).join(''), ...chunked(pieces)];
      const { url, connections } = await proxyBefore(t, spread);
      for (let round = 0; round < 2; round++) {
        const seen = await sendRaw(url, get(method), { quietMs: 500 });
        assert.ok(seen.endsWith(`\r\n\r\n${body}`), seen);
      }
      assert.equal(connections(), 1);
    });
  }
}

/** The rest in pieces of three bytes: every kind of line is cut somewhere. */
function chunked(bytes: readonly string[]): string[] {
  const rest = bytes.slice(20).join('');
  return rest.match(/[^]{1,3}/g) ?? [];
}

test('early hints pass with Link alone', async (t) => {
  const hints = 'HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\nSet-Cookie: a=b\r\n\r\n';
  const { url } = await proxyBefore(t, [`${hints}${OK}Content-Length: 2\r\n\r\nok`]);
  const seen = await sendRaw(url, get(), quick);
  assert.match(
    seen,
    /^HTTP\/1\.1 103 Early Hints\r\nLink: <\/a\.css>\r\n\r\nHTTP\/1\.1 200 OK\r\n/,
  );
});

test('a flood of interim answers ends in 502', async (t) => {
  const { url } = await proxyBefore(t, ['HTTP/1.1 103 Early Hints\r\n\r\n'.repeat(40) + OK]);
  assert.match(await sendRaw(url, get(), quick), /\r\nHTTP\/1\.1 502 [^]*upstream_protocol/);
});

test('an answer that ends with its connection is whole; its connection is gone', async (t) => {
  const { url, connections } = await proxyBefore(t, [`${OK}\r\nhello`], { close: true });
  assert.match(await sendRaw(url, get(), quick), /hello/);
  await sendRaw(url, get(), quick);
  assert.equal(connections(), 2);
});

test('a second answer that nobody asked for is thrown away with its connection', async (t) => {
  const poison = `${OK}Content-Length: 6\r\n\r\npoison`;
  for (const pieces of [
    [`${OK}Content-Length: 2\r\n\r\nok${poison}`],
    [`${OK}Content-Length: 2\r\n\r\nok`, poison],
    ['HTTP/1.1 204 None\r\nContent-Length: 6\r\n\r\n', 'poison'],
  ]) {
    const { url, connections } = await proxyBefore(t, pieces);
    for (let round = 0; round < 3; round++) {
      const seen = await sendRaw(url, get(), quick);
      assert.doesNotMatch(seen, /poison/);
    }
    assert.equal(connections(), 3);
  }
});

test('a body to HEAD is thrown away with its connection', async (t) => {
  const { url, connections } = await proxyBefore(t, [`${OK}Content-Length: 6\r\n\r\npoison`]);
  assert.doesNotMatch(await sendRaw(url, get('HEAD'), quick), /poison/);
  assert.doesNotMatch(await sendRaw(url, get('HEAD'), quick), /poison/);
  assert.equal(connections(), 2);
});
