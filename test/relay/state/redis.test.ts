import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { RelayError } from '../../../relay/errors.ts';
import { connectRedisState, type RedisOptions } from '../../../relay/state/redis.ts';
import type { Revocation, SharedState } from '../../../relay/state/shared-state.ts';
import { startRedis } from '../../support/redis.ts';
import { until } from '../../support/until.ts';

const issuer = 'https://idp.example.com';
const revocationOf = (value: string): Revocation => ({
  issuer,
  kind: 'sub',
  value,
  revokedAtMs: Date.now(),
  expiresAtMs: Date.now() + 86_400_000,
});
/** Older than any revocation here, however late it is looked at. */
const issuedAtMs = Date.now() - 1_000;
const tokenOf = (subject: string) => ({ issuer, subject, issuedAtMs });
const isUnavailable = (error: unknown): boolean =>
  error instanceof RelayError && error.code === 'state_unavailable';

/** Quick to try again, patient with a busy machine. */
const timing = { commandMs: 10_000, blockMs: 200, retryMinMs: 20, retryMaxMs: 200 };

/** One relay's view of the shared state, closed with the test. */
async function connect(
  t: TestContext,
  url: string,
  options: Partial<RedisOptions> = {},
): Promise<{ readonly state: SharedState; readonly log: readonly unknown[] }> {
  const log: unknown[] = [];
  const state = await connectRedisState({
    url,
    now: Date.now,
    log: (event) => log.push(event),
    startMs: 60_000,
    timing,
    ...options,
  });
  t.after(() => state.close());
  return { state, log };
}

test('two relays share what was used once, and their secret', async (t) => {
  const redis = await startRedis(t);
  const [one, other] = [await connect(t, redis.url), await connect(t, redis.url)];
  const answers = await Promise.all(
    Array.from({ length: 20 }, (_, at) =>
      (at % 2 === 0 ? one : other).state.once('key', Date.now() + 60_000),
    ),
  );
  assert.equal(answers.filter(Boolean).length, 1);
  assert.match(await redis.command('PTTL latchkey:once:key'), /^:[1-5][0-9]{4}\r/);
  const secret = await one.state.secret('dpop-nonce');
  assert.equal(secret.length, 32);
  assert.deepEqual(await other.state.secret('dpop-nonce'), secret);
  assert.notDeepEqual(await other.state.secret('something else'), secret);
});

test('a revocation reaches every relay, now and later', async (t) => {
  const redis = await startRedis(t);
  const [one, other] = [await connect(t, redis.url), await connect(t, redis.url)];
  let heard = 0;
  other.state.onRevoked(() => (heard += 1));
  await one.state.revoke(revocationOf('ann'));
  assert.equal(one.state.isRevoked(tokenOf('ann')), true);
  await until('the other relay knows of the revocation', () =>
    other.state.isRevoked(tokenOf('ann')),
  );
  assert.equal(heard, 1);
  const late = await connect(t, redis.url);
  assert.equal(late.state.isRevoked(tokenOf('ann')), true);
  assert.equal(late.state.isRevoked(tokenOf('bob')), false);
});

test('thousands of revocations are read in pages', async (t) => {
  const redis = await startRedis(t);
  const one = await connect(t, redis.url);
  await Promise.all(
    Array.from({ length: 2_500 }, (_, at) => one.state.revoke(revocationOf(`person-${at}`))),
  );
  const late = await connect(t, redis.url);
  assert.equal(late.state.revocations().length, 2_500);
});

test('while Redis is down nothing passes that it would have to see, and what is known holds', async (t) => {
  const redis = await startRedis(t);
  const { state, log } = await connect(t, redis.url);
  await state.revoke(revocationOf('ann'));
  await redis.kill();
  await until('Redis counts as lost', () => !state.health().ok);
  await assert.rejects(state.once('key', Date.now() + 60_000), isUnavailable);
  await assert.rejects(state.revoke(revocationOf('bob')), isUnavailable);
  await assert.rejects(state.secret('dpop-nonce'), isUnavailable);
  assert.equal(state.isRevoked(tokenOf('ann')), true);
  assert.equal(state.isRevoked(tokenOf('bob')), true, 'in force here although not kept');
  assert.equal(state.isRevoked(tokenOf('carol')), false);
  assert.match(String(state.health().problem), /^Redis: [A-Za-z]+$/);

  // It lost everything, and this relay gives back what it knows.
  await redis.start();
  await until('Redis is back', () => state.health().ok);
  assert.equal(await state.once('key', Date.now() + 60_000), true);
  const late = await connect(t, redis.url);
  assert.equal(late.state.isRevoked(tokenOf('ann')), true);
  assert.equal(late.state.isRevoked(tokenOf('bob')), true);
  const problems = log.filter((event) => (event as { event: string }).event === 'state_problem');
  assert.ok(problems.length >= 1 && problems.length <= 10, `${problems.length} problems logged`);
});

