import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { test, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { sendKeptAnswer } from '../../wire/answer.ts';
import { createConnectionPool } from '../../wire/connection-pool.ts';
import { forward } from '../../wire/forward.ts';
import type { ForwardPlan, ForwardResult } from '../../wire/forward-plan.ts';
import { readFraming, type Framing } from '../../wire/framing.ts';
import { requestHeaders, responseHeaders } from '../../wire/headers.ts';
import { createBodyKeeper, type KeptBody } from '../../wire/kept-body.ts';
import { sendRaw, statusOf } from '../support/raw.ts';
import { until } from '../support/until.ts';

const keep = { drop: () => false, add: [] };
/** For bytes whose last request closes the connection: a pause is no end of the answers. */
const UNTIL_CLOSED = { quietMs: 60_000, timeoutMs: 60_000 };
const LIMITS = { requestBytes: 64 * 1024, totalBytes: 256 * 1024 };

async function listen(t: TestContext, server: http.Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

interface Seen {
  readonly try: string | undefined;
  readonly body: string;
  readonly trailers: Readonly<Record<string, string | undefined>>;
}

interface Bench {
  readonly url: string;
  readonly seen: readonly Seen[];
  readonly results: readonly (ForwardResult | string)[];
  readonly gone: () => number;
}

/**
 * A proxy that tries a second time after a 401, in front of an upstream that refuses the first try:
 * when it has read the body, or at once.
 */
async function bench(
  t: TestContext,
  options: {
    readonly early?: boolean;
    readonly refusal?: string;
    /** What the second try waits for. */
    readonly hold?: () => Promise<unknown>;
    readonly givesUp?: boolean;
  } = {},
): Promise<Bench> {
  const seen: Seen[] = [];
  const upstream = http.createServer((request, response) => {
    const number = request.headers['x-try'] as string;
    const refuse = (): void =>
      void response.writeHead(401, { 'X-Why': 'step_up' }).end(options.refusal ?? 'no');
    if (number === '1' && options.early) {
      refuse();
      return;
    }
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString('latin1')));
    request.on('end', () => {
      seen.push({ try: number, body, trailers: request.trailers });
      if (number === '1') refuse();
      else response.end('taken');
    });
  });
  const port = await listen(t, upstream);
  const pool = createConnectionPool({ host: '127.0.0.1', port });
  t.after(() => pool.destroy());
  const keepBody = createBodyKeeper(LIMITS);
  const results: (ForwardResult | string)[] = [];
  let gone = 0;

  const plan = (request: http.IncomingMessage, kept: KeptBody, number: number): ForwardPlan => {
    const framing = readFraming(request);
    const method = request.method ?? '';
    return {
      hop: { pool },
      method,
      path: request.url ?? '',
      framing,
      headers: requestHeaders(request.rawHeaders, method, 'up', framing, {
        drop: () => false,
        add: ['X-Try', String(number)],
      }),
      maxBodyBytes: Infinity,
      timeouts: { connectMs: 60_000, headersMs: 60_000, idleMs: 60_000 },
      answer: (_status, raw) => responseHeaders(raw, keep),
      intercept: (status) => status === 401 && number === 1,
      kept,
    };
  };
  const serve = async (
    request: http.IncomingMessage,
    response: http.ServerResponse,
  ): Promise<void> => {
    const kept = keepBody(readFraming(request));
    response.once('close', () => void (response.writableFinished || gone++));
    const first = await forward(request, response, plan(request, kept, 1));
    results.push(first);
    if (first.kind === 'answered') return;
    await options.hold?.();
    if (options.givesUp) {
      kept.release();
      sendKeptAnswer(response, first.answer, responseHeaders(first.answer.raw, keep));
    } else results.push(await forward(request, response, plan(request, kept, 2)));
  };
  const listener = (request: http.IncomingMessage, response: http.ServerResponse): void => {
    serve(request, response).catch((error: unknown) => {
      results.push((error as { code: string }).code);
      response.writeHead(502).end();
    });
  };
  const server = http.createServer(listener);
  server.on('checkContinue', listener);
  const own = await listen(t, server);
  return { url: `http://127.0.0.1:${own}`, seen, results, gone: () => gone };
}

test('a refused body is sent once more, whole, and the client sees the second answer alone', async (t) => {
  const { url, seen, results } = await bench(t);
  const body = 'x'.repeat(50_000) + 'end';
  const answer = await fetch(url, { method: 'POST', body });
  assert.equal(answer.status, 200);
  assert.equal(await answer.text(), 'taken');
  assert.deepEqual(
    seen.map((one) => [one.try, one.body === body]),
    [
      ['1', true],
      ['2', true],
    ],
  );
  await until('both exchanges have ended', () => results.length === 2);
  const [first, second] = results as ForwardResult[];
  assert.equal(first?.kind, 'intercepted');
  assert.equal(first?.bytesIn, body.length);
  assert.deepEqual(second, { kind: 'answered', status: 200, bytesIn: body.length, bytesOut: 5 });
});

