import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { describe, test, type TestContext } from 'node:test';
import type { AgentSnapshot } from '../../../app/main/agent/status.ts';
import type { CallName, Calls } from '../../../app/main/ipc/contract.ts';
import { createWindowAgent, type WindowAgent } from '../../support/window-agent.ts';
import { ready, severalRelays, signedOut } from '../../support/window-states.ts';

const origin = 'latchkey-ui://app';
const page = { url: `${origin}/index.html`, isMainFrame: true, isOurWindow: true };

function setUp(t: TestContext, snapshot: AgentSnapshot = ready) {
  const agent: WindowAgent = createWindowAgent(origin, snapshot);
  t.after(agent.close);
  async function ask<K extends CallName>(
    name: K,
    ...args: Calls[K]['args']
  ): Promise<Calls[K]['result']> {
    const reply = await agent.answer(name, page, args);
    if (!reply.ok) throw new Error(`${reply.code}: ${reply.message}`);
    return reply.value as Calls[K]['result'];
  }
  return { agent, ask };
}

describe('tool keys in the window', () => {
  test('are made with their limits; the secret is told once and is nowhere else', async (t) => {
    const { ask } = setUp(t);
    const made = await ask('addToolKey', {
      name: 'Nightly report',
      apis: ['billing'],
      methods: ['GET'],
      readOnly: true,
      expiresInMs: 86_400_000,
    });
    assert.match(made.secret, /^lk_[\w-]{43}$/u);
    const { keys, apis } = await ask('toolKeys');
    assert.deepEqual(keys, [made.key]);
    assert.deepEqual(Object.keys(made.key).sort(), [
      'apis',
      'createdAt',
      'expiresAt',
      'id',
      'methods',
      'name',
      'readOnly',
    ]);
    assert.ok(!JSON.stringify(await ask('toolKeys')).includes(made.secret));
    assert.deepEqual(
      apis.map(({ name }) => name),
      ['billing', 'payroll'],
    );
  });

  test('are refused with the agent’s words', async (t) => {
    const { ask } = setUp(t);
    await ask('addToolKey', { name: 'IDE' });
    await assert.rejects(
      ask('addToolKey', { name: 'IDE' }),
      /key_exists: There is a key named “IDE”/u,
    );
    await assert.rejects(ask('addToolKey', { name: '' }), /bad_usage: A key’s name is 1 to 64/u);
    assert.equal((await ask('toolKeys')).keys.length, 1);
  });

  test('are copied as they are, or within a line that asks an API which they open', async (t) => {
    const { agent, ask } = setUp(t);
    const one = await ask('addToolKey', { name: 'one', apis: ['payroll'] });
    const two = await ask('addToolKey', { name: 'two', methods: ['POST'] });
    await ask('copyToolKey', one.key.id, one.secret, 'secret');
    await ask('copyToolKey', one.key.id, one.secret, 'curl');
    assert.equal(
      two.curl,
      `curl -X POST -H 'X-Latchkey-Key: ${two.secret}' http://localhost:5390/billing/invoices`,
    );
    assert.deepEqual(agent.done, [`copy ${one.secret}`, `copy ${one.curl}`]);
    assert.match(
      one.curl,
      /^curl -H 'X-Latchkey-Key: lk_[\w-]+' http:\/\/localhost:5390\/payroll\/invoices$/u,
    );
  });

  test('have a line to try even while nobody is signed in', async (t) => {
    const { ask } = setUp(t, signedOut);
    const { curl } = await ask('addToolKey', { name: 'one', apis: ['billing'] });
    assert.ok(curl.endsWith(' http://localhost:5390/billing'), curl);
  });

  test('end at once when they are revoked', async (t) => {
    const { agent, ask } = setUp(t);
    const { key, secret } = await ask('addToolKey', { name: 'one' });
    const call = { method: 'GET', api: 'billing', tool: 'curl\u202e\u0007' };
    assert.equal(agent.keys.check([secret], call).kind, 'ok');
    assert.equal((await ask('toolKeys')).keys[0]?.lastTool, 'curl');
    assert.deepEqual((await ask('revokeToolKey', key.id)).keys, []);
    assert.equal(agent.keys.check([secret], call).kind, 'refused');
    await assert.rejects(ask('revokeToolKey', key.id), /unknown_key: There is no such key/u);
    await assert.rejects(ask('copyToolKey', key.id, secret, 'secret'), /no such key any more/u);
  });

  test('of runs are marked; whether keys are needed, and by whom, is told', async (t) => {
    const { agent, ask } = setUp(t);
    agent.keys.lend({ name: 'npm test' });
    const free = await ask('toolKeys');
    assert.equal(free.keys[0]?.lent, true);
    assert.deepEqual([free.required, free.requiredByPolicy], [false, false]);
    await ask('saveSetting', 'guard.requireToolKeys', true);
    const own = await ask('toolKeys');
    assert.deepEqual([own.required, own.requiredByPolicy], [true, false]);
    writeFileSync(agent.policyFile, JSON.stringify({ guard: { requireToolKeys: true } }));
    const theirs = await ask('toolKeys');
    assert.deepEqual([theirs.required, theirs.requiredByPolicy], [true, true]);
  });

  test('open an API of one profile among several', async (t) => {
    const { ask } = setUp(t, severalRelays);
    const { apis } = await ask('toolKeys');
    assert.deepEqual(
      apis.map(({ name }) => name),
      ['acme/*', 'globex-ltd/*', 'acme/billing'],
    );
    assert.equal(apis.at(-1)?.title, 'Acme: Billing');
    const { curl } = await ask('addToolKey', { name: 'one', apis: ['acme/billing'] });
    assert.ok(curl.endsWith(' http://localhost:5390/acme/billing/invoices'), curl);
    const whole = await ask('addToolKey', { name: 'two', apis: ['acme/*'] });
    assert.ok(whole.curl.endsWith(' http://localhost:5390/acme/billing/invoices'), whole.curl);
    const away = await ask('addToolKey', { name: 'three', apis: ['globex-ltd/*'] });
    assert.ok(away.curl.endsWith(' http://localhost:5390/globex-ltd/'), away.curl);
  });
});
