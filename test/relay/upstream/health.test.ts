import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { createNames } from '../../../relay/upstream/names.ts';
import type { UpstreamConfig } from '../../../relay/upstream/target.ts';
import { createTargets } from '../../../relay/upstream/targets.ts';
import { createCertificate } from '../../support/certificate.ts';
import { until } from '../../support/until.ts';
import { startAnswering, upstreamConfig } from './connected.ts';

const health = {
  path: '/well?deep=1',
  intervalMs: 20,
  timeoutMs: 10_000,
  unhealthyAfter: 2,
  healthyAfter: 3,
};

/** Addresses under active checks, until the test ends. */
function watched(t: TestContext, upstreams: readonly string[], more: Partial<UpstreamConfig> = {}) {
  const log: Record<string, unknown>[] = [];
  const config = upstreamConfig(upstreams, { health, ...more });
  const targets = createTargets(config, {
    now: Date.now,
    log: (event) => log.push(event),
    resolve: createNames(),
  });
  targets.start();
  t.after(() => {
    targets.stop();
    targets.close();
  });
  const isDown = (at = 0): boolean => targets.conditions()[at]?.isDown === true;
  return { targets, log, isDown };
}

test('an address is left alone while it says that it is unwell, and comes back by itself', async (t) => {
  const [one, two] = [await startAnswering(t), await startAnswering(t)];
  const url = `http://127.0.0.1:${one.port}`;
  const { targets, isDown, log } = watched(t, [url, `http://127.0.0.1:${two.port}`]);
  await until('both were asked', () => one.paths.length > 0 && two.paths.length > 0);
  assert.equal(one.paths[0], '/well?deep=1');
  assert.equal(isDown(), false);

  one.answer(503);
  await until('it is found unhealthy', isDown);
  assert.deepEqual(targets.conditions()[0], {
    upstream: url,
    isDown: true,
    isUsed: false,
    problem: 'status 503',
  });
  const taken = Array.from({ length: 6 }, () => targets.take());
  assert.ok(taken.every((target) => target?.url !== url));
  for (const target of taken) if (target) targets.release(target);

  one.answer(204);
  const before = one.paths.length;
  await until('it is healthy again', () => !isDown());
  assert.ok(one.paths.length - before >= 3, 'after three good answers in a row');
  assert.equal(targets.conditions()[0]?.isUsed, true);
  assert.deepEqual(
    log.map(({ event }) => event),
    ['upstream_unhealthy', 'upstream_healthy'],
  );
});

test('where every address is down, none may be asked: not even the last', async (t) => {
  const only = await startAnswering(t);
  const { targets, isDown } = watched(t, [`http://127.0.0.1:${only.port}`]);
  await only.stop();
  await until('it is found unhealthy', isDown);
  assert.equal(targets.conditions()[0]?.problem, 'ECONNREFUSED');
  assert.equal(targets.take(), undefined);
});

test('silence is unwell; the next question waits for the end of the last', async (t) => {
  const silent = await startAnswering(t);
  silent.answer(undefined);
  const hasty = { ...health, timeoutMs: 100 };
  const { targets, isDown } = watched(t, [`http://127.0.0.1:${silent.port}`], { health: hasty });
  const begunMs = Date.now();
  await until('it is found unhealthy', isDown);
  assert.equal(targets.conditions()[0]?.problem, 'no answer in time');
  const most = Math.ceil((Date.now() - begunMs) / hasty.timeoutMs) + 1;
  assert.ok(silent.paths.length <= most, `${silent.paths.length} questions, at most ${most}`);
});

test('a stopped check asks no more', async (t) => {
  const one = await startAnswering(t);
  const { targets } = watched(t, [`http://127.0.0.1:${one.port}`]);
  await until('it was asked', () => one.paths.length > 1);
  targets.stop();
  // What was on its way has arrived.
  await sleep(500);
  const asked = one.paths.length;
  await sleep(150);
  assert.equal(one.paths.length, asked);
});

test('addresses are asked at moments of their own, spread over the interval', async (t) => {
  const [early, late] = [await startAnswering(t), await startAnswering(t)];
  const upstreams = [early, late].map(({ port }) => `http://127.0.0.1:${port}`);
  const config = upstreamConfig(upstreams, { health: { ...health, intervalMs: 600_000 } });
  const moments = [0, 0.99];
  const targets = createTargets(config, {
    now: Date.now,
    random: () => moments.shift() ?? 0.5,
    resolve: createNames(),
  });
  t.after(() => {
    targets.stop();
    targets.close();
  });
  targets.start();
  await until('the first is asked', () => early.paths.length === 1);
  assert.equal(late.paths.length, 0);
});

test('it asks over a Unix socket', async (t) => {
  const dir = await mkdtemp(join(tmpdir(), 'latchkey-health-'));
  t.after(() => rm(dir, { recursive: true, force: true }));
  const socketPath = join(dir, 'api.sock');
  const api = await startAnswering(t, { socketPath });
  const { isDown, targets } = watched(t, [`unix:${socketPath}`]);
  await until('it was asked', () => api.paths.length > 3);
  assert.equal(isDown(), false);
  assert.equal(targets.take()?.host, 'localhost');
});

test('it believes the authority that requests believe, under the name that they expect', async (t) => {
  const tls = createCertificate(t);
  const api = await startAnswering(t, { tls });
  const url = `https://127.0.0.1:${api.port}`;
  const good = watched(t, [url], { upstreamTls: { ca: tls.cert, serverName: 'localhost' } });
  const stranger = watched(t, [url]);
  const misnamed = watched(t, [url], { upstreamTls: { ca: tls.cert, serverName: 'other.test' } });
  await until('the others fail', () => stranger.isDown() && misnamed.isDown());
  assert.equal(stranger.targets.conditions()[0]?.problem, 'DEPTH_ZERO_SELF_SIGNED_CERT');
  assert.equal(misnamed.targets.conditions()[0]?.problem, 'ERR_TLS_CERT_ALTNAME_INVALID');
  await until('the good one is answered', () => api.paths.length > 3);
  assert.equal(good.isDown(), false);
});

test('it shows the certificate that requests show', async (t) => {
  const [tls, shown] = [createCertificate(t), createCertificate(t, 'relay')];
  const api = await startAnswering(t, { tls, clientCa: shown.cert });
  const url = `https://127.0.0.1:${api.port}`;
  const upstreamTls = { ca: tls.cert };
  const credentials = {
    kind: 'clientCertificate',
    certificate: shown.cert,
    key: shown.key,
  } as const;
  const good = watched(t, [url], { upstreamTls, request: { credentials } });
  const nobody = watched(t, [url], { upstreamTls });
  await until('who shows none fails', () => nobody.isDown());
  await until('who shows one is answered', () => api.paths.length > 3);
  assert.equal(good.isDown(), false);
});
