import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { AgentError } from '../../../app/main/agent/errors.ts';
import { presentedKeys } from '../../../app/main/agent/proxy/tool-key-presented.ts';
import type { KeyedCall, KeyVerdict } from '../../../app/main/agent/proxy/tool-key.ts';
import { createToolKeys } from '../../../app/main/agent/proxy/tool-keys.ts';

const dir = mkdtempSync(join(tmpdir(), 'latchkey-keys-'));
after(() => rmSync(dir, { recursive: true, force: true }));

let files = 0;
function make(file = join(dir, `keys-${(files += 1)}.json`)) {
  const clock = { nowMs: Date.parse('2026-11-29T12:00:00Z') };
  const faults: unknown[] = [];
  const open = () =>
    createToolKeys({ file, now: () => clock.nowMs, onError: (error) => faults.push(error) });
  return { file, clock, faults, open, keys: open() };
}

const get: KeyedCall = { api: 'billing', method: 'GET' };
const why = (verdict: KeyVerdict): string => (verdict.kind === 'ok' ? 'ok' : verdict.why);
const basic = (credentials: string): readonly string[] => [
  'Proxy-Authorization',
  `Basic ${Buffer.from(credentials).toString('base64')}`,
];

test('a key opens; its secret is in no file and no list, and the file is private', () => {
  const { keys, file } = make();
  const { key, secret } = keys.add({ name: 'curl' });
  assert.match(secret, /^lk_[A-Za-z0-9_-]{43}$/);
  const verdict = keys.check([secret], get);
  assert.ok(verdict.kind === 'ok' && verdict.key.name === 'curl');
  assert.equal(statSync(file).mode & 0o777, 0o600);
  const shown = readFileSync(file, 'utf8') + JSON.stringify([keys.list(), key]);
  assert.ok(!shown.includes(secret.slice(3)));
  assert.ok(!JSON.stringify(keys.list()).includes('hash'));
});

test('attack: no key, an unknown one, a part of one, its hash, its id and two keys are refused', () => {
  const { keys, file } = make();
  const { secret, key } = keys.add({ name: 'one' });
  const { secret: other } = keys.add({ name: 'two' });
  const [, hash] = /"hash": "([0-9a-f]{64})"/.exec(readFileSync(file, 'utf8')) ?? [];
  assert.ok(hash);
  assert.equal(why(keys.check([], get)), 'missing');
  for (const bad of [
    '',
    'lk_',
    secret.slice(0, -1),
    `${secret} `,
    secret.toUpperCase(),
    hash,
    key.id,
  ]) {
    assert.equal(why(keys.check([bad], get)), 'unknown', bad);
  }
  const two = keys.check([secret, other], get);
  assert.equal(why(two), 'two');
  for (const verdict of [two, keys.check(['lk_wrong'], get)]) {
    assert.ok(!JSON.stringify(verdict).includes('lk_'), 'no secret in words for people');
  }
});

test('attack: a key does not reach beyond its APIs, methods and end', () => {
  const { keys, clock } = make();
  const { secret } = keys.add({
    name: 'narrow',
    apis: ['billing'],
    methods: ['GET', 'POST'],
    expiresInMs: 60_000,
  });
  const as = (call: Partial<KeyedCall>): string => why(keys.check([secret], { ...get, ...call }));
  assert.equal(as({}), 'ok');
  assert.equal(as({ method: 'POST' }), 'ok');
  assert.equal(as({ method: 'DELETE' }), 'method');
  assert.equal(as({ method: 'get' }), 'method');
  assert.equal(as({ api: 'people' }), 'api');
  assert.equal(as({ api: undefined }), 'api', 'where the API is not known, nothing is opened');
  clock.nowMs += 59_999;
  assert.equal(as({}), 'ok');
  clock.nowMs += 1;
  assert.equal(as({}), 'expired');
});

