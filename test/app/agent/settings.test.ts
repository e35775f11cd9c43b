import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { createLog, redact } from '../../../app/main/agent/log.ts';
import { dataDir, ensureDataDir } from '../../../app/main/agent/settings/data-dir.ts';
import { loadSettings, saveSettings } from '../../../app/main/agent/settings/settings.ts';
import type { Settings } from '../../../app/main/agent/settings/settings.ts';

const root = mkdtempSync(join(tmpdir(), 'latchkey-settings-'));
after(() => rmSync(root, { recursive: true, force: true }));
let count = 0;

function load(files: { user?: unknown; system?: unknown; named?: unknown }): Settings {
  count += 1;
  const dir = join(root, String(count));
  ensureDataDir(dir);
  const write = (name: string, value: unknown): string => {
    const path = join(dir, name);
    const text = typeof value === 'string' ? value : JSON.stringify(value);
    if (value !== undefined) writeFileSync(path, text, { mode: 0o600 });
    return path;
  };
  write('settings.json', files.user);
  return loadSettings({
    dataDir: dir,
    env:
      files.named === undefined ? {} : { LATCHKEY_POLICY_FILE: write('named.json', files.named) },
    systemPolicyPath: write('system.json', files.system),
  });
}

const sourceOf = (settings: Settings, key: string): string | undefined =>
  settings.effective().find((setting) => setting.key === key)?.source;

test('defaults hold where nothing is set', () => {
  const settings = load({});
  assert.equal(settings.get('port'), 5390);
  assert.equal(settings.get('signIn.waitSeconds'), 20);
  assert.deepEqual(settings.faults, []);
  assert.ok(settings.effective().every(({ source, locked }) => source === 'default' && !locked));
});

test('policy wins over the user and locks; the named file counts only without a system policy', () => {
  const user = { port: 6000, log: { level: 'debug' } };
  const system = load({ user, system: { port: 7000 }, named: { port: 8000 } });
  assert.equal(system.get('port'), 7000);
  assert.equal(sourceOf(system, 'port'), 'policy');
  assert.equal(system.get('log.level'), 'debug');
  assert.equal(sourceOf(system, 'log.level'), 'user');
  assert.ok(system.effective().find(({ key }) => key === 'port')?.locked);
  assert.equal(load({ user, named: { port: 8000 } }).get('port'), 8000);
});

test('a bad value falls to the safer one and is told; a bad policy does not free the user', () => {
  const settings = load({
    user: { port: 'x', guard: { requireToolKeys: 1, allowedOrigins: ['*'] }, fly: true },
    system: { tokens: { store: 'disk' }, signIn: { auto: 'maybe' } },
  });
  assert.equal(settings.get('port'), 5390);
  assert.equal(settings.get('guard.requireToolKeys'), true);
  assert.deepEqual(settings.get('guard.allowedOrigins'), []);
  assert.equal(settings.get('tokens.store'), 'memory');
  assert.equal(settings.get('signIn.auto'), false);
  const told = settings.faults.join('\n');
  for (const word of [
    /: port: /,
    /requireToolKeys/,
    /allowedOrigins/,
    /tokens\.store/,
    /fly: is not/,
  ]) {
    assert.match(told, word);
  }
  assert.equal(settings.faults.length, 6);
});

test('files that are no JSON, and relays without https, have no effect and are told', () => {
  const broken = load({ user: '{"port": 1,', system: '[]' });
  assert.equal(broken.get('port'), 5390);
  assert.equal(broken.faults.length, 2);
  const plain = load({ user: { relays: [{ name: 'a', url: 'http://relay.example.com' }] } });
  assert.deepEqual(plain.get('relays'), []);
  assert.match(plain.faults.join(), /relays\[0\]\.url: .* must be an address such as https/);
  const local = load({ user: { relays: [{ name: 'a', url: 'http://127.0.0.1:9000' }] } });
  assert.equal(local.get('relays')[0]?.url, 'http://127.0.0.1:9000');
});

test('saving keeps the other members, is atomic and private', () => {
  const dir = join(root, 'save');
  ensureDataDir(dir);
  saveSettings(dir, { port: 6001, log: { level: 'warn' } });
  saveSettings(dir, { port: 6002 });
  const path = join(dir, 'settings.json');
  assert.deepEqual(JSON.parse(readFileSync(path, 'utf8')), { port: 6002, log: { level: 'warn' } });
  assert.equal(statSync(path).mode & 0o777, 0o600);
  assert.equal(statSync(dir).mode & 0o777, 0o700);
});

test('the data directory follows the system and the override', () => {
  assert.equal(dataDir({ LATCHKEY_DATA_DIR: '/x' }, 'linux'), '/x');
  assert.equal(dataDir({ HOME: '/home/a' }, 'linux'), '/home/a/.config/Latchkey');
  assert.equal(dataDir({ HOME: '/u' }, 'darwin'), '/u/Library/Application Support/Latchkey');
});

test('what looks like a secret does not reach the log, not even in a cause', () => {
  const lines: string[] = [];
  const log = createLog({ level: 'info', destination: { write: (line) => void lines.push(line) } });
  const jwt = 'eyJhbGciOiJub25lIn0.eyJzdWIiOiJhbGljZSJ9.sig';
  const opaque = 'kJ8s0dkfJ3kd9fkE4jd8fj2kd9fj3kd8fj2k';
  const cause = new Error(`refused ${jwt}`);
  log.error('failed', new Error(`at http://127.0.0.1:1/callback?code=abc&state=def`, { cause }));
  log.info('x', { token: opaque });
  const text = lines.join('');
  assert.match(text, /refused/);
  for (const secret of [jwt, opaque, 'code=abc']) assert.ok(!text.includes(secret), secret);
  assert.equal(redact('port 5390 is busy'), 'port 5390 is busy');
});
