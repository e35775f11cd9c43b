import assert from 'node:assert/strict';
import { createServer, type RequestListener } from 'node:http';
import { test, type TestContext } from 'node:test';
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import { transportReason, type Fetch } from '../../../../app/main/agent/login/outbound.ts';
import { createDialer } from '../../../../app/main/agent/network/dial.ts';
import { listenOnLoopback } from '../../../../demo/listen.ts';
import { createNetwork } from '../../../../app/main/agent/network/network.ts';
import { createOutboundFetch } from '../../../../app/main/agent/network/outbound-fetch.ts';
import { createProxyChoice } from '../../../../app/main/agent/network/proxy-choice.ts';
import { createTrust } from '../../../../app/main/agent/network/trust.ts';
import { startConnectProxy } from '../../../support/connect-proxy.ts';
import { createRawUpstream } from '../../../support/raw.ts';
import { until } from '../../../support/until.ts';

async function serve(t: TestContext, listener: RequestListener): Promise<string> {
  const { url, close } = await listenOnLoopback(createServer(listener), 0);
  t.after(close);
  return url;
}

function limited(limits: Parameters<typeof createOutboundFetch>[2]): Fetch {
  const choice = createProxyChoice({
    env: {},
    now: Date.now,
    createPac: () => assert.fail('no script was named'),
  });
  const trust = createTrust();
  return createOutboundFetch(createDialer(choice, trust), trust, limits);
}

test('a form is sent and answered as by the built-in fetch', async (t) => {
  const seen: unknown[] = [];
  const url = await serve(t, (request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (chunk: string) => (body += chunk));
    request.on('end', () => {
      const { 'content-type': type, 'content-length': length, dpop, host } = request.headers;
      seen.push({ method: request.method, url: request.url, body, type, length, dpop, host });
      response.writeHead(201, 'Made', [
        ['Set-Cookie', 'a=1'],
        ['Set-Cookie', 'b=2'],
        ['X-Y', 'z'],
      ] as never);
      response.end('{"ok":true}');
    });
  });
  const init: RequestInit = {
    method: 'POST',
    headers: new Headers({ dpop: 'proof' }),
    body: new URLSearchParams({ code: 'a b&c' }),
    redirect: 'manual',
  };
  for (const fetch of [createNetwork({ env: {} }).fetch, globalThis.fetch as Fetch]) {
    const answer = await fetch(`${url}/token?x=1`, init);
    assert.deepEqual(
      [answer.status, answer.statusText, answer.headers.get('x-y')],
      [201, 'Made', 'z'],
    );
    assert.deepEqual(answer.headers.getSetCookie(), ['a=1', 'b=2']);
    assert.deepEqual(await answer.json(), { ok: true });
  }
  assert.deepEqual(seen[0], seen[1]);
});

test('redirects are never followed; answers without a body have none', async (t) => {
  const url = await serve(t, (request, response) => {
    const status = Number(request.url?.slice(1));
    response.writeHead(status, { location: '/200' }).end(status === 302 ? 'moved' : undefined);
  });
  const { fetch } = createNetwork({ env: {} });
  const moved = await fetch(`${url}/302`);
  assert.deepEqual(
    [moved.status, moved.headers.get('location'), await moved.text()],
    [302, '/200', 'moved'],
  );
  for (const status of [204, 304]) assert.equal((await fetch(`${url}/${status}`)).body, null);
});

test('compressed answers are read; one that unfolds without end is not', async (t) => {
  const codings = { gzip: gzipSync, deflate: deflateSync, br: brotliCompressSync };
  const url = await serve(t, (request, response) => {
    const name = (request.url ?? '').slice(1);
    const large = name === 'bomb';
    const pack = codings[(large ? 'gzip' : name) as 'gzip'] ?? ((text: Buffer) => text);
    response.writeHead(200, { 'content-encoding': large ? 'gzip' : name });
    response.end(pack(Buffer.alloc(large ? 5_000_000 : 3, 'x')));
  });
  const fetch = limited({ answerBytes: 1_000_000 });
  for (const name of Object.keys(codings))
    assert.equal(await (await fetch(`${url}/${name}`)).text(), 'xxx', name);
  await assert.rejects((await fetch(`${url}/bomb`)).text(), /too large/);
  await assert.rejects(
    async () => (await fetch(`${url}/zstd-or-so`)).text(),
    /is encoded as zstd-or-so/,
  );
});