for (const [name, head, chunk, last] of [
  ['announced', 'Content-Length: 20000', (text: string) => text, ''],
  [
    'chunked, with a trailer',
    'Transfer-Encoding: chunked',
    (text: string) => `${text.length.toString(16)}\r\n${text}\r\n`,
    '0\r\nX-Sum: 7\r\n\r\n',
  ],
] as const) {
  test(`a refusal while the upload is running: what came goes first, the rest follows (${name})`, async (t) => {
    const { url, seen, results } = await bench(t, { early: true, hold: () => sleep(100) });
    const socket = connect(Number(new URL(url).port), '127.0.0.1');
    let answer = '';
    socket.on('data', (data: Buffer) => (answer += data.toString()));
    socket.write(`POST / HTTP/1.1\r\nHost: h\r\n${head}\r\n\r\n${chunk('a'.repeat(10_000))}`);
    await until('the first exchange has ended', () => results.length === 1);
    // One part while the request is held, one after it has been sent again.
    socket.write(chunk('b'.repeat(5_000)));
    await sleep(200);
    socket.write(chunk('c'.repeat(5_000)) + last);
    await until('the answer has come', () => answer.includes('taken'));
    socket.destroy();
    assert.equal(statusOf(answer), 200);
    assert.equal(seen.length, 1);
    assert.equal(seen[0]?.body, `${'a'.repeat(10_000)}${'b'.repeat(5_000)}${'c'.repeat(5_000)}`);
    if (last !== '') assert.equal(seen[0]?.trailers['x-sum'], '7');
  });
}

test('above the bound nothing is kept back: the refusal passes as it is', async (t) => {
  const { url, seen, results } = await bench(t, { refusal: 'as it is' });
  const body = 'x'.repeat(LIMITS.requestBytes + 1);
  const announced = await fetch(url, { method: 'POST', body });
  assert.equal(announced.status, 401);
  assert.equal(await announced.text(), 'as it is');
  const stream = new Blob([body]).stream();
  const chunked = await fetch(url, { method: 'POST', body: stream, duplex: 'half' });
  assert.equal(chunked.status, 401);
  assert.equal(seen.length, 2, 'each was sent once');
  assert.ok(results.every((result) => (result as ForwardResult).kind === 'answered'));
});

test('100 Continue is said once', async (t) => {
  const { url, seen } = await bench(t);
  const answer = await sendRaw(
    url,
    'POST / HTTP/1.1\r\nHost: h\r\nConnection: close\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\nabc',
    UNTIL_CLOSED,
  );
  assert.match(answer, /^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 OK\r\n/);
  assert.deepEqual(
    seen.map(({ body }) => body),
    ['abc', 'abc'],
  );
});

test('a kept refusal can still be given to the client, and the connection serves on', async (t) => {
  const { url, results } = await bench(t, { early: true, givesUp: true });
  const request = (more: string): string =>
    `POST / HTTP/1.1\r\nHost: h\r\n${more}Content-Length: 4\r\n\r\nbody`;
  const both = request('') + request('Connection: close\r\n');
  const answer = await sendRaw(url, both, UNTIL_CLOSED);
  assert.deepEqual(answer.match(/HTTP\/1\.1 [0-9]{3}/g), ['HTTP/1.1 401', 'HTTP/1.1 401']);
  assert.match(answer, /X-Why: step_up/);
  assert.equal(results.length, 2);
});

test('a client that leaves while its request is held is noticed', async (t) => {
  const held = Promise.withResolvers<void>();
  const { url, gone, results, seen } = await bench(t, { early: true, hold: () => held.promise });
  const socket = connect(Number(new URL(url).port), '127.0.0.1');
  socket.write('POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 20000\r\n\r\nhalf');
  await until('the first exchange has ended', () => results.length === 1);
  socket.destroy();
  await until('the client is gone', () => gone() === 1);
  assert.equal(results.length, 1, 'before the second try');
  held.resolve();
  await until('the second exchange has ended', () => results.length === 2);
  assert.equal(seen.length, 0);
});

test('a refusal that no relay of ours would send is not kept', async (t) => {
  const { url, results } = await bench(t, { refusal: 'x'.repeat(100_000) });
  assert.equal((await fetch(url, { method: 'POST', body: 'x' })).status, 502);
  assert.deepEqual(results, ['upstream_unreachable']);
});

test('what is kept of all requests together is bounded, and given back', () => {
  const keepBody = createBodyKeeper({ requestBytes: 100, totalBytes: 150 });
  const chunked: Framing = { kind: 'chunked' };
  const [one, two] = [keepBody(chunked), keepBody(chunked)];
  one.keep(Buffer.alloc(100, 'a'));
  two.keep(Buffer.alloc(100, 'b'));
  assert.equal(one.bytes().toString(), 'a'.repeat(100));
  assert.deepEqual([one.isWhole(), two.isWhole(), two.bytes().length], [true, false, 0]);
  one.release();
  const three = keepBody(chunked);
  three.keep(Buffer.alloc(60, 'c'));
  three.keep(Buffer.alloc(40, 'd'));
  assert.equal(three.bytes().toString(), 'c'.repeat(60) + 'd'.repeat(40));
  three.keep(Buffer.alloc(1));
  assert.deepEqual([three.isWhole(), three.bytes().length], [false, 0]);
  assert.equal(keepBody({ kind: 'length', bytes: 101 }).isWhole(), false, 'not even begun');
});
