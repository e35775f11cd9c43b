import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AgentError } from '../../../app/main/agent/errors.ts';
import { createPac } from '../../../app/main/agent/network/pac.ts';
import { createProxyChoice } from '../../../app/main/agent/network/proxy-choice.ts';
import { routeName } from '../../../app/main/agent/network/route.ts';
import { createSession } from '../../../app/main/agent/session/session.ts';
import { createMemoryVault } from '../../../app/main/agent/session/vault.ts';
import { createSignInGate } from '../../../app/main/agent/sign-in-gate.ts';
import { createStepUps } from '../../../app/main/agent/step-up.ts';
import { makeTokens } from './session-tokens.ts';

const DAY_MS = 86_400_000;
const RELAY = new URL('https://relay.example.com');
const { signal } = new AbortController();

for (const isMachine of [false, true]) {
  test(`${isMachine ? 'a machine' : 'a person'}: a sign-in that failed before the clock was set back is tried again`, async () => {
    const clock = { ms: 10 * DAY_MS };
    const down = new AgentError('relay_unreachable', 'The relay cannot be reached.');
    let attempts = 0;
    const gate = createSignInGate({
      signIn() {
        attempts += 1;
        return attempts === 1 ? Promise.reject(down) : Promise.resolve();
      },
      isRunning: () => false,
      auto: true,
      isMachine,
      waitMs: 60_000,
      now: () => clock.ms,
      notify: () => undefined,
    });
    const reason = new AgentError('signed_out', 'You are signed out.');
    await assert.rejects(gate.wait(reason, signal));
    gate.failed(down);
    await assert.rejects(gate.wait(reason, signal), { code: 'relay_unreachable' });
    assert.equal(attempts, 1);
    clock.ms -= DAY_MS;
    await gate.wait(reason, signal);
    assert.equal(attempts, 2);
  });
}

test('a token that was renewed before the clock was set back is renewed when the relay refuses it', async (t) => {
  const clock = { ms: 10 * DAY_MS };
  let refreshes = 0;
  const session = createSession({
    provider: {
      refresh: () => Promise.resolve(makeTokens(`b${(refreshes += 1)}`, clock.ms)),
      revoke: () => Promise.resolve(),
    },
    vault: createMemoryVault(),
    now: () => clock.ms,
    onChange: () => undefined,
  });
  t.after(session.close);
  await session.adopt(makeTokens('a', clock.ms));
  assert.equal(await session.renew('a'), true);
  assert.equal(await session.renew('b1'), false, 'a relay that refuses every token');
  clock.ms -= DAY_MS;
  assert.equal(await session.renew('b1'), true);
  assert.equal((await session.access()).token, 'b2');
});

test('a renewal that failed before the clock was set back is tried again at use', async (t) => {
  const clock = { ms: 10 * DAY_MS };
  let isDown = true;
  const session = createSession({
    provider: {
      refresh: () =>
        isDown
          ? Promise.reject(new AgentError('provider_unreachable', 'down'))
          : Promise.resolve(makeTokens('b', clock.ms)),
      revoke: () => Promise.resolve(),
    },
    vault: createMemoryVault(),
    now: () => clock.ms,
    random: () => 1,
    onChange: () => undefined,
  });
  t.after(session.close);
  await session.adopt(makeTokens('a', clock.ms - 2 * DAY_MS));
  await assert.rejects(session.access(), { code: 'provider_unreachable' });
  isDown = false;
  clock.ms -= DAY_MS;
  assert.equal((await session.access()).token, 'b');
});

test('what proxies were named before the clock was set back is asked again; none stays the last choice', async () => {
  const clock = { ms: 10 * DAY_MS };
  let asked = 0;
  const choice = createProxyChoice({
    env: {},
    resolveSystem() {
      asked += 1;
      return Promise.resolve('PROXY a:1; PROXY b:2');
    },
    createPac: () => assert.fail('no script was named'),
    now: () => clock.ms,
  });
  const named = async (): Promise<string> => (await choice.routes(RELAY)).map(routeName).join(', ');
  const [first] = await choice.routes(RELAY);
  assert.ok(first !== undefined);
  choice.failed(RELAY, first);
  assert.equal(await named(), 'http://b:2, http://a:1');
  assert.equal(asked, 2);
  clock.ms -= DAY_MS;
  assert.equal(await named(), 'http://a:1, http://b:2');
  assert.equal(asked, 3);
  clock.ms -= DAY_MS;
  choice.known(RELAY);
  assert.equal(asked, 4);
});

test('a proxy script that was read before the clock was set back is read again', async () => {
  const clock = { ms: 10 * DAY_MS };
  let reads = 0;
  const pac = createPac({
    address: new URL('https://p.example.test/proxy.pac'),
    read: () => Promise.resolve(`script ${(reads += 1)}`),
    runner: { run: (text) => Promise.resolve(text) },
    now: () => clock.ms,
  });
  assert.equal(await pac.find(RELAY), 'script 1');
  assert.equal(await pac.find(RELAY), 'script 1');
  clock.ms -= DAY_MS;
  assert.equal(await pac.find(RELAY), 'script 2');
});

test('after the clock was set back a person is asked to confirm as at any other time', async () => {
  const clock = { ms: 10 * DAY_MS };
  let tabs = 0;
  const stepUps = createStepUps({
    start(challenge) {
      tabs += 1;
      // Ends once the request waits for it.
      setImmediate(() => stepUps.ended(challenge, tabs % 2 === 1 ? undefined : new Error('no')));
      return Promise.resolve();
    },
    isRunning: () => false,
    auto: true,
    waitMs: 60_000,
    now: () => clock.ms,
    notify: () => undefined,
  });
  const ask = (acr: string): Promise<boolean> => {
    const challenge = { acrValues: [acr] };
    clock.ms += 1;
    return stepUps.ask({ challenge, api: 'billing', sentAtMs: clock.ms }, signal);
  };
  assert.equal(await ask('mfa'), true);
  assert.equal(await ask('mfa'), false, 'just done, and in vain');
  assert.equal(await ask('hwk'), false, 'the person refused');
  assert.equal(await ask('pin'), false, 'so that nothing is asked for a while');
  assert.equal(tabs, 2);
  clock.ms -= DAY_MS;
  assert.equal(await ask('mfa'), true);
  assert.equal(tabs, 3);
  for (let n = 0; n < 4; n += 1) {
    clock.ms += 60_000;
    await ask(`class-${n}`);
  }
  assert.equal(tabs, 7, 'tabs of before count no more');
});
