import assert from 'node:assert/strict';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { test, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { logged } from '../support/operator.ts';
import { createRelayBench, type RelayBench } from '../support/relay.ts';

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
        timeouts: { connectMs: 1_000, headersMs: 300, idleMs: 1_000 },
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

for (const path of ['/silent', '/broken'])
  test(`requests to ${path}, many at once, take the API away from nobody`, async (t) => {
    const bench = await lockable(t);
    const stopped = new AbortController();
    const attacker = async (): Promise<void> => {
      while (!stopped.signal.aborted) {
        await send(bench, path);
        await sleep(5);
      }
    };
    const attackers = Array.from({ length: 10 }, attacker);
    const statuses: number[] = [];
    for (let at = 0; at < 60; at++) {
      statuses.push(await send(bench, '/fine'));
      await sleep(15);
    }
    stopped.abort();
    await Promise.all(attackers);
    assert.deepEqual(new Set(statuses), new Set([200]));
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