test('attack: a read-only key writes nothing, neither by method nor through a WebSocket', () => {
  const { keys } = make();
  const { secret } = keys.add({ name: 'agent', readOnly: true });
  for (const method of ['GET', 'HEAD', 'OPTIONS'])
    assert.equal(why(keys.check([secret], { ...get, method })), 'ok');
  for (const method of ['POST', 'PUT', 'PATCH', 'DELETE', 'PROPFIND', 'get'])
    assert.equal(why(keys.check([secret], { ...get, method })), 'method', method);
  assert.equal(why(keys.check([secret], { ...get, upgrade: true })), 'method');
  const both = keys.add({ name: 'both', readOnly: true, methods: ['POST', 'GET'] }).secret;
  assert.equal(why(keys.check([both], { ...get, method: 'POST' })), 'method');
});

test('a revoked key is refused at once, and after a restart', () => {
  const { keys, open } = make();
  const { secret } = keys.add({ name: 'gone' });
  const kept = keys.add({ name: 'kept' });
  assert.equal(keys.revoke('gone').name, 'gone');
  assert.equal(why(keys.check([secret], get)), 'unknown');
  const again = open();
  assert.equal(why(again.check([secret], get)), 'unknown');
  assert.equal(why(again.check([kept.secret], get)), 'ok');
  assert.equal(again.revoke(kept.key.id).name, 'kept');
  assert.equal(why(again.check([kept.secret], get)), 'unknown');
  assert.throws(() => again.revoke('kept'), /no such key/);
});

test('names are unique among the living; an expired one gives its name back', () => {
  const { keys, clock } = make();
  const { secret } = keys.add({ name: 'ci', expiresInMs: 1000 });
  assert.throws(() => keys.add({ name: 'ci' }), /There is a key named “ci”/);
  clock.nowMs += 1000;
  keys.add({ name: 'ci' });
  assert.equal(keys.list().length, 1);
  assert.equal(why(keys.check([secret], get)), 'unknown');
});

test('attack: a name that hides or turns what a list shows, or that is a secret, is refused', () => {
  const { keys } = make();
  const { key } = keys.add({ name: 'ok' });
  const bads = [
    '',
    ' x',
    'x ',
    'a\nb',
    '\u001b[2J',
    'a\u202eb',
    'a\u200bb',
    'x'.repeat(65),
    key.id,
  ];
  for (const name of [...bads, `lk_${'a'.repeat(43)}`]) {
    assert.throws(
      () => keys.add({ name }),
      (error) => error instanceof AgentError && error.code === 'bad_usage',
      JSON.stringify(name),
    );
  }
  for (const limits of [
    { apis: [] },
    { apis: ['a/b/c'] },
    { apis: ['a/'] },
    { apis: ['*'] },
    { apis: ['*/b'] },
    { methods: ['get'] },
    { methods: [] },
    { expiresInMs: 0 },
    { expiresInMs: Number.NaN },
    { expiresInMs: 1e13 },
  ])
    assert.throws(() => keys.add({ name: 'x', ...limits }), AgentError, JSON.stringify(limits));
  keys.add({ name: 'Zoë’s laptop – 2' });
  assert.equal(keys.list().length, 2);
});

test('the last use is kept, but not written for each call', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const { keys, file, clock, open } = make();
  const { secret } = keys.add({ name: 'tool' });
  const written = (): number => readFileSync(file, 'utf8').split('lastUsedAt').length - 1;
  for (let count = 0; count < 100; count += 1) keys.check([secret], { ...get, tool: 'curl' });
  assert.equal(keys.list()[0]?.lastTool, 'curl');
  assert.equal(written(), 0);
  t.mock.timers.tick(60_000);
  assert.equal(written(), 1);
  clock.nowMs += 5000;
  keys.check([secret], { ...get, tool: 'wget' });
  keys.check(['lk_wrong'], { ...get, tool: 'evil' });
  await keys.close();
  const [kept] = open().list();
  assert.equal(kept?.lastTool, 'wget');
  assert.equal(kept?.lastUsedAt, '2026-11-29T12:00:05.000Z');
});

