import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { createNetwork } from '../../app/main/agent/network/network.ts';
import { loadSettings } from '../../app/main/agent/settings/settings.ts';

test('a proxy setting that is not understood leads to no direct connection', async (t) => {
  const dataDir = mkdtempSync(join(tmpdir(), 'latchkey-proxy-'));
  t.after(() => rmSync(dataDir, { recursive: true, force: true }));
  for (const proxy of ['proxy.example.com:3128', 'socks5://127.0.0.1:1', '', 3128]) {
    writeFileSync(join(dataDir, 'settings.json'), JSON.stringify({ network: { proxy } }));
    const settings = loadSettings({ dataDir, env: {}, systemPolicyPath: join(dataDir, 'none') });
    assert.match(settings.faults.join(), /network\.proxy/);
    const network = createNetwork({
      proxy: settings.get('network.proxy'),
      caFile: undefined,
      env: {},
      resolveSystem: undefined,
      ownPort: () => undefined,
      now: Date.now,
    });
    await assert.rejects(
      network.fetch('http://relay.example.invalid/', {}),
      (error: Error) => /network\.proxy/.test(`${error.message} ${String(error.cause)}`),
      String(proxy),
    );
  }
});
