import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import type { CallName } from '../../app/main/ipc/contract.ts';
import { createWindowAgent } from '../support/window-agent.ts';
import { ready } from '../support/window-states.ts';

// A page that was taken over says to the main process whatever it likes.
const origin = 'latchkey-ui://app';
const page = { url: `${origin}/index.html`, isMainFrame: true, isOurWindow: true };
const secret = `lk_${'a'.repeat(43)}`;

function setUp(t: TestContext) {
  const agent = createWindowAgent(origin, ready);
  t.after(agent.close);
  return agent;
}

test('calls with forged arguments are refused before anything happens', async (t) => {
  const { answer, dataDir, done, keys } = setUp(t);
  const forged: readonly (readonly [CallName, readonly unknown[]])[] = [
    ['addToolKey', []],
    ['addToolKey', [{}]],
    ['addToolKey', [{ name: 'x', id: 'key_000000000000' }]],
    ['addToolKey', [{ name: 'x', lent: true }]],
    ['addToolKey', [{ name: 'x', secret }]],
    ['addToolKey', [{ name: 'x', apis: [] }]],
    ['addToolKey', [{ name: 'x', apis: 'billing' }]],
    ['addToolKey', [{ name: 'x', apis: ['../billing'] }]],
    ['addToolKey', [{ name: 'x', methods: ['GET\r\nX: y'] }]],
    ['addToolKey', [{ name: 'x', readOnly: 'false' }]],
    ['addToolKey', [{ name: 'x', readOnly: undefined }]],
    ['addToolKey', [{ name: 'x', expiresInMs: Number.NaN }]],
    ['addToolKey', [{ name: 'x', expiresInMs: -1 }]],
    ['addToolKey', [{ name: 'x', expiresInMs: 1e300 }]],
    ['addToolKey', [{ name: 'x'.repeat(257) }]],
    ['addToolKey', [{ name: 'a\u202eb' }]],
    ['addToolKey', [JSON.parse('{"name":"x","__proto__":{"lent":true}}')]],
    ['copyToolKey', ['key_000000000000', '; rm -rf ~', 'secret']],
    ['copyToolKey', ['key_000000000000', `${secret}\n`, 'secret']],
    ['copyToolKey', ['key_000000000000', secret, 'secret']],
    ['copyToolKey', ['key_000000000000', secret, 'token']],
    ['copyToolKey', [secret, secret, 'secret']],
    ['revokeToolKey', ['']],
    ['revokeToolKey', ['Nightly report']],
    ['revokeToolKey', [{ toString: 'key_000000000000' }]],
    ['revokeToolKey', ['key_000000000000']],
    ['saveSetting', []],
    ['saveSetting', ['port']],
    ['saveSetting', ['relays', [{ name: 'evil', url: 'https://evil.example' }]]],
    ['saveSetting', ['guard.otherUsers', true]],
    ['saveSetting', ['network.caFile', '/tmp/evil.pem']],
    ['saveSetting', ['updates.url', 'https://evil.example']],
    ['saveSetting', ['__proto__', { port: 1 }]],
    ['saveSetting', ['port', { value: 1 }]],
    ['saveSetting', ['port', undefined]],
    ['saveSetting', ['log.level', 'x'.repeat(3000)]],
    [
      'saveSetting',
      ['guard.allowedOrigins', Array.from({ length: 101 }, () => 'https://a.example')],
    ],
    ['saveSetting', ['guard.allowedOrigins', ['*']]],
    ['signIn', ['acme/../globex']],
    ['copyApi', ['billing', 'url', null]],
    ['copyDiagnosis', ['text of the page']],
    ['copyDiagnosis', []],
  ];
  for (const [name, args] of forged) {
    const reply = await answer(name, page, args);
    assert.ok(!reply.ok, `${name} ${JSON.stringify(args)}`);
    assert.ok(
      ['bad_usage', 'bad_settings', 'unknown_key'].includes(reply.code),
      `${name}: ${reply.code}`,
    );
  }
  assert.deepEqual(done, []);
  assert.deepEqual(keys.list(), []);
  assert.ok(!existsSync(join(dataDir, 'settings.json')));
  assert.ok(!existsSync(join(dataDir, 'tool-keys.json')));
});

test('what IT has set stays, whatever the page says, and even where IT’s value was bad', async (t) => {
  const { answer, dataDir, done, policyFile } = setUp(t);
  writeFileSync(
    policyFile,
    JSON.stringify({ guard: { requireToolKeys: true }, tokens: { store: 'sealt' } }),
  );
  for (const args of [
    ['guard.requireToolKeys', false],
    ['guard.requireToolKeys', null],
    ['tokens.store', 'sealed'],
  ]) {
    const reply = await answer('saveSetting', page, args);
    assert.ok(!reply.ok && reply.code === 'bad_settings');
    assert.match(reply.message, /is set by your IT department in .*policy\.json; ask them/u);
  }
  assert.deepEqual(done, []);
  assert.ok(!existsSync(join(dataDir, 'settings.json')));
});

test('no call gives a key’s secret or its fingerprint again', async (t) => {
  const { answer, dataDir, keys } = setUp(t);
  const made = keys.add({ name: 'one' });
  keys.check([made.secret], { method: 'GET' });
  const stored = JSON.parse(readFileSync(join(dataDir, 'tool-keys.json'), 'utf8')) as unknown;
  const hash = /"hash":"([0-9a-f]{64})"/u.exec(JSON.stringify(stored))?.[1];
  assert.ok(hash);
  const seen = JSON.stringify([
    await answer('toolKeys', page, []),
    await answer('getSnapshot', page, []),
    await answer('settings', page, []),
    await answer('diagnose', page, []),
    await answer('revokeToolKey', page, [made.key.id]),
  ]);
  assert.ok(!seen.includes(made.secret) && !seen.includes(hash), seen);
});
