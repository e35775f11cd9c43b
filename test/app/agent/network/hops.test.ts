import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import type { RequestListener } from 'node:http';
import { test, type TestContext } from 'node:test';
import {
  createNetwork,
  type Network,
  type NetworkOptions,
} from '../../../../app/main/agent/network/network.ts';
import { createCertificate, type TestCertificate } from '../../../support/certificate.ts';
import {
  startConnectProxy,
  type ConnectProxy,
  type ConnectProxyOptions,
} from '../../../support/connect-proxy.ts';
import { startHopServer } from '../../../support/hop-server.ts';
import { startSecureServer, type SecureServer } from '../../../support/secure-server.ts';
import { until } from '../../../support/until.ts';

const RELAY = new URL('https://relay.example.test');

const answerOf: RequestListener = (request, response) => {
  if (request.method !== 'POST') {
    response.end('hello');
    return;
  }
  const hash = createHash('sha256');
  request.on('data', (chunk: Buffer) => hash.update(chunk));
  request.on('end', () => response.end(hash.digest('hex')));
};

interface Bench {
  readonly tls: TestCertificate;
  readonly server: SecureServer;
  readonly proxy: ConnectProxy;
  readonly network: Network;
  readonly url: string;
}

/** A relay that only a proxy knows, and whose authority only the CA file names. */
async function bench(
  t: TestContext,
  options: ConnectProxyOptions & { readonly connectMs?: number } = {},
  change: (proxy: ConnectProxy) => Partial<NetworkOptions> = () => ({}),
): Promise<Bench> {
  const tls = createCertificate(t, 'relay.example.test');
  const server = await startSecureServer(t, tls, answerOf);
  const names = { 'relay.example.test:443': server.port };
  const proxy = await startConnectProxy(t, { names, ...options });
  const network = createNetwork({
    proxy: proxy.url,
    caFile: tls.certFile,
    env: {},
    ...change(proxy),
  });
  const url = await startHopServer(t, network.relayPath, RELAY, options.connectMs);
  return { tls, server, proxy, network, url };
}

async function get(url: string): Promise<string> {
  const answer = await fetch(url, { signal: AbortSignal.timeout(60_000) });
  return `${answer.status} ${await answer.text()}`;
}

test('requests go through one tunnel, which is kept; a later one takes up the TLS session', async (t) => {
  const { server, proxy, url } = await bench(t, { auth: 'ann:pass word' }, (proxy) => ({
    proxy: proxy.url.replace('//', '//ann:pass%20word@'),
  }));
  assert.equal(await get(`${url}/a`), '200 hello');
  assert.equal(await get(`${url}/b`), '200 hello');
  assert.deepEqual(server.paths, ['/a', '/b']);
  assert.equal(proxy.heads.length, 1);
  assert.match(
    proxy.heads[0] ?? '',
    /^CONNECT relay\.example\.test:443 HTTP\/1\.1\r\nHost: relay\.example\.test:443\r\nProxy-Authorization: Basic \S+$/,
  );
  proxy.cut();
  await until('the tunnel is closed', () => proxy.open() === 0);
  assert.equal(await get(`${url}/c`), '200 hello');
  assert.deepEqual(server.resumed, [false, true]);
});

test('a large body arrives whole through a tunnel, and through one over TLS', async (t) => {
  const body = randomBytes(4 * 1024 * 1024);
  const expected = createHash('sha256').update(body).digest('hex');
  const tls = createCertificate(t, 'relay.example.test');
  const server = await startSecureServer(t, tls, answerOf);
  const names = { 'relay.example.test:443': server.port };
  for (const secure of [{}, { tls }]) {
    const proxy = await startConnectProxy(t, { names, ...secure });
    const network = createNetwork({ proxy: proxy.url, caFile: tls.certFile, env: {} });
    const url = await startHopServer(t, network.relayPath, RELAY);
    const answer = await fetch(url, { method: 'POST', body });
    assert.equal(await answer.text(), expected);
    assert.equal(await (await network.fetch(RELAY.href)).text(), 'hello');
    assert.equal(proxy.heads.length, 2);
  }
});

test('a proxy whose own certificate is not trusted gets neither request nor password', async (t) => {
  const { url, proxy } = await bench(t, { tls: createCertificate(t) }, (proxy) => ({
    proxy: proxy.url.replace('//', '//ann:hunter2@'),
  }));
  assert.match(await get(url), /^502 relay_unreachable: .*its certificate is not trusted/);
  assert.deepEqual(proxy.heads, []);
});

