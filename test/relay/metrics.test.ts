import assert from 'node:assert/strict';
import { test } from 'node:test';
import { WebSocket } from 'ws';
import { createMetrics } from '../../relay/metrics.ts';
import { editConfig, postReload, readMetrics } from '../support/operator.ts';
import { createRawUpstream, sendRaw } from '../support/raw.ts';
import { createRelayBench, type RelayBench } from '../support/relay.ts';
import { createTestIssuer } from '../support/issuer.ts';
import { until } from '../support/until.ts';

async function get(bench: RelayBench, path: string, token?: string): Promise<number> {
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const answer = await fetch(bench.relay.url + path, { headers });
  await answer.arrayBuffer();
  return answer.status;
}

/** Reads the metrics until a sample has a value: an exchange is counted when it has ended. */
async function awaitSample(bench: RelayBench, name: string, value: number | undefined) {
  await until(`${name} is ${value}`, async () => (await readMetrics(bench)).get(name) === value);
}

const requests = (api: string, decision: string, code: string, status: number): string =>
  `latchkey_requests_total{api="${api}",decision="${decision}",code="${code}",status="${status}"}`;

test('each request counts once, by API, decision, code and status', async (t) => {
  const bench = await createRelayBench(t);
  const token = await bench.token();
  for (const path of ['/x/1', '/x/2']) await get(bench, path, token);
  await get(bench, '/x/1', await bench.token({ scope: 'other' }));
  await get(bench, '/nowhere', token);
  await get(bench, '/x/1');
  await get(bench, '/.latchkey/whoami', token);
  await get(bench, '/.well-known/oauth-protected-resource');
  await sendRaw(bench.relay.url, 'GET / HTTP/1.1\r\nBad Name: x\r\n\r\n');
  await awaitSample(bench, requests('x', 'allow', 'none', 200), 2);
  await awaitSample(bench, requests('none', 'allow', 'none', 200), 2);
  await awaitSample(bench, requests('none', 'deny', 'bad_request', 400), 1);
  const samples = await readMetrics(bench);
  const counted = new Map(
    [...samples].filter(([name]) => name.startsWith('latchkey_requests_total')),
  );
  assert.deepEqual(
    counted,
    new Map([
      [requests('x', 'allow', 'none', 200), 2],
      [requests('x', 'deny', 'scope', 403), 1],
      [requests('none', 'deny', 'unknown_api', 404), 1],
      [requests('none', 'deny', 'token_missing', 401), 1],
      [requests('none', 'allow', 'none', 200), 2],
      [requests('none', 'deny', 'bad_request', 400), 1],
    ]),
  );
  assert.equal(samples.get('latchkey_request_duration_seconds_count{api="x"}'), 3);
  assert.equal(samples.get('latchkey_upstream_duration_seconds_count{api="x"}'), 2);
  assert.equal(samples.get('latchkey_active_streams{api="x",kind="http"}'), 0);
});

test('a failing API is an allowed request with the code of its failure', async (t) => {
  const upstream = await createRawUpstream((socket) => socket.destroy());
  const bench = await createRelayBench(t, { upstream });
  assert.equal(await get(bench, '/x/1', await bench.token()), 502);
  await awaitSample(bench, requests('x', 'allow', 'upstream_unreachable', 502), 1);
  await awaitSample(bench, 'latchkey_active_streams{api="x",kind="http"}', 0);
});

test('verifications count by issuer, result and path; what a stranger writes is no label', async (t) => {
  const bench = await createRelayBench(t);
  const stranger = await createTestIssuer();
  t.after(() => stranger.close());
  const { issuer } = bench.issuer;
  const token = await bench.token();
  for (let round = 0; round < 3; round++) await get(bench, '/x/1', token);
  await get(bench, '/x/1', await bench.token({ exp: 1_000 }));
  for (let round = 0; round < 5; round++)
    await get(bench, '/x/1', await stranger.mint({ iss: `https://${round}.example` }));
  await get(bench, '/x/1', 'no-token-at-all');
  const samples = await readMetrics(bench);
  const counted = [...samples]
    .filter(([name]) => name.includes('verifications'))
    .map(([name, count]) => `${/\{(.*)\}/.exec(name)?.[1]} ${count}`)
    .sort();
  assert.deepEqual(
    counted,
    [
      `issuer="${issuer}",result="ok",path="cache" 2`,
      `issuer="${issuer}",result="ok",path="jwks" 1`,
      `issuer="${issuer}",result="token_expired",path="jwks" 1`,
      'issuer="unknown",result="token_issuer",path="jwks" 5',
      'issuer="unknown",result="token_signature",path="jwks" 1',
    ].sort(),
  );
  assert.doesNotMatch([...samples.keys()].join('\n'), /\.example/);
});

