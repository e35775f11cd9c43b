import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { createAnnouncer } from '../../../app/main/agent/announce.ts';
import { createLog } from '../../../app/main/agent/log.ts';
import { runCli } from '../../support/cli.ts';
import { privateDir } from '../../support/private-dir.ts';
import { startHeardRelay, startProfiles } from '../../support/profile-bench.ts';

test('a machine or a device without a relay does not start: there is nothing that it could sign in to', async (t) => {
  const dataDir = privateDir(t);
  const key = join(dataDir, 'key.pem');
  const { privateKey } = generateKeyPairSync('ed25519');
  writeFileSync(key, privateKey.export({ format: 'pem', type: 'pkcs8' }), { mode: 0o600 });
  const env = { LATCHKEY_DATA_DIR: join(dataDir, 'data') };
  for (const how of [['--device'], ['--client-key', key, '--client-id', 'ci']]) {
    const { code, out, err } = await runCli(['agent', '--port', '0', ...how], env);
    assert.deepEqual([code, out], [2, ''], how.join(' '));
    assert.match(err, /^latchkey: No relay is set up: add --relay URL\.$/m);
  }
});

test('an agent without a relay runs, and its events say what is missing', async (t) => {
  const { agent } = await startProfiles(t, {});
  const events: Record<string, unknown>[] = [];
  const announce = createAnnouncer((line) =>
    events.push(JSON.parse(line) as Record<string, unknown>),
  );
  announce(agent.snapshot());
  announce(agent.snapshot());
  assert.deepEqual(
    events.map(({ event }) => event),
    ['listening', 'status'],
  );
  const fault = events[1]?.['fault'] as Record<string, string> | undefined;
  assert.equal(fault?.['code'], 'bad_settings');
  assert.match(fault?.['message'] ?? '', /^No relay is set\. .*--relay https:/);
});

test('an agent that runs already is told once, with one relay and with several', async (t) => {
  const relays = [
    { name: 'Acme', url: (await startHeardRelay(t, 'acme')).url },
    { name: 'Globex', url: (await startHeardRelay(t, 'globex')).url },
  ];
  for (const some of [relays.slice(0, 1), relays]) {
    const { dataDir } = await startProfiles(t, { relays: some });
    const lines: string[] = [];
    const log = createLog({
      level: 'warn',
      destination: { write: (line) => void lines.push(line) },
    });
    const second = startProfiles(t, { relays: some }, { dataDir, log });
    await assert.rejects(second, { code: 'already_running' });
    assert.equal(lines.filter((line) => line.includes('already_running')).length, 1, lines.join());
  }
});

test('an address of a relay with another scheme is told which ones are possible', async (t) => {
  const env = { LATCHKEY_DATA_DIR: privateDir(t) };
  for (const scheme of ['ftp', 'ws']) {
    const { code, err } = await runCli(['agent', '--relay', `${scheme}://relay.example.com`], env);
    assert.equal(code, 2);
    assert.match(err, new RegExp(`https://, or with http:// .*; ${scheme}:// is not possible`));
    assert.doesNotMatch(err, /is not on this computer/);
  }
});
