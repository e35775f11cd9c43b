import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AgentError } from '../../../app/main/agent/errors.ts';
import { createSession } from '../../../app/main/agent/session/session.ts';
import type { SessionState } from '../../../app/main/agent/session/session.ts';
import { parseTokenSet, refreshDueAtMs } from '../../../app/main/agent/session/token-set.ts';
import type { TokenSet } from '../../../app/main/agent/session/token-set.ts';
import { createMemoryVault } from '../../../app/main/agent/session/vault.ts';
import { until } from '../../support/until.ts';

const unreachable = new AgentError('provider_unreachable', 'down');
const over = new AgentError('session_expired', 'over');

function makeTokens(accessToken: string, obtainedAtMs: number, lifeMs = 300_000): TokenSet {
  return {
    accessToken,
    refreshToken: `refresh-of-${accessToken}`,
    obtainedAtMs,
    expiresAtMs: obtainedAtMs + lifeMs,
    issuer: 'https://idp.example',
    clientId: 'c',
    resource: 'https://relay.example',
    tokenType: 'bearer',
  };
}

function setup(refresh: (tokens: TokenSet, n: number) => Promise<TokenSet>) {
  const clock = { ms: 1_000_000 };
  const log: string[] = [];
  const states: SessionState['kind'][] = [];
  const revoked: string[] = [];
  const memory = createMemoryVault();
  let refreshes = 0;
  const session = createSession({
    provider: {
      refresh(tokens) {
        refreshes += 1;
        log.push(`refresh ${tokens.refreshToken}`);
        return refresh(tokens, refreshes);
      },
      revoke(tokens) {
        revoked.push(tokens.accessToken);
        return Promise.resolve();
      },
    },
    vault: {
      ...memory,
      async save(text) {
        log.push(`save ${parseTokenSet(text)?.accessToken} begins`);
        await new Promise((resolve) => setTimeout(resolve, 5));
        await memory.save(text);
        log.push(`save ${parseTokenSet(text)?.accessToken} done`);
      },
    },
    now: () => clock.ms,
    random: () => 0,
    onChange: (state) => {
      states.push(state.kind);
      if (state.kind === 'active') log.push(`active ${state.tokens.accessToken}`);
    },
  });
  return { session, clock, log, states, revoked, memory, refreshes: () => refreshes };
}

async function isAgentError(promise: Promise<unknown>, code: string): Promise<void> {
  await assert.rejects(promise, (error) => error instanceof AgentError && error.code === code);
}

test('100 parallel requests at expiry cause exactly one refresh and get its token', async () => {
  const s = setup(async () => {
    await new Promise((resolve) => setTimeout(resolve, 20));
    return makeTokens('b', s.clock.ms);
  });
  await s.session.adopt(makeTokens('a', s.clock.ms));
  s.clock.ms += 300_001;
  const got = await Promise.all(
    Array.from({ length: 100 }, async () => (await s.session.access()).token),
  );
  assert.deepEqual(new Set(got), new Set(['b']));
  assert.equal(s.refreshes(), 1);
  s.session.close();
});

test('a rotated refresh token is stored before the new access token is used', async () => {
  const s = setup(() => Promise.resolve(makeTokens('b', s.clock.ms)));
  await s.session.adopt(makeTokens('a', s.clock.ms));
  s.log.length = 0;
  s.clock.ms += 300_001;
  assert.equal((await s.session.access()).token, 'b');
  assert.deepEqual(s.log, ['refresh refresh-of-a', 'save b begins', 'save b done', 'active b']);
  s.session.close();
});

test('a token near its end is still used while one refresh runs behind it', async () => {
  let release = (): void => {};
  const s = setup(async () => {
    await new Promise<void>((resolve) => {
      release = resolve;
    });
    return makeTokens('b', s.clock.ms);
  });
  await s.session.adopt(makeTokens('a', s.clock.ms));
  s.clock.ms += 280_000;
  assert.equal((await s.session.access()).token, 'a');
  assert.equal((await s.session.access()).token, 'a');
  assert.equal(s.refreshes(), 1);
  release();
  await until('the next token is used', async () => (await s.session.access()).token === 'b');
  s.session.close();
});

