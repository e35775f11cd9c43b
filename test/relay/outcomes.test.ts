import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { test } from 'node:test';
import type { AuditRecord } from '../../audit/record.ts';
import { settledRecords } from '../audit/ledger-dir.ts';
import { createRawUpstream, sendRaw } from '../support/raw.ts';
import { createRelayBench, type RelayBench } from '../support/relay.ts';
import { bodyOf } from '../support/letter.ts';
import { bearer, send } from '../support/refused.ts';
import { readMetrics } from '../support/operator.ts';
import { until } from '../support/until.ts';

const HEAD = 'HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n';

async function storyOf(bench: RelayBench, answer: string): Promise<readonly AuditRecord[]> {
  const id = /^x-request-id: (.*)$/im.exec(answer)?.[1];
  assert.ok(id, answer);
  const records = await settledRecords(bench.auditDir);
  return records.filter(({ requestId }) => requestId === id);
}

/** Waits until the relay ends the connection. */
async function asked(bench: RelayBench, token: string, path: string): Promise<string> {
  const { host } = new URL(bench.relay.url);
  const head = `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nAuthorization: Bearer ${token}\r\n\r\n`;
  return await sendRaw(bench.relay.url, head, { quietMs: 30_000, timeoutMs: 30_000 });
}

test('an answer that the API breaks off is told from a whole one', async (t) => {
  const upstream = await createRawUpstream((socket, bytes) => {
    socket.write(`${HEAD}abc`);
    if (!bytes.startsWith('GET /silent')) setTimeout(() => socket.resetAndDestroy(), 50);
  });
  // The reset of the one must not come after the time that the silence of the other takes.
  const bench = await createRelayBench(t, { upstream, api: '    timeouts: { idle: 5s }' });
  const token = await bench.token();
  for (const [path, code] of [
    ['/x/broken', 'upstream_protocol'],
    ['/x/silent', 'upstream_timeout'],
  ] as const) {
    const [request, outcome] = await storyOf(bench, await asked(bench, token, path));
    assert.deepEqual([request?.decision, request?.code], ['allow', undefined]);
    const { kind, status, closedBy, bytesOut } = outcome ?? {};
    assert.deepEqual([kind, status, closedBy, bytesOut], ['outcome', 200, 'upstream', 3]);
    assert.equal(outcome?.code, code);
  }
  const name =
    'latchkey_requests_total{api="x",decision="allow",code="upstream_protocol",status="200"}';
  await until('it is counted', async () => (await readMetrics(bench)).has(name));
  assert.equal((await readMetrics(bench)).get(name), 1);
});

test('a client of HTTP/1.0 learns that an answer was broken off', async (t) => {
  const upstream = await createRawUpstream((socket) => {
    socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n');
    setTimeout(() => socket.resetAndDestroy(), 50);
  });
  const bench = await createRelayBench(t, { upstream });
  const { host, hostname, port } = new URL(bench.relay.url);
  const socket = connect(Number(port), hostname);
  socket.write(
    `GET /x/a HTTP/1.0\r\nHost: ${host}\r\nAuthorization: Bearer ${await bench.token()}\r\n\r\n`,
  );
  socket.resume();
  const [error] = (await once(socket, 'error')) as [NodeJS.ErrnoException];
  assert.equal(error.code, 'ECONNRESET');
});

test('what a refusal of somebody recognised sent is counted', async (t) => {
  const bench = await createRelayBench(t, { upstreams: ['http://127.0.0.1:1'] });
  const asked = [
    [await bench.token({ scope: 'other' }), '/x/a', 403],
    [await bench.token(), '/nowhere', 404],
    [await bench.token(), '/x/a', 502],
  ] as const;
  for (const [token, path, status] of asked) {
    const answer = await send(bench, bearer(token), path);
    const [, outcome] = await storyOf(bench, answer);
    assert.equal(outcome?.status, status);
    assert.equal(outcome?.bytesOut, Buffer.byteLength(bodyOf(answer)));
  }
});

test('beyond `limits.concurrent` a request is recorded and counted as denied', async (t) => {
  const held: (() => void)[] = [];
  const upstream = await createRawUpstream((socket) => {
    held.push(() => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'));
  });
  const bench = await createRelayBench(t, { upstream, api: '    limits: { concurrent: 1 }' });
  const token = await bench.token();
  const first = send(bench, bearer(token));
  await until('the first is under way', () => held.length === 1);
  const second = await send(bench, bearer(token));
  held[0]?.();
  assert.match(await first, /^HTTP\/1\.1 200 /);
  const [request, outcome] = await storyOf(bench, second);
  const { decision, code, rule } = request ?? {};
  assert.deepEqual([decision, code, rule], ['deny', 'rate_limited', 'any']);
  assert.deepEqual([outcome?.status, outcome?.code], [429, 'rate_limited']);
  const url = `${bench.relay.management}/audit?decision=deny&reason=rate_limited`;
  const found = (await (await fetch(url)).json()) as { readonly records: readonly AuditRecord[] };
  assert.ok(found.records.some(({ kind }) => kind === 'request'));
  const third = send(bench, bearer(token));
  await until('the place is free again', () => held.length === 2);
  held[1]?.();
  assert.match(await third, /^HTTP\/1\.1 200 /);
});

test('a place is given back where the decision could not be recorded', async (t) => {
  const bench = await createRelayBench(t, {
    api: '    limits: { concurrent: 1 }',
    upstreams: ['http://127.0.0.1:1'],
  });
  const token = await bench.token();
  for (let at = 0; at < 3; at++)
    assert.match(await send(bench, bearer(token)), /^HTTP\/1\.1 50[23] /, 'never 429');
});