test('a Redis that keeps its data gives it back after a kill', async (t) => {
  const redis = await startRedis(t, { persist: true });
  const first = await connect(t, redis.url);
  await first.state.revoke(revocationOf('ann'));
  await first.state.once('used', Date.now() + 60_000);
  await first.state.close();
  await redis.kill();
  await redis.start();
  const second = await connect(t, redis.url);
  assert.equal(second.state.isRevoked(tokenOf('ann')), true);
  assert.equal(await second.state.once('used', Date.now() + 60_000), false);
});

test('a Redis that answers no more is given up in time, and found again', async (t) => {
  const redis = await startRedis(t);
  const { state } = await connect(t, redis.url, { timing: { ...timing, commandMs: 1_000 } });
  t.after(() => redis.thaw());
  redis.freeze();
  const from = Date.now();
  await assert.rejects(state.once('key', from + 60_000), isUnavailable);
  assert.ok(Date.now() - from < 30_000);
  await until('Redis counts as lost', () => !state.health().ok);
  redis.thaw();
  await until('Redis is back', () => state.health().ok);
  let asked = 0;
  // A command has but a second, which a busy machine may need for more than one.
  await until('it serves again', () =>
    state.once(`key ${++asked}`, Date.now() + 60_000).catch(() => false),
  );
});

test('after too long without news every token is refused with 503', async (t) => {
  const redis = await startRedis(t);
  let aheadMs = 0;
  const now = (): number => Date.now() + aheadMs;
  const { state } = await connect(t, redis.url, { now, maxStaleMs: 300_000 });
  await redis.kill();
  assert.equal(state.isRevoked(tokenOf('ann')), false);
  const isRefused = (): boolean => {
    try {
      state.isRevoked(tokenOf('ann'));
      return false;
    } catch (error) {
      return isUnavailable(error);
    }
  };
  aheadMs = 300_001;
  assert.ok(isRefused());
  await redis.start();
  await until('the state is taken up', () => !isRefused());
});

test('what cannot be reached or entered stops the start, and the password stays out of it', async (t) => {
  const redis = await startRedis(t, { password: 'correct-horse' });
  const good = await connect(t, redis.url);
  assert.deepEqual(good.state.health(), { ok: true });
  const log: unknown[] = [];
  const options = { now: Date.now, log: (event: unknown) => log.push(event), timing };
  const attempts = [
    [`redis://:battery-staple@127.0.0.1:${redis.port}`, /: WRONGPASS$/],
    [`redis://127.0.0.1:${redis.port}`, /: NOAUTH$/],
    ['redis://:battery-staple@127.0.0.1:1', /: ECONNREFUSED$/],
  ] as const;
  // Together, since each takes all of its time: enough for one attempt on a busy machine.
  await Promise.all(
    attempts.map(([url, why]) =>
      assert.rejects(connectRedisState({ url, ...options, startMs: 8_000 }), (error: Error) => {
        assert.match(error.message, why);
        assert.match(error.message, /redis:\/\/127\.0\.0\.1:[0-9]+ cannot be reached/);
        return true;
      }),
    ),
  );
  assert.doesNotMatch(JSON.stringify(log), /battery|staple/);
});

test('with rediss: only a Redis that is vouched for is talked to', async (t) => {
  const redis = await startRedis(t, { tls: true });
  const module = pathToFileURL(join(import.meta.dirname, '../../../relay/state/redis.ts')).href;
  const script = `
    import { connectRedisState } from ${JSON.stringify(module)};
    const [, url, startMs] = process.argv;
    const timing = { commandMs: 10_000 };
    try {
      const state = await connectRedisState({ url, now: Date.now, log() {}, startMs: Number(startMs), timing });
      console.log(await state.once('key', Date.now() + 60_000));
      await state.close();
    } catch (error) { console.log(error.message); }`;
  // Authorities are read when the process starts.
  const run = async (startMs: number, env: NodeJS.ProcessEnv = {}): Promise<string> => {
    const args = ['--input-type=module', '--eval', script, redis.url, String(startMs)];
    const { stdout } = await promisify(execFile)(process.execPath, args, {
      env: { ...process.env, ...env },
      timeout: 120_000,
    });
    return stdout.trim();
  };
  // The one that is refused takes all of its time.
  assert.match(await run(8_000), /rediss:.*cannot be reached: [A-Z_]*SELF_SIGNED/);
  assert.equal(await run(60_000, { NODE_EXTRA_CA_CERTS: redis.caFile }), 'true');
});
