import assert from 'node:assert/strict';
import { renameSync } from 'node:fs';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { HealthConfig } from '../../relay/config/api-config.ts';
import { startAnswering } from '../relay/upstream/connected.ts';
import {
  editConfig,
  logged,
  managementPage,
  postReload,
  readMetrics,
} from '../support/operator.ts';
import { createRelayBench, type RelayBench } from '../support/relay.ts';
import { until } from '../support/until.ts';

const health: HealthConfig = {
  path: '/well',
  intervalMs: 30,
  timeoutMs: 60_000,
  unhealthyAfter: 2,
  healthyAfter: 2,
};

interface Check {
  readonly name: string;
  readonly ok: boolean;
  readonly detail?: string;
}

async function upstreamsCheck(bench: RelayBench) {
  const { status, body } = await managementPage(bench, '/readyz');
  const found = (body['checks'] as readonly Check[]).find(({ name }) => name === 'upstreams');
  assert.ok(found, 'readiness tells of upstreams');
  return { status, ...found };
}

async function get(bench: RelayBench, path: string): Promise<Response> {
  const headers = { authorization: `Bearer ${await bench.token()}` };
  return fetch(bench.relay.url + path, { headers, signal: AbortSignal.timeout(60_000) });
}

const metric = (api: string, upstream: string): string =>
  `latchkey_upstream_healthy{api="${api}",upstream="${upstream}"}`;

test('an API that is down is told and refused; the relay stays ready for the others', async (t) => {
  const [one, two] = [await startAnswering(t), await startAnswering(t)];
  const [x, y] = [`http://127.0.0.1:${one.port}`, `http://127.0.0.1:${two.port}`];
  const bench = await createRelayBench(t, {
    upstreams: [x],
    config: (config) => ({
      ...config,
      apis: config.apis.flatMap((api) => [
        { ...api, health },
        { ...api, health, name: 'y', path: '/y', upstreams: [y] },
      ]),
    }),
  });
  assert.deepEqual(await upstreamsCheck(bench), { status: 200, name: 'upstreams', ok: true });
  assert.equal((await readMetrics(bench)).get(metric('x', x)), 1);

  one.answer(500);
  await until('x is down', async () => (await readMetrics(bench)).get(metric('x', x)) === 0);
  assert.deepEqual(await upstreamsCheck(bench), {
    status: 200,
    name: 'upstreams',
    ok: true,
    detail: `x: ${x} (status 500, none is left)`,
  });
  const refused = await get(bench, '/x/1');
  assert.equal(refused.status, 503);
  assert.ok(Number(refused.headers.get('retry-after')) >= 1);
  assert.equal(((await refused.json()) as { code: string }).code, 'no_upstream');
  assert.equal((await get(bench, '/y/1')).status, 200);
  assert.ok(!one.paths.includes('/1'), 'no request reached it');

  two.answer(500);
  await until('nothing is left', async () => (await upstreamsCheck(bench)).status === 503);
  assert.equal((await upstreamsCheck(bench)).ok, false);

  one.answer(200);
  await until('x is back', async () => (await upstreamsCheck(bench)).status === 200);
  await until('requests pass', async () => (await get(bench, '/x/1')).status === 200);
  const told = [...logged(bench, 'upstream_unhealthy'), ...logged(bench, 'upstream_healthy')];
  assert.deepEqual(
    told.map(({ event, api, reason }) => [event, api, reason]),
    [
      ['upstream_unhealthy', 'x', 'status 500'],
      ['upstream_unhealthy', 'y', 'status 500'],
      ['upstream_healthy', 'x', undefined],
    ],
  );
});

test('a reload keeps what is known, and leaves one check at work', async (t) => {
  const one = await startAnswering(t);
  const url = `http://127.0.0.1:${one.port}`;
  let intervalMs = 20;
  const bench = await createRelayBench(t, {
    upstreams: [url],
    config: (config) => ({
      ...config,
      apis: config.apis.map((api) => ({ ...api, health: { ...health, intervalMs } })),
    }),
  });
  one.answer(500);
  await until('it is down', async () => (await readMetrics(bench)).get(metric('x', url)) === 0);
  // The next configuration would not find out by itself for an hour.
  intervalMs = 3_600_000;
  await editConfig(bench, (text) => text.replace('    rules:', '    title: New\n    rules:'));
  assert.deepEqual((await postReload(bench)).status, 200);
  assert.equal((await readMetrics(bench)).get(metric('x', url)), 0);
  assert.equal((await get(bench, '/x/1')).status, 503);
  // One may have been under way; more than that, ten times the interval apart, would never end.
  await until('the check of the configuration before has ended', async () => {
    const asked = one.paths.length;
    await sleep(200);
    return one.paths.length === asked;
  });
});

test('the file says how addresses are watched', async (t) => {
  const one = await startAnswering(t);
  const bench = await createRelayBench(t, {
    upstreams: [`http://127.0.0.1:${one.port}`],
    api: '    health: { path: "/well?now", interval: 100ms, timeout: 60s, unhealthyAfter: 1 }',
  });
  await until('it is asked', () => one.paths.includes('/well?now'));
  one.answer(404);
  await until('it is down', async () => (await upstreamsCheck(bench)).status === 503);
});

test('a reload that is refused begins no checks', async (t) => {
  const one = await startAnswering(t);
  let isNext = false;
  const bench = await createRelayBench(t, {
    config: (config) => ({
      ...config,
      apis: config.apis.map((api) => ({
        ...api,
        ...(isNext ? { health, upstreams: [`http://127.0.0.1:${one.port}`] } : {}),
      })),
    }),
  });
  isNext = true;
  // That nothing can be recorded shows when everything is prepared.
  renameSync(bench.auditDir, `${bench.auditDir}.away`);
  const refused = await postReload(bench);
  await sleep(200);
  renameSync(`${bench.auditDir}.away`, bench.auditDir);
  assert.equal(refused.status, 422);
  assert.equal(one.paths.length, 0);
  assert.equal((await postReload(bench)).status, 200);
  await until('it is asked', () => one.paths.length > 0);
});
