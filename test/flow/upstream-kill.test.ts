import assert from 'node:assert/strict';
import http from 'node:http';
import { test } from 'node:test';
import { verifyLedger } from '../../audit/verify.ts';
import { settledRecords } from '../audit/ledger-dir.ts';
import { createRelayBench, type RelayBench } from '../support/relay.ts';
import { startUpstreamProcess } from '../support/upstream-process.ts';
import { until } from '../support/until.ts';

const LOOPS = 32;

/** Clients without a pause, on connections that are kept; counts who answered, and what failed. */
function load(bench: RelayBench, token: string, method: string) {
  const agent = new http.Agent({ keepAlive: true, maxSockets: LOOPS });
  const served = new Map<string, number>();
  const failures: string[] = [];
  const stopped = new AbortController();
  const once = (): Promise<void> =>
    new Promise((resolve) => {
      const headers = { authorization: `Bearer ${token}` };
      const request = http.request(`${bench.relay.url}/x/1`, { method, agent, headers });
      request.setTimeout(60_000, () => request.destroy(new Error('no answer in time')));
      request.on('error', (error) => {
        failures.push(error.message);
        resolve();
      });
      request.on('response', (answer) => {
        const name = String(answer.headers['x-name']);
        if (answer.statusCode === 200) served.set(name, (served.get(name) ?? 0) + 1);
        else failures.push(`${answer.statusCode} ${String(answer.headers['x-latchkey-code'])}`);
        answer.resume();
        answer.on('error', (error) => failures.push(error.message));
        answer.on('close', resolve);
      });
      request.end();
    });
  const loop = async (): Promise<void> => {
    while (!stopped.signal.aborted) await once();
  };
  const loops = Array.from({ length: LOOPS }, loop);
  return {
    served,
    failures,
    async stop() {
      stopped.abort();
      await Promise.all(loops);
      agent.destroy();
    },
  };
}

for (const method of ['GET', 'DELETE']) {
  test(`an upstream is killed under load, and comes back: no ${method} fails`, async (t) => {
    const one = await startUpstreamProcess(t, 'one');
    const two = await startUpstreamProcess(t, 'two');
    const bench = await createRelayBench(t, {
      upstreams: [one.url, two.url],
      api: `    retries: 1
    balancing: { slowStart: 300ms, breaker: { open: 300ms } }`,
    });
    const traffic = load(bench, await bench.token(), method);
    const count = (name: string): number => traffic.served.get(name) ?? 0;
    await until('both serve', () => count('one') > 200 && count('two') > 200);

    for (let round = 0; round < 3; round++) {
      const killed = round === 0 ? one : await startUpstreamProcess(t, 'one', one.port);
      const [before, other] = [count('one'), count('two')];
      if (round > 0)
        await until('the one that came back serves', () => count('one') > before + 100);
      await killed.kill();
      await until('the other goes on', () => count('two') > other + 400);
    }
    await startUpstreamProcess(t, 'one', one.port);
    const [before, other] = [count('one'), count('two')];
    await until(
      'both share again',
      () => count('one') > before + 200 && count('two') > other + 200,
    );
    await traffic.stop();

    assert.deepEqual(traffic.failures, []);
    const records = await settledRecords(bench.auditDir);
    const outcomes = records.filter(({ kind, api }) => kind === 'outcome' && api === 'x');
    assert.equal(outcomes.length, count('one') + count('two'), 'one outcome a request');
    for (const { url, name } of [
      { ...one, name: 'one' },
      { ...two, name: 'two' },
    ])
      assert.equal(
        outcomes.filter(({ upstream }) => upstream === url).length,
        count(name),
        'the audit names who answered',
      );
    const verified = await verifyLedger(bench.auditDir);
    assert.deepEqual([verified.ok, verified.faults], [true, []]);
  });
}
