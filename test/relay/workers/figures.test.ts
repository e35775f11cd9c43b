import assert from 'node:assert/strict';
import { test } from 'node:test';
import { countersOf, sumMetrics } from '../../../relay/workers/metrics-sum.ts';
import { mergeChecks } from '../../../relay/workers/overview.ts';
import { createRota } from '../../../relay/workers/rota.ts';
import { shareOf } from '../../../relay/workers/share.ts';
import { GOOD, load } from '../../support/relay-yaml.ts';
import type { Socket } from 'node:net';
import { EventEmitter } from 'node:events';

const text = (count: number, healthy: number, streams: number, memory: number): string => `
# HELP latchkey_requests_total Requests that ended.
# TYPE latchkey_requests_total counter
latchkey_requests_total{api="x",code="a b, \\"{c}"} ${count}
# HELP latchkey_request_duration_seconds How long.
# TYPE latchkey_request_duration_seconds histogram
latchkey_request_duration_seconds_bucket{le="+Inf",api="x"} ${count}
latchkey_request_duration_seconds_sum{api="x"} 0.5
# HELP latchkey_upstream_healthy 1 while used.
# TYPE latchkey_upstream_healthy gauge
latchkey_upstream_healthy{api="x"} ${healthy}
# HELP latchkey_active_streams Under way.
# TYPE latchkey_active_streams gauge
latchkey_active_streams{api="x"} ${streams}
# HELP latchkey_audit_head_seq Number.
# TYPE latchkey_audit_head_seq gauge
latchkey_audit_head_seq ${count}
# HELP process_resident_memory_bytes Memory.
# TYPE process_resident_memory_bytes gauge
process_resident_memory_bytes ${memory}
# HELP nodejs_version_info Version.
# TYPE nodejs_version_info gauge
nodejs_version_info{version="v24"} 1
`;

const lines = (all: string): string[] =>
  all.split('\n').filter((line) => line !== '' && !line.startsWith('#'));

