import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { createSession, type Session } from '../../../app/main/agent/session/session.ts';
import type { TokenSet } from '../../../app/main/agent/session/token-set.ts';
import { createMemoryVault } from '../../../app/main/agent/session/vault.ts';

/** A session whose provider gives every token this life; clock and timers are the test's. */
async function signedIn(t: TestContext, lifeMs: number) {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const clock = { ms: 1_000_000 };
  let calls = 0;
  const next = (): TokenSet => ({
    accessToken: `token-${calls}`,
    refreshToken: `refresh-${calls}`,
    obtainedAtMs: clock.ms,
    expiresAtMs: clock.ms + lifeMs,
    issuer: 'https://idp.example',
    clientId: 'c',
    resource: 'https://relay.example',
    tokenType: 'bearer',
  });
  const session: Session = createSession({
    provider: {
      refresh() {
        calls += 1;
        return Promise.resolve(next());
      },
      revoke: () => Promise.resolve(),
    },
    vault: createMemoryVault(),
    now: () => clock.ms,
    onChange: () => undefined,
  });
  await session.adopt(next());
  t.after(session.close);
  const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  const pass = async (ms: number): Promise<void> => {
    for (let passed = 0; passed < ms; passed += 100) {
      clock.ms += 100;
      t.mock.timers.tick(100);
      await settled();
    }
  };
  return { session, pass, calls: () => calls };
}

for (const lifeSeconds of [0, 1.5]) {
  test(`expires_in ${lifeSeconds}: an idle agent renews a few times a minute, and a request has its token`, async (t) => {
    const { session, pass, calls } = await signedIn(t, lifeSeconds * 1000);
    await pass(60_000);
    assert.ok(calls() >= 1 && calls() <= 7, `${calls()} calls in a minute`);
    const before = calls();
    const { token } = await session.access();
    assert.equal(token, `token-${calls()}`);
    assert.ok(calls() <= before + 1);
  });

  test(`expires_in ${lifeSeconds}: tools that ask all the time make the agent renew once a second`, async (t) => {
    const { session, pass, calls } = await signedIn(t, lifeSeconds * 1000);
    for (let n = 0; n < 100; n += 1) {
      await session.access();
      await session.access();
      await pass(100);
    }
    assert.ok(calls() >= 5 && calls() <= 11, `${calls()} calls in ten seconds`);
  });
}

test('a token of twenty minutes is renewed ahead of its end, as ever', async (t) => {
  const { pass, calls } = await signedIn(t, 1_200_000);
  await pass(959_000);
  assert.equal(calls(), 0);
  await pass(2_000);
  assert.equal(calls(), 1);
});
