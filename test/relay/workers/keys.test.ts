import assert from 'node:assert/strict';
import { duplexPair } from 'node:stream';
import { test, type TestContext } from 'node:test';
import { createIssuerKeys } from '../../../relay/auth/jwks.ts';
import { createCalls } from '../../../relay/workers/calls.ts';
import { createKeyDesk, type KeyDesk } from '../../../relay/workers/key-desk.ts';
import type { PrimaryProcedures, WorkerProcedures } from '../../../relay/workers/procedures.ts';
import { createRemoteKeys } from '../../../relay/workers/remote-keys.ts';
import { createTestIssuer } from '../../support/issuer.ts';
import { until } from '../../support/until.ts';

type Asked = Pick<PrimaryProcedures, 'wantKeys' | 'leaveKeys' | 'usableKeys' | 'refetchKeys'>;
type Told = Pick<WorkerProcedures, 'keys'>;

function openDesk(t: TestContext, now: () => number = Date.now): KeyDesk {
  const desk = createKeyDesk((source, onLoad) =>
    createIssuerKeys(source, { now, fetch, onLoad, timing: { retryMinMs: 20, retryMaxMs: 50 } }),
  );
  t.after(() => desk.close());
  return desk;
}

function connect(t: TestContext, desk: KeyDesk, now: () => number = Date.now) {
  const [near, far] = duplexPair();
  const learn = (name: string, news: Parameters<Told['keys']>[1]): void =>
    calls.tell('keys', name, news);
  const asked: Asked = {
    wantKeys: (source) => desk.want(source, learn),
    leaveKeys: (source) => desk.leave(source, learn),
    usableKeys: desk.usable,
    refetchKeys: desk.refetch,
  };
  const calls = createCalls<Told, Asked>(far, asked, {
    flush: 'tick',
    closed: () => desk.leaveAll(learn),
  });
  const told: Told = { keys: (name, news) => remote.learn(name, news) };
  const primary = createCalls<PrimaryProcedures, Told>(near, told, {
    flush: 'turn',
    closed: () => {},
  });
  const remote = createRemoteKeys(primary, now);
  t.after(() => {
    near.destroy();
    far.destroy();
  });
  return { remote, die: () => near.destroy() };
}

test('workers share one fetch, and each finds the keys', async (t) => {
  const issuer = await createTestIssuer();
  t.after(() => issuer.close());
  const desk = openDesk(t);
  const config = issuer.config();
  const workers = [1, 2, 3].map(() => connect(t, desk).remote.of(config));
  for (const keys of workers) keys.start();
  const sets = await Promise.all(workers.map((keys) => keys.usable()));
  const { kid, alg } = issuer.key();
  for (const set of sets) assert.equal(set.find(kid, alg).kind, 'known');
  for (const keys of workers) {
    const { ready, keys: size, problem } = keys.state();
    assert.deepEqual([ready, size, problem], [true, 1, undefined]);
  }
  assert.equal(issuer.counts.jwks, 1);
});

test('a new key is fetched once for all workers, within the cooldown of one process', async (t) => {
  const issuer = await createTestIssuer();
  t.after(() => issuer.close());
  const desk = openDesk(t);
  const config = issuer.config();
  const workers = [1, 2].map(() => connect(t, desk).remote.of(config));
  await Promise.all(workers.map((keys) => keys.usable()));
  await issuer.rotate();
  await Promise.all(workers.flatMap((keys) => [keys.refetch(), keys.refetch()]));
  const { kid, alg } = issuer.key();
  for (const keys of workers) assert.equal(keys.current()?.find(kid, alg).kind, 'known');
  await Promise.all(workers.map((keys) => keys.refetch()));
  assert.equal(issuer.counts.jwks, 2);
});

test('an issuer that cannot be reached: no keys, then those that come, then the known ones', async (t) => {
  const issuer = await createTestIssuer();
  t.after(() => issuer.close());
  const clock = { ms: Date.now() };
  const now = () => clock.ms;
  const desk = openDesk(t, now);
  issuer.down();
  const keys = connect(t, desk, now).remote.of(issuer.config({ maxStaleMs: 60_000 }));
  keys.start();
  await assert.rejects(keys.usable(), { code: 'issuer_unavailable' });
  assert.equal(keys.reachable(), false);
  issuer.up();
  await until('the keys are there', () => keys.current() !== undefined);
  assert.equal(keys.reachable(), true);
  issuer.down();
  await keys.refetch();
  assert.equal(keys.reachable(), false);
  assert.ok(keys.current(), 'known keys serve');
  clock.ms += 61_000;
  assert.equal(keys.current(), undefined, 'but not beyond max-stale');
});

test('keys that nobody wants are fetched no more; those of the configuration stay', async (t) => {
  const issuer = await createTestIssuer();
  t.after(() => issuer.close());
  const desk = openDesk(t);
  const config = issuer.config();
  desk.retain([config]);
  const first = connect(t, desk);
  await first.remote.of(config).usable();
  first.die();
  await new Promise((resolve) => setImmediate(resolve));
  const second = connect(t, desk).remote.of(config);
  await second.usable();
  assert.equal(issuer.counts.jwks, 1, 'kept while there was no worker');
  desk.retain([]);
  second.close();
  await new Promise((resolve) => setTimeout(resolve, 20));
  await connect(t, desk).remote.of(config).usable();
  assert.equal(issuer.counts.jwks, 2, 'forgotten, so fetched anew');
});
