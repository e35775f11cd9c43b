import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { MadeToolKey, ToolKey } from '../../../app/main/agent/proxy/tool-key.ts';
import { runCli } from '../../support/cli.ts';
import { openKeyAgent, type KeyAgent } from '../../support/key-agent.ts';

const dataDir = mkdtempSync(join(tmpdir(), 'latchkey-cli-keys-'));
let agent: KeyAgent;
before(async () => (agent = await openKeyAgent(dataDir)));
after(async () => {
  await agent.close();
  rmSync(dataDir, { recursive: true, force: true });
});

const keys = (...argv: string[]) => runCli(['keys', ...argv], { LATCHKEY_DATA_DIR: dataDir });

test('a key is made, shown once, listed and revoked', async () => {
  const made = await keys('add', 'curl');
  assert.equal(made.code, 0, made.err);
  const [secret = ''] = made.out.split('\n');
  assert.equal(agent.keys.check([secret], { api: 'billing', method: 'DELETE' }).kind, 'ok');
  assert.match(made.out, /“curl” \(every API\)/);
  const listed = await keys('list');
  assert.match(listed.out, /^ID +NAME +OPENS +ENDS +LAST USED\nkey_[0-9a-f]{12} +curl +every API/);
  assert.ok(!listed.out.includes(secret));
  assert.equal((await keys('revoke', 'curl')).code, 0);
  assert.match((await keys('list')).out, /No keys/);
  assert.equal(agent.keys.check([secret], { api: 'billing', method: 'GET' }).kind, 'refused');
});

test('limits of the command line are limits of the key', async () => {
  const limits = ['--api', 'billing', '--api', 'people-2', '--method', 'get', '--read-only'];
  const made = await keys('add', 'my agent', ...limits, '--expires', '30d', '--json');
  assert.equal(made.code, 0, made.err);
  const { key, secret } = JSON.parse(made.out) as MadeToolKey;
  assert.match(secret, /^lk_/);
  assert.deepEqual(key.apis, ['billing', 'people-2']);
  assert.deepEqual(key.methods, ['GET']);
  assert.equal(key.readOnly, true);
  const lifeMs = Date.parse(key.expiresAt ?? '') - Date.parse(key.createdAt);
  assert.equal(lifeMs, 30 * 24 * 3_600_000);
  const [listed] = JSON.parse((await keys('list', '--json')).out) as ToolKey[];
  assert.equal(listed?.name, 'my agent');
  assert.match((await keys('list')).out, /billing,people-2; read-only; GET/);
  const revoked = await keys('revoke', key.id, '--json');
  assert.equal((JSON.parse(revoked.out) as ToolKey).id, key.id);
});

test('bad usage is 2 and says what is possible', async () => {
  for (const argv of [
    [],
    ['fly'],
    ['add'],
    ['add', 'two', 'words'],
    ['add', 'x', '--expires', '1y'],
    ['add', 'x', '--expires', '0d'],
    ['add', 'x', '--apis', 'billing'],
    ['list', 'x'],
    ['list', '--read-only'],
    ['revoke'],
  ]) {
    const { code, err } = await keys(...argv);
    assert.equal(code, 2, argv.join(' '));
    assert.match(err, /usage: latchkey/);
  }
  assert.match((await keys('add', 'x', '--api', 'a/b/c')).err, /named in small letters/);
  const unknown = await keys('revoke', 'nobody');
  assert.equal(unknown.code, 1, 'a key that is gone is no bad usage');
  assert.match(unknown.err, /no such key/);
  assert.deepEqual(agent.keys.list(), []);
  const nowhere = await runCli(['keys', 'list', '--data-dir', join(dataDir, 'none')], {});
  assert.equal(nowhere.code, 1);
  assert.match(nowhere.err, /not running/);
});

test('attack: what a tool calls itself does not reach the terminal as a command to it', async () => {
  const { secret } = agent.keys.add({ name: 'shown' });
  agent.keys.check([secret], { method: 'GET', tool: 'curl\u001b]0;owned\u0007' });
  const { out } = await keys('list');
  assert.match(out, /by curl\?\]0;owned\?/);
  assert.ok(!out.includes('\u001b'));
});
