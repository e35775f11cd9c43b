import assert from 'node:assert/strict';
import { once } from 'node:events';
import http, { type RequestListener } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { test, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { createConnectionPool } from '../../wire/connection-pool.ts';
import { forward } from '../../wire/forward.ts';
import type { ForwardPlan, ForwardResult } from '../../wire/forward-plan.ts';
import { readFraming } from '../../wire/framing.ts';
import { requestHeaders, responseHeaders } from '../../wire/headers.ts';
import { createRawUpstream, sendRaw, statusOf } from '../support/raw.ts';
import { until } from '../support/until.ts';

const keep = { drop: () => false, add: [] };
const PATIENT = { connectMs: 60_000, headersMs: 60_000, idleMs: 60_000 };
/** For bytes whose last request closes the connection: a pause is no end of the answers. */
const UNTIL_CLOSED = { quietMs: 60_000, timeoutMs: 60_000 };

async function listen(t: TestContext, server: http.Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

interface Proxy {
  readonly url: string;
  /** How each exchange ended: a result, or the code that was thrown. */
  readonly ends: (ForwardResult | string)[];
}

async function proxyTo(
  t: TestContext,
  port: number,
  change: Partial<ForwardPlan> = {},
  before: (response: http.ServerResponse) => Promise<void> = () => Promise.resolve(),
): Promise<Proxy> {
  const pool = createConnectionPool({ host: '127.0.0.1', port });
  const ends: (ForwardResult | string)[] = [];
  const serve: RequestListener = (request, response) => {
    const framing = readFraming(request);
    const plan: ForwardPlan = {
      hop: { pool },
      method: request.method ?? '',
      path: request.url ?? '',
      framing,
      headers: requestHeaders(request.rawHeaders, request.method ?? '', 'up', framing, keep),
      maxBodyBytes: 1_000_000,
      timeouts: PATIENT,
      answer: (_status, raw) => responseHeaders(raw, keep),
      ...change,
    };
    const run = async (): Promise<ForwardResult> => {
      await before(response);
      return forward(request, response, plan);
    };
    run().then(
      (result) => ends.push(result),
      (error: unknown) => {
        const { code, status } = error as { code: string; status: number };
        ends.push(code);
        response.writeHead(status).end(code);
      },
    );
  };
  const server = http.createServer(serve);
  server.on('checkContinue', serve);
  const own = await listen(t, server);
  t.after(() => pool.destroy());
  return { url: `http://127.0.0.1:${own}`, ends };
}

const upstreamOf = async (t: TestContext, listener: RequestListener): Promise<number> =>
  listen(t, http.createServer(listener));

test('method, path, body and answer pass through', async (t) => {
  const port = await upstreamOf(t, (request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      response.writeHead(201, { 'X-Seen': `${request.method} ${request.url}` });
      response.end(body.toUpperCase());
    });
  });
  const { url, ends } = await proxyTo(t, port);
  const answer = await fetch(`${url}/a?b=c`, { method: 'PUT', body: 'hello' });
  assert.equal(answer.status, 201);
  assert.equal(answer.headers.get('x-seen'), 'PUT /a?b=c');
  assert.equal(await answer.text(), 'HELLO');
  await until('the exchange has ended', () => ends.length === 1);
  assert.deepEqual(ends, [{ kind: 'answered', status: 201, bytesIn: 5, bytesOut: 5 }]);
});

test('HEAD, 204 and 304 have no body and keep the connection', async (t) => {
  const port = await upstreamOf(t, (request, response) => {
    if (request.method === 'HEAD') response.writeHead(200, { 'Content-Length': '1000' });
    else response.writeHead(Number(request.url?.slice(1)));
    response.end();
  });
  const { url } = await proxyTo(t, port);
  const answer = await sendRaw(
    url,
    'HEAD /200 HTTP/1.1\r\nHost: h\r\n\r\nGET /204 HTTP/1.1\r\nHost: h\r\n\r\nGET /304 HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n',
    UNTIL_CLOSED,
  );
  assert.deepEqual(answer.match(/HTTP\/1\.1 [0-9]{3}/g), [
    'HTTP/1.1 200',
    'HTTP/1.1 204',
    'HTTP/1.1 304',
  ]);
  assert.match(answer, /content-length: 1000/i);
});

test('the head of a stream does not wait for its first event', async (t) => {
  let send: (() => void) | undefined;
  const port = await upstreamOf(t, (_request, response) => {
    response.writeHead(200, { 'Content-Type': 'text/event-stream' });
    response.flushHeaders();
    send = () => response.end('data: late\n\n');
  });
  const { url } = await proxyTo(t, port, { timeouts: { ...PATIENT, idleMs: 1_000 } });
  const answer = await fetch(url);
  await sleep(1_500);
  send?.();
  assert.equal(await answer.text(), 'data: late\n\n', 'silence longer than idleMs does not end it');
});

test('a client that goes away frees the upstream', async (t) => {
  let freed = false;
  const port = await upstreamOf(t, (_request, response) => {
    response.writeHead(200).write('x');
    response.on('close', () => (freed = true));
  });
  const { url, ends } = await proxyTo(t, port);
  const leave = new AbortController();
  const answer = await fetch(url, { signal: leave.signal });
  leave.abort();
  await assert.rejects(answer.text());
  await until('the upstream is free', () => freed && ends.length === 1);
  assert.equal((ends[0] as { cutBy?: string }).cutBy, 'client');
});

