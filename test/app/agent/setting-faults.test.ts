import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { loadSettings } from '../../../app/main/agent/settings/settings.ts';
import { settingsCheck } from '../../../app/main/doctor/settings.ts';
import type { CheckContext } from '../../../app/main/doctor/check.ts';
import { privateDir } from '../../support/private-dir.ts';

function load(t: TestContext, user: unknown) {
  const dataDir = privateDir(t);
  const file = join(dataDir, 'settings.json');
  writeFileSync(file, JSON.stringify(user));
  const settings = loadSettings({ dataDir, env: {}, systemPolicyPath: join(dataDir, 'none') });
  return { settings, faults: settings.faults.map((fault) => fault.replace(`${file}: `, '')) };
}

const origins = Array.from({ length: 101 }, (_, at) => `https://tool${at}.example.com`);

/** What a file holds, and the whole sentence about it. */
const bad: readonly (readonly [unknown, string])[] = [
  [
    { signIn: { auto: 'maybe' } },
    'signIn.auto: is the text "maybe" and must be true or false; false holds instead',
  ],
  [
    { port: '5391' },
    'port: is the text "5391" and must be a whole number from 0 to 65535, where 0 takes any free port; 5390 holds instead',
  ],
  [
    { signIn: { waitSeconds: 601 } },
    'signIn.waitSeconds: is 601 and must be a number of seconds from 0 to 600; 20 holds instead',
  ],
  [
    { audit: { retentionDays: null } },
    'audit.retentionDays: is null and must be a whole number of days from 1 to 3650; 3650 holds instead',
  ],
  [
    { tokens: { store: ['sealed'] } },
    'tokens.store: is a list of 1 and must be sealed or memory; "memory" holds instead',
  ],
  [
    { log: { level: '' } },
    'log.level: is an empty text and must be error, warn, info or debug; "info" holds instead',
  ],
  [
    { guard: { allowedOrigins: ['https://tools.example.com', '*'] } },
    'guard.allowedOrigins[1]: is the text "*" and must be an origin such as https://tools.example.com, without a path; guard.allowedOrigins counts as empty',
  ],
  [
    { guard: { allowedOrigins: origins } },
    'guard.allowedOrigins: is a list of 101 and must be at most 100 origins such as https://tools.example.com, without a path; guard.allowedOrigins counts as empty',
  ],
  [
    { relays: [{ name: 'Acme' }] },
    'relays[0].url: is missing; relays must be at most 20 relays such as {"name": "Acme", "url": "https://relay.example.com"}; relays counts as empty',
  ],
  [
    { apis: { 'a b': { port: 5391, host: 'x' } } },
    'apis["a b"]: has a member that does not belong there; apis must be ports of APIs from 1 to 65535 such as {"billing": {"port": 5391}}; apis counts as empty',
  ],
  [
    { apis: { billing: { port: 0 } } },
    'apis.billing.port: is 0; apis must be ports of APIs from 1 to 65535 such as {"billing": {"port": 5391}}; apis counts as empty',
  ],
  [
    { network: { caFile: {} } },
    'network.caFile: is an object and must be the path of a PEM file; network.caFile counts as not set',
  ],
  [
    { network: { proxy: 'ftp://proxy.example.com' } },
    'network.proxy: is an address that begins with ftp: and must be direct, http://host:port, https://host:port or pac+https://host/file; nothing is called until it is corrected',
  ],
  [
    { signIn: false },
    'signIn: is false and must be an object that may hold auto, waitSeconds; the safer value of each holds instead',
  ],
  [{ toString: 1 }, 'toString: is not a setting; it has no effect'],
];

test('a bad value is told by key, what was found, what is allowed and what holds instead', (t) => {
  for (const [user, sentence] of bad) assert.deepEqual(load(t, user).faults, [sentence]);
});

test('every fault names its file, and the doctor tells the same', async (t) => {
  const { settings } = load(t, { port: 'x', log: { level: 'loud' } });
  assert.equal(settings.faults.length, 2);
  assert.ok(
    settings.faults.every((fault) => /^\/.*settings\.json: (port|log\.level): /u.test(fault)),
  );
  const { outcome, detail } = await settingsCheck.run({ settings } as CheckContext);
  assert.equal(outcome, 'warn');
  assert.equal(detail, settings.faults.join(' | '));
});

test('no fault repeats what may be a secret, wherever it was typed', (t) => {
  const secret = 'Sesame1';
  const token = 'lk_c2VzYW1lLW9wZW4tc2VzYW1lLW9wZW4tc2VzYW1lLW8';
  const places: readonly unknown[] = [
    { network: { proxy: `socks5://helen:${secret}@proxy.example.com` } },
    { network: { proxy: `helen:${secret}@proxy.example.com` } },
    { network: { proxy: 'Sesame' } },
    { relays: [{ name: 'a', url: `http://helen:${secret}@relay.example.com` }] },
    { relays: [{ name: 'a', url: `https://relay.example.com/?key=${secret}` }] },
    { relays: [{ name: 'a', url: 'https://relay.example.com', [secret]: secret }] },
    { updates: { url: `http://updates.example.com/${secret}` } },
    { guard: { allowedOrigins: [`https://helen:${secret}@tools.example.com`] } },
    { signIn: { auto: token } },
    { port: token },
    { tokens: { store: { key: token } } },
  ];
  for (const place of places) {
    const { faults } = load(t, place);
    assert.ok(faults.length > 0, JSON.stringify(place));
    assert.doesNotMatch(faults.join('\n'), /Sesame|helen|lk_/u);
  }
});