test('the timer refreshes ahead of expiry without anybody asking', async () => {
  const s = setup(() => Promise.resolve(makeTokens('b', Date.now(), 60_000)));
  const session = createSession({
    provider: {
      refresh: () => Promise.resolve(makeTokens('b', Date.now(), 60_000)),
      revoke: () => Promise.resolve(),
    },
    vault: createMemoryVault(),
    now: Date.now,
    onChange: (state) => s.states.push(state.kind),
  });
  await session.adopt(makeTokens('a', Date.now(), 200));
  await until('the timer has refreshed', () => {
    const state = session.state();
    return state.kind === 'active' && state.tokens.accessToken === 'b';
  });
  session.close();
});

test('network trouble keeps the session, goes offline, uses a valid token, then recovers', async () => {
  const s = setup((_tokens, n) =>
    n <= 2 ? Promise.reject(unreachable) : Promise.resolve(makeTokens('b', s.clock.ms)),
  );
  await s.session.adopt(makeTokens('a', s.clock.ms));
  s.clock.ms += 299_000;
  assert.equal(
    (await s.session.access()).token,
    'a',
    'one second is left: used although refresh fails',
  );
  assert.equal(s.session.state().kind, 'offline');
  s.clock.ms += 1001;
  await isAgentError(s.session.access(), 'provider_unreachable');
  await isAgentError(s.session.access(), 'provider_unreachable');
  assert.equal(s.refreshes(), 2, 'requests in the back-off do not reach the provider');
  s.clock.ms += 1500;
  assert.equal((await s.session.access()).token, 'b');
  assert.equal(s.session.state().kind, 'active');
  assert.equal(parseTokenSet((await s.memory.load()) ?? '')?.accessToken, 'b');
  s.session.close();
});

test('it recovers by itself after a back-off', async () => {
  const s = setup((_tokens, n) =>
    n === 1 ? Promise.reject(unreachable) : Promise.resolve(makeTokens('b', s.clock.ms)),
  );
  await s.session.adopt(makeTokens('a', s.clock.ms));
  s.clock.ms += 300_001;
  await isAgentError(s.session.access(), 'provider_unreachable');
  await until('the session is active', () => s.session.state().kind === 'active');
  assert.deepEqual(s.states, ['active', 'offline', 'active']);
  s.session.close();
});

test('invalid_grant ends the session and empties the vault', async () => {
  const s = setup(() => Promise.reject(over));
  await s.session.adopt(makeTokens('a', s.clock.ms));
  s.clock.ms += 300_001;
  await isAgentError(s.session.access(), 'session_expired');
  assert.equal(s.session.state().kind, 'expired');
  assert.equal(await s.memory.load(), undefined);
  await isAgentError(s.session.access(), 'session_expired');
  assert.equal(s.refreshes(), 1);
  s.session.close();
});

test('without a refresh token the session expires when its token does', async () => {
  const s = setup(() => Promise.resolve(makeTokens('never', 0)));
  await s.session.adopt({ ...makeTokens('a', s.clock.ms), refreshToken: undefined });
  s.clock.ms += 299_999;
  assert.equal((await s.session.access()).token, 'a');
  s.clock.ms += 2;
  await isAgentError(s.session.access(), 'session_expired');
  assert.equal(s.session.state().kind, 'expired');
  assert.equal(s.refreshes(), 0);
  s.session.close();
});

test('a refresh answer after sign-out revives nothing and is revoked', async () => {
  let release = (): void => {};
  const s = setup(async () => {
    await new Promise<void>((resolve) => {
      release = resolve;
    });
    return makeTokens('b', s.clock.ms);
  });
  await s.session.adopt(makeTokens('a', s.clock.ms));
  s.clock.ms += 300_001;
  const waiting = s.session.access();
  waiting.catch(() => undefined);
  await s.session.signOut();
  release();
  await isAgentError(waiting, 'signed_out');
  assert.equal(s.session.state().kind, 'none');
  assert.equal(await s.memory.load(), undefined);
  assert.deepEqual(s.revoked, ['a', 'b']);
  s.session.close();
});

