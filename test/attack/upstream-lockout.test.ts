import assert from 'node:assert/strict';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { test, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { logged } from '../support/operator.ts';
import { createRelayBench, type RelayBench } from '../support/relay.ts';

const ATTACKERS = 10;
/** How long the API may take: longer than a busy machine needs for what is fine. */
const HEADERS_MS = 3_000;
/** An API of which nothing but failures is heard for a second is down, for all that can be known. */
const STILL_MS = 800;

/** An API with a resource that never answers, one that breaks off, and one that is fine. */
async function lockable(t: TestContext): Promise<RelayBench> {
  const server = http.createServer((request, response) => {
    if (request.url === '/silent') return;
    if (request.url === '/broken') request.socket.destroy();
    else response.end('fine');
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve());
  });
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return createRelayBench(t, {
    upstreams: [`http://127.0.0.1:${port}`],
    config: (config) => ({
      ...config,
      apis: config.apis.map((api) => ({
        ...api,
        timeouts: { connectMs: 60_000, headersMs: HEADERS_MS, idleMs: HEADERS_MS },
      })),
    }),
  });
}

async function send(bench: RelayBench, path: string, init: RequestInit = {}): Promise<number> {
  const headers = { authorization: `Bearer ${await bench.token()}` };
  const signal = AbortSignal.timeout(60_000);
  const answer = await fetch(`${bench.relay.url}/x${path}`, { ...init, headers, signal });
  await answer.arrayBuffer();
  return answer.status;
}

/** What those got who asked for what is fine, beside attackers; undefined where the machine stood still. */
async function besideAttackers(
  t: TestContext,
  path: string,
): Promise<ReadonlySet<number> | undefined> {
  const bench = await lockable(t);
  const stopped = new AbortController();
  let failed = 0;
  const attacker = async (at: number): Promise<void> => {
    await sleep((at * HEADERS_MS) / ATTACKERS);
    while (!stopped.signal.aborted) {
      await send(bench, path);
      failed += 1;
      await sleep(5);
    }
  };
  const attackers = Array.from({ length: ATTACKERS }, (_, at) => attacker(at));
  const statuses: number[] = [];
  const isEnough = (): boolean => statuses.length >= 60 && failed >= 3 * ATTACKERS;
  let [longestMs, answeredMs] = [0, performance.now()];
  while (!isEnough()) {
    statuses.push(await send(bench, '/fine'));
    const nowMs = performance.now();
    longestMs = Math.max(longestMs, nowMs - answeredMs);
    answeredMs = nowMs;
    await sleep(15);
  }
  stopped.abort();
  await Promise.all(attackers);
  return longestMs < STILL_MS ? new Set(statuses) : undefined;
}

for (const path of ['/silent', '/broken'])
  test(`requests to ${path}, many at once, take the API away from nobody`, async (t) => {
    let statuses: ReadonlySet<number> | undefined;
    for (let attempt = 0; attempt < 20 && statuses === undefined; attempt++)
      statuses = await besideAttackers(t, path);
    assert.deepEqual(statuses, new Set([200]), 'undefined: the machine stood still each time');
  });

test('uploads that stop half-way are nothing against the API', async (t) => {
  const bench = await lockable(t);
  const upload = async (): Promise<void> => {
    const body = new ReadableStream({ start: (stream) => stream.enqueue(Buffer.from('x')) });
    const init = { method: 'POST', body, duplex: 'half' } as RequestInit;
    await send(bench, '/silent', init).catch(() => {});
  };
  await Promise.all(Array.from({ length: 10 }, upload));
  assert.deepEqual(logged(bench, 'upstream_circuit_open'), []);
  assert.equal(await send(bench, '/fine'), 200);
});