test('streams count while they are open, by kind', async (t) => {
  const upstream = await createRawUpstream((socket, bytes) => {
    const key = /\r\nSec-WebSocket-Key: /i.test(bytes);
    if (key)
      socket.write(
        'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n',
      );
    else socket.write('HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: 1\n\n');
  });
  const bench = await createRelayBench(t, { upstream });
  const open = (kind: string): string => `latchkey_active_streams{api="x",kind="${kind}"}`;
  const headers = { authorization: `Bearer ${await bench.token()}` };
  const leaving = new AbortController();
  const feed = await fetch(`${bench.relay.url}/x/feed`, { headers, signal: leaving.signal });
  await awaitSample(bench, open('sse'), 1);
  await awaitSample(bench, open('http'), 0);
  const socket = new WebSocket(`${bench.relay.url.replace('http', 'ws')}/x/ws`, { headers });
  // The upstream answers without the key's hash, so the client leaves by itself.
  socket.on('error', () => {});
  await awaitSample(bench, requests('x', 'allow', 'none', 101), 1);
  await awaitSample(bench, open('websocket'), 0);
  leaving.abort();
  await feed.text().catch(() => {});
  await awaitSample(bench, open('sse'), 0);
});

test('gauges show issuers, upstreams, audit and configuration, and forget what a reload removed', async (t) => {
  const bench = await createRelayBench(t);
  const other = await createRawUpstream();
  t.after(() => other.close());
  const before = await readMetrics(bench);
  const { issuer } = bench.issuer;
  assert.ok((before.get(`latchkey_jwks_age_seconds{issuer="${issuer}"}`) ?? -1) >= 0);
  assert.equal(before.get(`latchkey_issuer_ready{issuer="${issuer}"}`), 1);
  assert.equal(
    before.get(`latchkey_upstream_healthy{api="x",upstream="${bench.upstream.url}"}`),
    1,
  );
  assert.equal(before.get('latchkey_audit_lag_seconds'), 0);
  assert.ok((before.get('latchkey_audit_head_seq') ?? 0) >= 2);
  assert.ok((before.get('process_resident_memory_bytes') ?? 0) > 0);
  const loadedAt = before.get('latchkey_config_loaded_timestamp_seconds') ?? 0;
  assert.ok(Math.abs(loadedAt - Date.now() / 1_000) < 60);
  await editConfig(bench, (text) => text.replace(bench.upstream.url, other.url));
  await postReload(bench);
  const after = await readMetrics(bench);
  const upstreams = [...after.keys()].filter((name) => name.includes('upstream_healthy'));
  assert.deepEqual(upstreams, [`latchkey_upstream_healthy{api="x",upstream="${other.url}"}`]);
  assert.ok((after.get('latchkey_config_loaded_timestamp_seconds') ?? 0) > loadedAt);
});

test('what a request costs the metrics is told', () => {
  const metrics = createMetrics({ now: Date.now, processDefaults: false });
  const rounds = 20_000;
  const started = performance.now();
  for (let round = 0; round < rounds; round++) {
    const visit = {
      requestId: '',
      ip: '',
      traceId: '',
      traceparent: '',
      startedAtMs: Date.now(),
      kind: 'http',
      api: 'x',
      decision: 'allow',
      status: 200,
    } as Parameters<typeof metrics.ended>[0];
    metrics.verified({ issuer: 'https://idp.example.com', result: 'ok', path: 'cache' });
    metrics.opened(visit);
    metrics.answered(visit, ['Content-Type', 'application/json']);
    metrics.closed(visit);
    metrics.ended(visit, 200);
  }
  const microseconds = ((performance.now() - started) * 1_000) / rounds;
  process.stdout.write(`# metrics: ${microseconds.toFixed(2)} µs a request\n`);
});