test('a refresh answer of the session before does not replace the new one', async () => {
  let release = (): void => {};
  const s = setup(async () => {
    await new Promise<void>((resolve) => {
      release = resolve;
    });
    return makeTokens('old-b', s.clock.ms);
  });
  await s.session.adopt(makeTokens('old-a', s.clock.ms));
  s.clock.ms += 300_001;
  const waiting = s.session.access();
  waiting.catch(() => undefined);
  await s.session.adopt(makeTokens('new', s.clock.ms));
  release();
  await isAgentError(waiting, 'signed_out');
  assert.equal((await s.session.access()).token, 'new');
  assert.equal(parseTokenSet((await s.memory.load()) ?? '')?.accessToken, 'new');
  s.session.close();
});

test('a refused token is renewed once; the fresh one refused again is not renewed at once', async () => {
  const s = setup((_tokens, n) => Promise.resolve(makeTokens(`b${n}`, s.clock.ms)));
  await s.session.adopt(makeTokens('a', s.clock.ms));
  const both = await Promise.all([s.session.renew('a'), s.session.renew('a')]);
  assert.deepEqual(both, [true, true]);
  assert.equal(s.refreshes(), 1);
  assert.equal(await s.session.renew('a'), true, 'an old token: there is another one already');
  assert.equal(await s.session.renew('b1'), false);
  assert.equal(s.refreshes(), 1);
  s.session.close();
});

test('a vault that fails is emptied, so that no spent refresh token stays behind', async () => {
  const clock = { ms: 0 };
  const memory = createMemoryVault();
  const warnings: string[] = [];
  let isBroken = false;
  const session = createSession({
    provider: {
      refresh: () => Promise.resolve(makeTokens('b', clock.ms)),
      revoke: () => Promise.resolve(),
    },
    vault: {
      ...memory,
      save: (text) => (isBroken ? Promise.reject(new Error('disk full')) : memory.save(text)),
    },
    now: () => clock.ms,
    onChange: () => undefined,
    onWarning: (event) => warnings.push(event),
  });
  await session.adopt(makeTokens('a', clock.ms));
  isBroken = true;
  clock.ms += 300_001;
  assert.equal((await session.access()).token, 'b');
  assert.equal(await memory.load(), undefined);
  assert.deepEqual(warnings, ['vault_save_failed']);
  session.close();
});

test('a stored session is restored for its own relay only; damage is no session', async () => {
  const s = setup(() => Promise.reject(unreachable));
  await s.session.adopt(makeTokens('a', s.clock.ms));
  for (const [relay, text, found] of [
    ['https://relay.example', await s.memory.load(), true],
    ['https://other.example', await s.memory.load(), false],
    ['https://relay.example', '{"version":2}', false],
    ['https://relay.example', 'garbage', false],
  ] as const) {
    const vault = createMemoryVault();
    await vault.save(text ?? '');
    const other = createSession({
      provider: { refresh: () => Promise.reject(unreachable), revoke: () => Promise.resolve() },
      vault,
      now: () => s.clock.ms,
      onChange: () => undefined,
    });
    assert.equal(await other.restore(relay), found);
    assert.equal(other.state().kind, found ? 'active' : 'none');
    other.close();
  }
  s.session.close();
});

test('refresh is due at 80 % of a life, at least 30 s before its end, not before half of it', () => {
  assert.equal(refreshDueAtMs(makeTokens('a', 0, 1_000_000)), 800_000);
  assert.equal(refreshDueAtMs(makeTokens('a', 0, 100_000)), 70_000);
  assert.equal(refreshDueAtMs(makeTokens('a', 0, 10_000)), 5000);
});