test('a truncated answer cuts the client, never passes for whole', async (t) => {
  const upstream = await createRawUpstream((socket) => {
    socket.write('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this');
    setTimeout(() => socket.destroy(), 50);
  });
  t.after(() => upstream.close());
  const { url, ends } = await proxyTo(t, upstream.port);
  const answer = await fetch(url);
  await assert.rejects(answer.text());
  await until('the exchange has ended', () => ends.length === 1);
  const { cutBy, problem } = ends[0] as Extract<ForwardResult, { kind: 'answered' }>;
  assert.deepEqual([cutBy, problem], ['upstream', 'upstream_protocol']);
});

test('no connection, no answer and a bad answer have each their code', async (t) => {
  const refused = await proxyTo(t, 1);
  assert.equal(await (await fetch(refused.url)).text(), 'upstream_unreachable');
  const silent = await createRawUpstream(() => {});
  const garbage = await createRawUpstream((socket) => socket.end('nonsense\r\n\r\n'));
  t.after(() => Promise.all([silent.close(), garbage.close()]));
  const short = { timeouts: { ...PATIENT, headersMs: 300 } };
  assert.equal(
    await (await fetch((await proxyTo(t, silent.port, short)).url)).text(),
    'upstream_timeout',
  );
  assert.equal(
    await (await fetch((await proxyTo(t, garbage.port)).url)).text(),
    'upstream_protocol',
  );
});

test('a body over the limit is refused, announced or not', async (t) => {
  const port = await upstreamOf(t, (request, response) => {
    request.resume();
    request.on('end', () => response.end('taken'));
  });
  const { url } = await proxyTo(t, port, { maxBodyBytes: 10 });
  assert.equal((await fetch(url, { method: 'POST', body: 'x'.repeat(11) })).status, 413);
  const chunked = await sendRaw(
    url,
    'POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nb\r\n01234567890\r\n0\r\n\r\n',
  );
  assert.equal(statusOf(chunked), 413);
});

test('100-continue is answered once the request may go on', async (t) => {
  const port = await upstreamOf(t, (request, response) => request.pipe(response));
  const { url } = await proxyTo(t, port);
  const answer = await sendRaw(
    url,
    'POST / HTTP/1.1\r\nHost: h\r\nConnection: close\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\nabc',
    UNTIL_CLOSED,
  );
  assert.match(answer, /^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 OK\r\n/);
  assert.match(answer, /abc/);
});

test('an early answer reaches the client and ends the exchange', async (t) => {
  const port = await upstreamOf(t, (_request, response) => {
    response.writeHead(200, { 'Content-Length': '5' }).end('early');
  });
  const { url } = await proxyTo(t, port);
  const answer = await sendRaw(
    url,
    ['POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 100000\r\n\r\n', 'x'.repeat(1000)],
    { quietMs: 500 },
  );
  assert.equal(statusOf(answer), 200);
  assert.match(answer, /early$/);
});

test('a kept-alive connection that the upstream closed is tried again, once, for GET only', async (t) => {
  const served = new WeakSet<Socket>();
  const upstream = await createRawUpstream((socket) => {
    // The peer closes just as the next request is on its way.
    if (served.has(socket)) return void socket.resetAndDestroy();
    served.add(socket);
    return void socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
  });
  t.after(() => upstream.close());
  const { url } = await proxyTo(t, upstream.port);
  const post = { method: 'POST', body: 'x' };
  assert.equal((await fetch(url)).status, 200);
  assert.equal((await fetch(url, post)).status, 502, 'POST is not');
  assert.equal((await fetch(url)).status, 200);
  assert.equal((await fetch(url)).status, 200, 'sent again on a new connection');
  assert.equal(upstream.requests(), 5);
});

test('trailers are passed on', async (t) => {
  const upstream = await createRawUpstream((socket) => {
    socket.write(
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: Grpc-Status\r\n\r\n2\r\nok\r\n0\r\nGrpc-Status: 0\r\n\r\n',
    );
  });
  t.after(() => upstream.close());
  const { url } = await proxyTo(t, upstream.port);
  const answer = await sendRaw(
    url,
    'GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n',
    UNTIL_CLOSED,
  );
  assert.match(answer, /0\r\nGrpc-Status: 0\r\n\r\n$/);
});

test('an exchange can be cut from outside', async (t) => {
  const port = await upstreamOf(t, (_request, response) => response.writeHead(200).write('x'));
  let cut: ((by: 'expiry') => void) | undefined;
  const { url, ends } = await proxyTo(t, port, {
    register: (given) => {
      cut = (by) => given.cut(by);
      return { end() {} };
    },
  });
  const answer = await fetch(url);
  cut?.('expiry');
  await assert.rejects(answer.text());
  await until('the exchange has ended', () => ends.length === 1);
  assert.equal((ends[0] as { cutBy?: string }).cutBy, 'expiry');
});

test('a client that left before the request was sent causes none', async (t) => {
  const upstream = await createRawUpstream();
  t.after(() => upstream.close());
  const { url, ends } = await proxyTo(t, upstream.port, {}, async (response) => {
    response.destroy();
    await sleep(50);
  });
  await assert.rejects(fetch(url));
  await until('the exchange has ended', () => ends.length === 1);
  assert.deepEqual(ends, [
    { kind: 'answered', status: 0, bytesIn: 0, bytesOut: 0, cutBy: 'client' },
  ]);
  assert.equal(upstream.requests(), 0);
});