test('counts add up, gauges by what they mean, processes keep their own', () => {
  const sum = sumMetrics([
    { worker: '1', text: text(2, 1, 3, 100) },
    { worker: '2', text: text(5, 0, 4, 200) },
  ]);
  assert.deepEqual(lines(sum), [
    'latchkey_requests_total{api="x",code="a b, \\"{c}"} 7',
    'latchkey_request_duration_seconds_bucket{le="+Inf",api="x"} 7',
    'latchkey_request_duration_seconds_sum{api="x"} 1',
    'latchkey_upstream_healthy{api="x"} 0',
    'latchkey_active_streams{api="x"} 7',
    'latchkey_audit_head_seq 5',
    'process_resident_memory_bytes{worker="1"} 100',
    'process_resident_memory_bytes{worker="2"} 200',
    'nodejs_version_info{worker="1",version="v24"} 1',
    'nodejs_version_info{worker="2",version="v24"} 1',
  ]);
  assert.equal(sum.match(/# TYPE latchkey_requests_total/g)?.length, 1);
});

test('what is gone keeps its counts, and nothing else', () => {
  const former = countersOf(text(2, 0, 3, 100));
  assert.deepEqual(lines(former).length, 3);
  const sum = sumMetrics([
    { worker: '1', text: text(5, 1, 4, 200) },
    { worker: 'former', text: former },
  ]);
  assert.ok(sum.includes('code="a b, \\"{c}"} 7\n'));
  assert.ok(sum.includes('latchkey_upstream_healthy{api="x"} 1\n'));
  assert.ok(sum.includes('latchkey_active_streams{api="x"} 4\n'));
});

test('values that are no plain numbers survive', () => {
  const odd = '# TYPE x gauge\nx{a="1"} NaN\nx{a="2"} +Inf\nx{a="3"} -Inf\nx{a="4"} 1.5e-7\n';
  assert.deepEqual(lines(sumMetrics([{ worker: '1', text: odd }])), [
    'x{a="1"} NaN',
    'x{a="2"} +Inf',
    'x{a="3"} -Inf',
    'x{a="4"} 1.5e-7',
  ]);
});

test('a check is as bad as in the worst process', () => {
  const merged = mergeChecks([
    [{ name: 'audit', ok: true }],
    [
      { name: 'audit', ok: true },
      { name: 'issuer a', ok: true, keys: 2, keysAgeSeconds: 3 },
    ],
    [
      { name: 'audit', ok: false, detail: 'full' },
      { name: 'issuer a', ok: true, keys: 2, keysAgeSeconds: 9 },
      { name: 'issuer b', ok: false, detail: 'down' },
    ],
    [
      { name: 'issuer b', ok: true, keys: 1 },
      { name: 'upstreams', ok: true, detail: 'one is away' },
    ],
  ]);
  assert.deepEqual(merged, [
    { name: 'audit', ok: false, detail: 'full' },
    { name: 'issuer a', ok: true, keys: 2, keysAgeSeconds: 9 },
    { name: 'issuer b', ok: false, detail: 'down', keys: 1 },
    { name: 'upstreams', ok: true, detail: 'one is away' },
  ]);
});

const roomy = { connections: 100, perAddress: undefined };

/** A connection, as far as a rota looks at it. */
function socket(remoteAddress?: string) {
  const made = Object.assign(new EventEmitter(), {
    remoteAddress,
    destroyed: false,
    destroy: () => {},
  });
  made.destroy = () => void (made.destroyed = true);
  return made;
}

test('each connection goes to whoever has the fewest; equals take turns', () => {
  const rota = createRota<{ name: string; give(connection: number): void }>(() => roomy);
  const given: [string, number][] = [];
  const taker = (name: string) => ({
    name,
    give: (connection: number) => void given.push([name, connection]),
  });
  const take = () => rota.take(socket() as unknown as Socket);
  take();
  take();
  const [a, b, c] = [taker('a'), taker('b'), taker('c')];
  rota.join(a);
  assert.deepEqual(given.map(([name]) => name).join(''), 'aa', 'those that waited');
  rota.join(b);
  for (let at = 0; at < 4; at++) take();
  assert.equal(given.map(([name]) => name).join(''), 'aabbab');
  rota.closed(given.filter(([name]) => name === 'a').map(([, connection]) => connection));
  for (let at = 0; at < 3; at++) take();
  assert.equal(
    given
      .slice(6)
      .map(([name]) => name)
      .join(''),
    'aaa',
  );
  rota.join(c);
  rota.leave(a);
  take();
  take();
  assert.equal(
    given
      .slice(9)
      .map(([name]) => name)
      .join(''),
    'cc',
  );
  assert.deepEqual(
    [b, c].map((one) => rota.counts().get(one)),
    [3, 2],
  );
});

test('what comes beyond the limit is closed, wherever the others are', () => {
  const rota = createRota<{ give(connection: number): void }>(() => limits);
  const limits = { connections: 3, perAddress: undefined as number | undefined };
  const connections: number[] = [];
  const taker = { give: (connection: number) => void connections.push(connection) };
  const other = { give: (connection: number) => void connections.push(connection) };
  rota.join(taker);
  rota.join(other);
  const sockets = [1, 2, 3, 4].map(() => socket());
  for (const one of sockets) rota.take(one as unknown as Socket);
  assert.deepEqual(
    sockets.map(({ destroyed }) => destroyed),
    [false, false, false, true],
  );
  rota.closed([connections[0] as number]);
  const next = socket();
  rota.take(next as unknown as Socket);
  assert.equal(next.destroyed, false);
  // What a dead one had is closed with it.
  rota.forget(taker);
  rota.forget(other);
  limits.connections = 1;
  const waiting = [1, 2].map(() => socket());
  for (const one of waiting) rota.take(one as unknown as Socket);
  assert.deepEqual(
    waiting.map(({ destroyed }) => destroyed),
    [false, true],
  );
});

test('one address has its bound over all workers together', () => {
  const rota = createRota<{ give(connection: number): void }>(() => ({
    connections: 100,
    perAddress: 2,
  }));
  const connections: number[] = [];
  rota.take(socket('::ffff:10.0.0.1') as unknown as Socket);
  for (let at = 0; at < 2; at++)
    rota.join({ give: (connection: number) => void connections.push(connection) });
  const taken = ['10.0.0.1', '10.0.0.1', '10.0.0.2', undefined, undefined, undefined].map(
    (from) => {
      const one = socket(from);
      rota.take(one as unknown as Socket);
      return !one.destroyed;
    },
  );
  assert.deepEqual(taken, [true, false, true, true, true, true]);
  rota.closed([connections[0] as number]);
  const next = socket('10.0.0.1');
  rota.take(next as unknown as Socket);
  assert.equal(next.destroyed, false);
  assert.deepEqual(rota.refused(), { all: 0, address: 1 });
});

test('what workers count on their own is shared among them, and never grows to nothing', async (t) => {
  const config = await load(
    t,
    `${GOOD}    limits: { concurrent: 5 }
limits: { connectionsPerIp: 9, failedAuthentications: { requests: 7, per: 1m }, connections: 30 }
`,
  );
  const shared = shareOf(config, 2);
  assert.equal(shared.apis[0]?.limits.concurrent, 3);
  assert.deepEqual(shared.limits.failedAuthentications, { requests: 4, perMs: 60_000 });
  assert.equal(shared.limits.connectionsPerIp, undefined, 'the primary counts');
  assert.equal(shareOf({ ...config, proxyProtocol: true }, 2).limits.connectionsPerIp, 5);
  assert.equal(shareOf(config, 64).apis[0]?.limits.concurrent, 1);
  assert.equal(shared.limits.connections, 30);
  assert.equal(config.apis[0]?.limits.concurrent, 5);
});