test('time-outs and given-up calls end at once, as fetch says it, and leave no connection', async (t) => {
  const silent = await createRawUpstream(() => undefined);
  t.after(() => silent.close());
  const { fetch } = createNetwork({ env: {} });
  const slow = await fetch(silent.url, { signal: AbortSignal.timeout(100) }).catch(
    (error: unknown) => error,
  );
  assert.equal((slow as Error).name, 'TimeoutError');
  assert.equal(transportReason(slow), 'no answer in time');
  const own = await limited({ totalMs: 100 })(silent.url).catch((error: unknown) => error);
  assert.equal(transportReason(own), 'no answer in time');
  const given = new AbortController();
  const call = fetch(silent.url, { signal: given.signal });
  setTimeout(() => given.abort(new Error('mine')), 50);
  await assert.rejects(call, /mine/);
  await assert.rejects(
    fetch(silent.url, { signal: AbortSignal.abort(new Error('early')) }),
    /early/,
  );
  const proxy = await startConnectProxy(t, { answer: () => undefined });
  const through = createNetwork({ env: {}, proxy: proxy.url });
  const hung = await through
    .fetch('https://relay.example.test', { signal: AbortSignal.timeout(100) })
    .catch((error: unknown) => error);
  assert.equal(transportReason(hung), 'no answer in time');
  await until('no connection is left', () => silent.open() + proxy.open() === 0);
});

test('an answer that ends early or is no HTTP is a failure', async (t) => {
  const { fetch } = createNetwork({ env: {} });
  const answers = [
    'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort',
    'SSH-2.0-x\r\n\r\n',
    'HTTP/1.1 999 Odd\r\nContent-Length: 0\r\n\r\n',
    '',
  ];
  for (const answer of answers) {
    const raw = await createRawUpstream((socket) => socket.end(answer));
    t.after(() => raw.close());
    await assert.rejects(async () => (await fetch(raw.url)).text(), answer);
  }
  await assert.rejects(fetch('http://127.0.0.1:1'), { code: 'ECONNREFUSED' });
});

test('a compressed answer that ends early, or while it is awaited, is a failure at once', async (t) => {
  const head = 'HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 1000\r\n\r\n';
  const start = gzipSync('x'.repeat(100)).subarray(0, 15).toString('latin1');
  const cut = await createRawUpstream((socket) => socket.end(head + start, 'latin1'));
  t.after(() => cut.close());
  const { fetch } = createNetwork({ env: {} });
  await assert.rejects(async () => (await fetch(cut.url)).text());
  const slow = await createRawUpstream((socket) => socket.write(head + start, 'latin1'));
  t.after(() => slow.close());
  const leaving = new AbortController();
  const awaited = (await fetch(slow.url, { signal: leaving.signal })).text();
  leaving.abort();
  await assert.rejects(awaited);
});

test('what a proxy says reaches people in the words of the step that failed', async () => {
  const { fetch } = createNetwork({ env: {}, proxy: 'http://ann:hunter2@127.0.0.1:1' });
  const error = await fetch('https://idp.example.test').catch((error: unknown) => error);
  const reason = transportReason(error);
  assert.match(reason, /^the proxy http:\/\/127\.0\.0\.1:1 cannot be reached \(ECONNREFUSED/);
  assert.doesNotMatch(reason, /hunter2/);
  assert.equal(transportReason(new TypeError('fetch failed', { cause: error })), reason);
});
