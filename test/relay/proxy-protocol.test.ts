import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { test } from 'node:test';
import fc from 'fast-check';
import { readProxyHeader } from '../../relay/proxy-protocol.ts';
import { allRecords } from '../audit/ledger-dir.ts';
import { sendRaw, statusOf } from '../support/raw.ts';
import { createRelayBench } from '../support/relay.ts';
import { until } from '../support/until.ts';

const quick = { quietMs: 200 };
const v1 = (text: string): Buffer => Buffer.from(text, 'latin1');
const SIGNATURE = '0d0a0d0a000d0a515549540a';
const v2 = (rest: string): Buffer => Buffer.from(SIGNATURE + rest, 'hex');
const IPV4 = v2('2111000cc0a80001c0a8000200501f90');

test('both versions are read, and what they may leave out', () => {
  const read = (bytes: Buffer): unknown => {
    const header = readProxyHeader(bytes);
    return header.kind === 'header' ? (header.address ?? '-') : header.kind;
  };
  assert.equal(read(v1('PROXY TCP4 192.0.2.1 10.0.0.1 5 443\r\nGET')), '192.0.2.1');
  assert.equal(read(v1('PROXY TCP6 2001:db8::1 ::1 5 443\r\n')), '2001:db8::1');
  assert.equal(read(v1('PROXY UNKNOWN\r\n')), '-');
  assert.equal(read(IPV4), '192.168.0.1');
  assert.equal(
    read(v2(`21210024${'20010db8'.padEnd(31, '0')}1${'0'.repeat(31)}100501f90`)),
    '2001:db8::1',
  );
  assert.equal(
    read(v2(`21210024${'0'.repeat(20)}ffffc0000201${'0'.repeat(31)}100501f90`)),
    '192.0.2.1',
  );
  assert.equal(read(v2('20000000')), '-');
  assert.equal(read(v2(`213100d8${'00'.repeat(216)}`)), '-');
  assert.equal(read(v2('2111000fc0a80001c0a8000200501f90aabbcc')), '192.168.0.1');
});

test('whatever is not to the letter is refused', () => {
  for (const text of [
    'GET / HTTP/1.1\r\n',
    'PROXY TCP4 192.0.2.1 10.0.0.1 5\r\n',
    'PROXY TCP4 192.0.2.1 10.0.0.1 5 443 6\r\n',
    'PROXY TCP4 192.0.2.300 10.0.0.1 5 443\r\n',
    'PROXY TCP4 2001:db8::1 ::1 5 443\r\n',
    'PROXY TCP4 192.0.2.1 10.0.0.1 05 443\r\n',
    'PROXY TCP4 192.0.2.1 10.0.0.1 5 65536\r\n',
    'PROXY  TCP4 192.0.2.1 10.0.0.1 5 443\r\n',
    `PROXY TCP4 ${'1'.repeat(120)}`,
    'proxy TCP4 192.0.2.1 10.0.0.1 5 443\r\n',
  ])
    assert.equal(readProxyHeader(v1(text)).kind, 'bad', text);
  for (const rest of [
    '1111000cc0a80001c0a8000200501f90',
    '2211000c',
    '21110004c0a80001',
    '2112000cc0a80001c0a8000200501f90',
    '2111ffff',
  ])
    assert.equal(readProxyHeader(v2(rest)).kind, 'bad', rest);
});

test('however it is cut, a header is read the same', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(IPV4, v1('PROXY TCP4 192.0.2.1 10.0.0.1 5 443\r\n')),
      fc.nat(),
      (bytes, at) => {
        const cut = at % bytes.length;
        assert.equal(readProxyHeader(bytes.subarray(0, cut)).kind, 'more');
        const whole = readProxyHeader(bytes);
        assert.ok(whole.kind === 'header' && whole.bytes === bytes.length);
      },
    ),
  );
});

const get = (token: string): string =>
  `GET /x/a HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer ${token}\r\n\r\n`;

test('the address that a trusted proxy names is the one that counts', async (t) => {
  const bench = await createRelayBench(t, {
    top: 'proxyProtocol: true\ntrustedProxies: [127.0.0.1/32]',
    rules: '      - { name: office, allow: { scopes: [read], from: [192.0.2.0/24] } }',
  });
  const token = await bench.token();
  const from = (address: string): string => `PROXY TCP4 ${address} 10.0.0.1 5 443\r\n`;
  assert.equal(
    statusOf(await sendRaw(bench.relay.url, from('192.0.2.7') + get(token), quick)),
    200,
  );
  assert.equal(
    statusOf(await sendRaw(bench.relay.url, from('198.51.100.7') + get(token), quick)),
    403,
  );
  const spread = [...from('192.0.2.8').split(''), get(token)];
  assert.equal(statusOf(await sendRaw(bench.relay.url, spread, quick)), 200);
  const binary = IPV4.toString('latin1') + get(token);
  assert.equal(statusOf(await sendRaw(bench.relay.url, binary, quick)), 403);
  const ips = async () =>
    (await allRecords(bench.auditDir)).flatMap(({ kind, ip }) => (kind === 'request' ? [ip] : []));
  await until('all are recorded', async () => (await ips()).length >= 4);
  assert.deepEqual(await ips(), ['192.0.2.7', '198.51.100.7', '192.0.2.8', '192.168.0.1']);
  assert.match(bench.upstream.received().join(''), /X-Forwarded-For: 192\.0\.2\.7\r\n/);
});

test('a connection without a header, or with two, gets nothing and is counted', async (t) => {
  const bench = await createRelayBench(t, {
    top: 'proxyProtocol: true\ntrustedProxies: [127.0.0.1/32]\nlimits: { headersTimeout: 5s }',
  });
  const token = await bench.token();
  assert.equal(await sendRaw(bench.relay.url, get(token), quick), '');
  const header = 'PROXY TCP4 192.0.2.7 10.0.0.1 5 443\r\n';
  assert.equal(statusOf(await sendRaw(bench.relay.url, header + header + get(token), quick)), 400);
  const { hostname, port } = new URL(bench.relay.url);
  const silent = connect(Number(port), hostname);
  silent.on('error', () => {});
  silent.resume();
  await once(silent, 'close', { signal: AbortSignal.timeout(60_000) });
  assert.equal(bench.upstream.requests(), 0);
  const metrics = await (await fetch(`${bench.relay.management}/metrics`)).text();
  assert.match(metrics, /latchkey_connections_refused_total\{reason="proxy"\} 2/);
});

test('a forged header from somebody who is no trusted proxy gets nothing', async (t) => {
  const bench = await createRelayBench(t, {
    top: 'proxyProtocol: true\ntrustedProxies: [10.0.0.0/8]',
  });
  const header = 'PROXY TCP4 10.0.0.7 10.0.0.1 5 443\r\n';
  assert.equal(await sendRaw(bench.relay.url, header + get(await bench.token()), quick), '');
});
