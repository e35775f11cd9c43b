import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { test } from 'node:test';
import { settledRecords } from '../audit/ledger-dir.ts';
import { freePort } from '../support/free-port.ts';
import { readMetrics } from '../support/operator.ts';
import { codeOf, createRawUpstream, sendRaw, statusOf, trickle } from '../support/raw.ts';
import { createRelayBench } from '../support/relay.ts';
import { until } from '../support/until.ts';

const quick = { quietMs: 150 };
const get = (token: string, path = '/x/a'): string =>
  `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer ${token}\r\n\r\n`;

test('one person cannot have more than the allowance; another has their own', async (t) => {
  const bench = await createRelayBench(t, {
    api: '    limits: { rate: { requests: 3, per: 1h, by: user } }',
  });
  const alice = await bench.token({ sub: 'alice' });
  const statuses: number[] = [];
  let last = '';
  for (let at = 0; at < 5; at++) {
    last = await sendRaw(bench.relay.url, get(alice), quick);
    statuses.push(statusOf(last));
  }
  assert.deepEqual(statuses, [200, 200, 200, 429, 429]);
  assert.equal(codeOf(last), 'rate_limited');
  assert.match(last, /\r\nRetry-After: 1(?:1[0-9]{2}|200)\r\n/);
  assert.equal(
    statusOf(await sendRaw(bench.relay.url, get(await bench.token({ sub: 'bob' })), quick)),
    200,
  );
  assert.equal(bench.upstream.requests(), 4);
  const denied = (await settledRecords(bench.auditDir)).filter(
    ({ code }) => code === 'rate_limited',
  );
  assert.equal(denied.filter(({ kind, user }) => kind === 'request' && user === 'alice').length, 2);
  const counted =
    'latchkey_requests_total{api="x",decision="deny",code="rate_limited",status="429"}';
  await until('both are counted', async () => (await readMetrics(bench)).get(counted) === 2);
});

test('an API has only so many exchanges open, and a place is free when one ends', async (t) => {
  const upstream = await createRawUpstream(() => {});
  const bench = await createRelayBench(t, { upstream, api: '    limits: { concurrent: 2 }' });
  const token = await bench.token();
  const { hostname, port } = new URL(bench.relay.url);
  const waiting = [0, 1].map(() => connect(Number(port), hostname));
  for (const socket of waiting) {
    await once(socket, 'connect');
    socket.write(get(token));
  }
  await until('both wait', () => upstream.requests() === 2);
  const refused = await sendRaw(bench.relay.url, get(token), quick);
  assert.equal(statusOf(refused), 429);
  assert.match(refused, /\r\nRetry-After: 1\r\n/);
  waiting[0]?.destroy();
  await until('a place is free', () => upstream.open() === 1);
  const third = connect(Number(port), hostname);
  third.write(get(token));
  await until('it is taken', () => upstream.requests() === 3);
  third.destroy();
  waiting[1]?.destroy();
});

test('a flood of bad tokens is turned away unseen; a token that is known still passes', async (t) => {
  const bench = await createRelayBench(t, {
    top: 'limits: { failedAuthentications: { requests: 5, per: 1h } }',
  });
  const good = await bench.token();
  assert.equal(statusOf(await sendRaw(bench.relay.url, get(good), quick)), 200);
  const statuses = new Set<number>();
  for (let at = 0; at < 8; at++)
    statuses.add(
      statusOf(await sendRaw(bench.relay.url, get(`${good.slice(0, -8)}AAAAAAA${at}`), quick)),
    );
  assert.deepEqual([...statuses], [401, 429]);
  assert.equal(statusOf(await sendRaw(bench.relay.url, get(good), quick)), 200);
});

test('one address cannot take every connection', async (t) => {
  const bench = await createRelayBench(t, { top: 'limits: { connectionsPerIp: 3 }' });
  const { hostname, port } = new URL(bench.relay.url);
  const sockets = Array.from({ length: 5 }, () => connect(Number(port), hostname));
  t.after(() => sockets.forEach((socket) => socket.destroy()));
  const closed: unknown[] = [];
  for (const socket of sockets) {
    socket.on('error', () => {});
    socket.on('close', () => closed.push(socket));
  }
  await until('two are closed', () => closed.length >= 2);
  assert.equal(closed.length, 2);
  const refused = 'latchkey_connections_refused_total{reason="address"}';
  assert.equal((await readMetrics(bench)).get(refused), 2);
  const token = await bench.token();
  sockets.find((socket) => !socket.destroyed)?.destroy();
  const isServed = async (): Promise<boolean> =>
    statusOf(await sendRaw(bench.relay.url, get(token), quick)) === 200;
  await until('the relay has seen that a place is free', isServed);
});

test('a body that trickles is 408, recorded, and frees the upstream', async (t) => {
  const upstream = await createRawUpstream(() => {});
  const bench = await createRelayBench(t, {
    upstream,
    top: 'limits: { bodyRate: 1KB, bodyGrace: 1s }',
  });
  const head = get(await bench.token())
    .replace('GET', 'POST')
    .replace('\r\n\r\n', '\r\nContent-Length: 100000\r\n\r\n');
  const answer = await trickle(bench.relay.url, head);
  assert.equal(statusOf(answer), 408, answer);
  assert.equal(codeOf(answer), 'too_slow');
  await until('the upstream is free', () => upstream.open() === 0);
  const records = await settledRecords(bench.auditDir);
  assert.ok(records.some(({ code, status }) => code === 'too_slow' && status === 408));
});

test('a request after a refused body is served on the same connection', async (t) => {
  const bench = await createRelayBench(t, { upstreams: [`http://127.0.0.1:${await freePort()}`] });
  const token = await bench.token();
  const body = 'x'.repeat(200_000);
  const post = get(token)
    .replace('GET', 'POST')
    .replace('\r\n\r\n', `\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
  const answer = await sendRaw(bench.relay.url, post + get(token), { quietMs: 1_000 });
  assert.equal(answer.match(/HTTP\/1\.1 502/g)?.length, 2, answer);
});