test('a lent key opens within its limits until it is ended, and is never written', () => {
  const { keys, file } = make();
  keys.add({ name: 'stored' });
  const loan = keys.lend({ name: 'run npm', apis: ['billing'] });
  assert.equal(why(keys.check([loan.secret], get)), 'ok');
  assert.equal(why(keys.check([loan.secret], { ...get, api: 'people' })), 'api');
  keys.add({ name: 'later' });
  assert.ok(!readFileSync(file, 'utf8').includes('run npm'));
  assert.equal(keys.list().filter(({ lent }) => lent).length, 1);
  loan.end();
  loan.end();
  assert.equal(why(keys.check([loan.secret], get)), 'unknown');
  const other = keys.lend({ name: 'run npm' });
  keys.revoke(other.key.id);
  assert.equal(why(keys.check([other.secret], get)), 'unknown');
});

test('attack: a damaged file, or one with a limit that is not known, opens nothing and is not lost', () => {
  const { keys, file } = make();
  const { secret } = keys.add({ name: 'one' });
  const good = readFileSync(file, 'utf8');
  for (const text of [
    '',
    '{',
    '[]',
    good.slice(0, -20),
    good.replace('"name"', '"onlyOn": 1, "name"'),
  ]) {
    writeFileSync(file, text);
    const { keys: damaged, faults } = make(file);
    assert.equal(faults.length, 1);
    assert.equal(why(damaged.check([secret], get)), 'unknown');
    assert.throws(() => damaged.add({ name: 'two' }), /cannot be read, .* nothing is changed/);
    assert.throws(() => damaged.list(), { code: 'bad_settings' }, 'not known is not none');
    assert.equal(damaged.fault?.code, 'bad_settings');
    const bare = damaged.check([], get);
    assert.match(bare.kind === 'refused' ? bare.detail : '', /Correct or remove .*restart/u);
    assert.equal(readFileSync(file, 'utf8'), text);
  }
});

test('a key that cannot be written does not exist; the old file stays', () => {
  const { keys, file } = make();
  keys.add({ name: 'one' });
  const folder = mkdtempSync(join(dir, 'full-'));
  const { keys: elsewhere } = make(join(folder, 'missing', 'keys.json'));
  assert.throws(() => elsewhere.add({ name: 'two' }), /cannot be written .* \(ENOENT\)/);
  assert.deepEqual(elsewhere.list(), []);
  // What an earlier crash left behind, readable by all.
  const left = `${file}.${process.pid}.tmp`;
  writeFileSync(left, 'x');
  chmodSync(left, 0o666);
  keys.add({ name: 'three' });
  assert.equal(statSync(file).mode & 0o777, 0o600);
});

test('keys are read from X-Latchkey-Key and from the proxy’s user', () => {
  assert.deepEqual(presentedKeys(['Host', 'x']), []);
  assert.deepEqual(presentedKeys(['x-latchkey-key', 'lk_a']), ['lk_a']);
  assert.deepEqual(presentedKeys(basic('lk_a:')), ['lk_a']);
  assert.deepEqual(presentedKeys(basic('lk_a')), ['lk_a']);
  assert.deepEqual(presentedKeys(basic('tool:lk_a')), ['lk_a']);
  assert.deepEqual(presentedKeys(basic('lk_a:x:y')), ['lk_a']);
  assert.deepEqual(presentedKeys(['X-Latchkey-Key', 'lk_a', ...basic('lk_a:')]), ['lk_a']);
  assert.deepEqual(presentedKeys(['Proxy-Authorization', 'bASIC bGtfYTo=']), ['lk_a']);
});

test('attack: a second or unreadable credential beside a good key is counted, never passed over', () => {
  const good = ['X-Latchkey-Key', 'lk_a'];
  for (const more of [
    ['X-Latchkey-Key', 'lk_b'],
    ['X-LATCHKEY-KEY', ''],
    basic('lk_b:'),
    basic('lk_b:lk_a'),
    basic('admin:admin'),
    ['Proxy-Authorization', 'Bearer lk_a'],
    ['Proxy-Authorization', 'Basic !!!'],
    ['Proxy-Authorization', ''],
  ])
    assert.equal(presentedKeys([...good, ...more]).length, 2, more.join(': '));
  assert.deepEqual(presentedKeys(['Proxy-Authorization', 'Bearer lk_a']), ['']);
});
