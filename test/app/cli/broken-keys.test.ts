import assert from 'node:assert/strict';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import type { CheckContext } from '../../../app/main/doctor/check.ts';
import { toolKeysCheck } from '../../../app/main/doctor/tool-keys.ts';
import { loadSettings } from '../../../app/main/agent/settings/settings.ts';
import { runCli, type CliResult } from '../../support/cli.ts';
import { openKeyAgent } from '../../support/key-agent.ts';
import { privateDir } from '../../support/private-dir.ts';
import { startHeardRelay, startProfiles, type ProfileBench } from '../../support/profile-bench.ts';

const keysIn =
  (dataDir: string) =>
  (...argv: string[]): Promise<CliResult> =>
    runCli(['keys', ...argv, '--data-dir', dataDir], {});

async function startWith(t: TestContext, text: string): Promise<ProfileBench> {
  const dataDir = privateDir(t);
  writeFileSync(join(dataDir, 'tool-keys.json'), text);
  const relay = await startHeardRelay(t, 'acme');
  const settings = { guard: { requireToolKeys: true }, relays: [{ name: 'Acme', url: relay.url }] };
  return startProfiles(t, settings, { dataDir });
}

describe('keys that cannot be read are not “no keys”', () => {
  for (const text of ['{bad', '', '[]', '{"version":2,"keys":[]}']) {
    test(JSON.stringify(text), async (t) => {
      const { dataDir, agent, authority } = await startWith(t, text);
      const keys = keysIn(dataDir);
      for (const argv of [['list'], ['add', 'curl'], ['revoke', 'curl']]) {
        const { code, out, err } = await keys(...argv);
        assert.deepEqual([code, out], [2, ''], argv.join(' '));
        assert.match(err, /tool-keys\.json, then restart Latchkey/u);
      }
      const json = await keys('list', '--json');
      assert.equal(json.out, '');
      assert.match(json.err, /^\{"error":\{"code":"bad_settings",/u);

      assert.match(agent.snapshot().fault?.message ?? '', /keys of your tools cannot be read/u);
      const answer = await fetch(`http://${authority}/billing`);
      assert.equal(answer.status, 403);
      const { detail } = (await answer.json()) as { detail: string };
      assert.match(detail, /ask for a key\. The keys of your tools cannot be read/u);
      assert.doesNotMatch(detail, /keys add/u, 'that would fail');
    });
  }
});

test('the doctor tells of keys, and of a file that cannot be read', (t) => {
  const dataDir = privateDir(t);
  const file = join(dataDir, 'tool-keys.json');
  const check = (user: object) => {
    writeFileSync(join(dataDir, 'settings.json'), JSON.stringify(user));
    const settings = loadSettings({ dataDir, env: {}, systemPolicyPath: join(dataDir, 'none') });
    return toolKeysCheck.run({ dataDir, settings } as CheckContext);
  };
  assert.deepEqual(check({}), { outcome: 'ok', detail: 'no key(s); none is needed' });
  mkdirSync(file);
  const closed = { outcome: 'fail', detail: `${file} cannot be read: every tool is refused` };
  assert.deepEqual(check({ guard: { requireToolKeys: true } }), closed);
  rmSync(file, { recursive: true });
  writeFileSync(file, '{bad');
  const shown = `${file} cannot be read: tools that show a key are refused`;
  assert.deepEqual(check({}), { outcome: 'fail', detail: shown });
});

test('a name that is taken is no bad usage', async (t) => {
  const dataDir = privateDir(t);
  const agent = await openKeyAgent(dataDir);
  t.after(() => agent.close());
  const keys = keysIn(dataDir);
  assert.equal((await keys('add', 'curl')).code, 0);
  const again = await keys('add', 'curl', '--json');
  assert.equal(again.code, 1);
  assert.match(again.err, /"code":"key_exists","message":"There is a key named “curl”/u);
  assert.equal((await keys('add', '')).code, 2);
});