const REFUSALS: readonly [string, ConnectProxyOptions, RegExp][] = [
  [
    'asks for a password',
    { auth: 'ann:secret' },
    /asks for a name and password \(407\); set network\.proxy to http:\/\/NAME:PASSWORD@127/,
  ],
  [
    'wants NTLM only',
    {
      answer: (socket) =>
        socket.end(
          'HTTP/1.1 407 No\r\nProxy-Authenticate: NTLM\r\nProxy-Authenticate: Negotiate\r\n\r\n',
        ),
    },
    /wants NTLM or Negotiate \(407\)/,
  ],
  [
    'answers 403',
    { answer: (socket) => socket.end('HTTP/1.1 403 Forbidden\r\n\r\n<html>') },
    /refuses the way to relay\.example\.test:443 \(403\)/,
  ],
  [
    'is none',
    { answer: (socket) => socket.end('SSH-2.0-OpenSSH_9.9\r\n\r\n') },
    /does not answer as an HTTP proxy/,
  ],
  [
    'has a bare LF in its head',
    { answer: (socket) => socket.end('HTTP/1.1 200 OK\nX: y\r\n\r\n') },
    /does not answer as an HTTP proxy/,
  ],
  [
    'has a field without a name',
    { answer: (socket) => socket.end('HTTP/1.1 200 OK\r\n folded\r\n\r\n') },
    /does not answer as an HTTP proxy/,
  ],
  [
    'never ends its head',
    { answer: (socket) => socket.write(`HTTP/1.1 200 OK\r\nX: ${'y'.repeat(20_000)}`) },
    /does not answer as an HTTP proxy/,
  ],
  [
    'closes',
    { answer: (socket) => socket.destroy() },
    /closed the connection without an answer|broke \(ECONNRESET\)/,
  ],
  [
    'sends bytes behind its 200',
    { behind: 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil' },
    /sent bytes that belong to no answer/,
  ],
];

for (const [name, options, text] of REFUSALS) {
  test(`a proxy that ${name}: the tool and our own calls are told so`, async (t) => {
    const { url, network, server } = await bench(t, options);
    const told = await get(url);
    assert.match(
      told,
      /^502 relay_unreachable: The relay relay\.example\.test cannot be reached: /,
    );
    assert.match(told, text);
    await assert.rejects(network.fetch(RELAY.href), text);
    assert.deepEqual(server.paths, []);
  });
}

test('a wrong password is told, and repeated nowhere', async (t) => {
  const { url } = await bench(t, { auth: 'ann:right' }, (proxy) => ({
    proxy: proxy.url.replace('//', '//ann:hunter2@'),
  }));
  const told = await get(url);
  assert.match(told, /does not accept the name and password that are set for it \(407\)/);
  assert.doesNotMatch(told, /hunter2|YW5uOmh1bnRlcjI/);
});

test('a proxy that hangs is given up, and its connection closed', async (t) => {
  const { url, proxy } = await bench(t, { answer: () => undefined, connectMs: 300 });
  assert.match(await get(url), /^504 relay_timeout/);
  await until('the tunnel is closed', () => proxy.open() === 0);
});

test('a proxy where nothing listens is named', async (t) => {
  const { url } = await bench(t, {}, () => ({ proxy: 'http://ann:hunter2@127.0.0.1:1' }));
  const told = await get(url);
  assert.match(told, /the proxy http:\/\/127\.0\.0\.1:1 cannot be reached \(ECONNREFUSED/);
  assert.doesNotMatch(told, /hunter2/);
});

test('without the CA file nothing is sent to the relay, on either path', async (t) => {
  const { url, network, server } = await bench(t, {}, () => ({ caFile: undefined }));
  assert.match(
    await get(url),
    /^502 relay_unreachable: The relay: Its TLS certificate is not accepted/,
  );
  await assert.rejects(network.fetch(RELAY.href), { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' });
  assert.deepEqual(server.paths, []);
});

test('a relay with another name in its certificate is not believed', async (t) => {
  const { tls, server, proxy } = await bench(t);
  const other = new URL('https://other.example.test');
  const names = { 'other.example.test:443': server.port };
  const second = await startConnectProxy(t, { names });
  const network = createNetwork({ proxy: second.url, caFile: tls.certFile, env: {} });
  const url = await startHopServer(t, network.relayPath, other);
  assert.match(await get(url), /certificate is not accepted/);
  await assert.rejects(network.fetch(other.href), { code: 'ERR_TLS_CERT_ALTNAME_INVALID' });
  assert.deepEqual([server.paths, proxy.heads], [[], []]);
});

test('a CA file of no use is told on both paths, and nothing is sent', async (t) => {
  const { url, network, proxy } = await bench(t, {}, () => ({ caFile: '/nowhere/ca.pem' }));
  assert.match(
    await get(url),
    /^500 bad_settings: network\.caFile: \/nowhere\/ca\.pem cannot be read \(ENOENT\)/,
  );
  await assert.rejects(network.fetch(RELAY.href), /network\.caFile/);
  assert.deepEqual(proxy.heads, []);
});

test('a relay on this computer is reached directly whatever is set, with the CA file', async (t) => {
  const { tls, server, proxy, network } = await bench(t);
  const local = new URL(`https://localhost:${server.port}`);
  const direct = await startHopServer(t, network.relayPath, local);
  assert.equal(await get(direct), '200 hello');
  assert.equal(await (await network.fetch(local.href)).text(), 'hello');
  assert.deepEqual(proxy.heads, []);
  const without = createNetwork({ env: {} });
  assert.match(
    await get(await startHopServer(t, without.relayPath, local)),
    /certificate is not accepted/,
  );
  assert.ok(tls.cert.length > 0);
});

test('when the system names another proxy, new requests take it and the old tunnels are let go', async (t) => {
  let nowMs = 1_000_000;
  let system = '';
  const first = await bench(t, {}, (proxy) => {
    system = `PROXY 127.0.0.1:${proxy.port}`;
    return { proxy: undefined, resolveSystem: () => Promise.resolve(system), now: () => nowMs };
  });
  assert.equal(await get(first.url), '200 hello');
  const second = await startConnectProxy(t, {
    names: { 'relay.example.test:443': first.server.port },
  });
  system = `PROXY 127.0.0.1:${second.port}`;
  nowMs += 60_000;
  await until('the way leads over the second proxy', () =>
    first.network.relayPath.way(RELAY).includes(String(second.port)),
  );
  assert.equal(await get(first.url), '200 hello');
  assert.equal(second.heads.length, 1);
  await until('the tunnel of the first proxy is closed', () => first.proxy.open() === 0);
});
