import assert from 'node:assert/strict';
import { existsSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { test, type TestContext } from 'node:test';
import { runBundle, type Keyboard } from '../../../app/cli/bundle-command.ts';
import { createReducer } from '../../../app/main/doctor/reduced-audit.ts';
import { createScrub } from '../../../app/main/doctor/scrub.ts';
import { createLedger } from '../../../audit/ledger.ts';
import { privateDir } from '../../support/private-dir.ts';

const jwt = 'eyJhbGciOiJub25lIn0.eyJzdWIiOiJoZWxlbiJ9.c2lnbmF0dXJl';
const opaque = 'kJ8s0dkfJ3kd9fkE4jd8fj2kd9fj3kd8fj2k';
const toolKey = 'lk_A1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6Q7r8S9t0U1v';

/** Each of these stands somewhere in the data directory. */
const secrets = {
  jwt,
  opaque,
  toolKey,
  keyHash: '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
  keyName: 'nightly-export-of-helen',
  sealed: 'U2VhbGVkVG9rZW5z',
  email: 'helen.troy@example.com',
  subject: 'auth0|77aa12',
  name: 'Helen Troy',
  firstName: 'Helen',
  address: '10.20.30.40',
  deepPath: 'acme-secret-project',
  typedPath: 'typed-by-mistake',
  proxyUser: 'proxyhelen',
  proxyPassword: 'Ses%40me1',
  proxyPasswordDecoded: 'Ses@me1',
  query: 'sig=abcdef',
  cookie: 'sid=short1',
  crash: 'dumped-memory',
};

async function planted(t: TestContext): Promise<string> {
  const dataDir = privateDir(t);
  const write = (name: string, text: string): void =>
    writeFileSync(join(dataDir, name), text, { mode: 0o600 });
  const settings = {
    port: 0,
    relays: [{ name: 'company', url: 'http://127.0.0.1:1' }],
    network: { proxy: 'http://proxyhelen:Ses%40me1@proxy.example.com:3128' },
    updates: { url: 'https://updates.example.com/feed?sig=abcdef' },
    managedBy: { name: 'IT', help: 'Ask helen.troy@example.com' },
  };
  write('settings.json', JSON.stringify(settings));
  const key = { id: 'k1', name: secrets.keyName, hash: secrets.keyHash };
  write('tool-keys.json', JSON.stringify([key]));
  write('session.sealed', secrets.sealed);
  const ledger = createLedger({ dir: join(dataDir, 'audit'), side: 'app' });
  const person = { issuer: 'https://idp.example.com', user: secrets.subject };
  await ledger.append('sign-in', { ...person, userName: secrets.name });
  const record = await ledger.admit({
    ...person,
    requestId: 'r1',
    api: 'billing',
    method: 'GET',
    path: `/billing/${secrets.deepPath}/1`,
    ip: secrets.address,
    tool: { name: 'curl', key: secrets.keyName },
    tokenId: secrets.keyHash,
    decision: 'allow',
  });
  record.finish({ status: 200, bytesOut: 10 });
  await ledger.admit({
    requestId: 'r2',
    path: `/${secrets.typedPath}`,
    decision: 'deny',
    code: 'unknown_api',
  });
  await ledger.close();
  const lines = [
    { level: 30, msg: 'listening', url: 'http://localhost:5390/' },
    { level: 40, msg: `refused Bearer short1x for ${secrets.email}` },
    { level: 40, msg: `token ${jwt} and ${opaque} and ${toolKey}` },
    { level: 40, msg: `hello Helen, your id is ${secrets.subject} at ${secrets.address}` },
    { level: 40, msg: `proxy proxyhelen:${secrets.proxyPasswordDecoded}@proxy.example.com` },
    { level: 40, msg: `get wss://a.example.com/x?${secrets.query}, cookie=${secrets.cookie}` },
    { level: 40, msg: `open ${homedir()}/x and ${dataDir}/y` },
    { level: 40, msg: 'nested', detail: { dump: secrets.crash } },
  ];
  const text = lines.map((line) => JSON.stringify(line)).join('\n');
  write('latchkey.log', `${text}\n${secrets.crash} at 0x1\n`);
  return dataDir;
}

interface Told {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

async function run(args: readonly string[], keyboard: Keyboard): Promise<Told> {
  let [out, err] = ['', ''];
  const io = {
    out: (text: string) => void (out += text),
    err: (text: string) => void (err += text),
    env: { HTTPS_PROXY: 'http://proxyhelen:Ses%40me1@proxy.example.com:3128' },
  };
  const code = await runBundle(args, io, keyboard);
  return { code, out, err };
}

/** A terminal where somebody types this, or ends the input. */
function terminal(typed: string): Keyboard {
  const input = Object.assign(new PassThrough(), { isTTY: true });
  input.end(typed);
  return input;
}

const pipe = (): Keyboard => new PassThrough().end();

interface Bundle {
  readonly versions: Readonly<Record<string, string>>;
  readonly doctor: { readonly ok: boolean; readonly checks: readonly { name: string }[] };
  readonly settings: readonly { readonly key: string; readonly value: unknown }[];
  readonly audit: { readonly records: readonly Readonly<Record<string, unknown>>[] };
  readonly log: { readonly lines: readonly unknown[]; readonly leftOut: number };
}

test('nothing secret and nobody’s name leaves the data directory', async (t) => {
  const dataDir = await planted(t);
  const output = join(privateDir(t), 'bundle.json');
  const { code, out, err } = await run(
    ['--data-dir', dataDir, '--output', output, '--yes'],
    pipe(),
  );
  assert.equal(code, 0, err);
  const text = readFileSync(output, 'utf8');
  assert.equal(out, text, 'what was shown is what was written');
  assert.equal(statSync(output).mode & 0o777, 0o600);
  for (const [what, secret] of Object.entries(secrets)) {
    assert.ok(!text.toLowerCase().includes(secret.toLowerCase()), `${what}: ${secret}`);
  }
  assert.ok(!text.includes(dataDir) && !text.includes('short1'));
});

test('what helps is there: versions, checks, settings, reduced records, the log', async (t) => {
  const dataDir = await planted(t);
  const output = join(privateDir(t), 'bundle.json');
  const args = ['--data-dir', dataDir, '--output', output, '--yes', '--json'];
  const { out } = await run(args, pipe());
  const [first, second] = out.split('\n').map((line) => line && (JSON.parse(line) as unknown));
  const { bundle } = first as { bundle: Bundle };
  assert.deepEqual(JSON.parse(readFileSync(output, 'utf8')), bundle);
  assert.equal((second as { event: string }).event, 'written');
  assert.equal(bundle.versions['node'], process.versions.node);
  assert.equal(bundle.doctor.ok, false);
  assert.ok(bundle.doctor.checks.some(({ name }) => name === 'relay-tls'));
  const proxy = bundle.settings.find(({ key }) => key === 'network.proxy');
  assert.match(String(proxy?.value), /^http:\/\/\*\*\*@proxy\.example\.com:3128/);
  const record = bundle.audit.records.find(({ kind, api }) => kind === 'request' && api);
  assert.equal(record?.['path'], '/billing/…');
  assert.equal(record?.['tool'], 'curl');
  assert.match(String(record?.['person']), /^person-[0-9a-f]{8}$/);
  const signIn = bundle.audit.records.find(({ kind }) => kind === 'sign-in');
  assert.equal(signIn?.['person'], record?.['person'], 'one person, one pseudonym');
  assert.deepEqual(bundle.log.lines[0], {
    level: 30,
    msg: 'listening',
    url: 'http://localhost:5390/',
  });
  assert.equal(bundle.log.leftOut, 2);
});

test('a pseudonym cannot be computed again: each bundle has a key of its own', () => {
  const record = { seq: 1, user: 'alice', issuer: 'https://idp.example.com' } as never;
  assert.notEqual(createReducer()(record)['person'], createReducer()(record)['person']);
});

test('without a terminal and without --yes nothing is shown or written', async (t) => {
  const output = join(privateDir(t), 'bundle.json');
  const args = ['--data-dir', privateDir(t), '--output', output];
  await assert.rejects(run(args, pipe()), { code: 'bad_usage', message: /--yes/ });
  assert.ok(!existsSync(output));
});

test('it is shown before it is asked for; only y or yes writes', async (t) => {
  for (const [typed, code] of [
    ['y\n', 0],
    ['Yes\n', 0],
    ['n\n', 1],
    ['\n', 1],
    ['', 1],
    ['yellow\n', 1],
  ] as const) {
    const output = join(privateDir(t), 'bundle.json');
    const args = ['--data-dir', privateDir(t), '--output', output];
    const told = await run(args, terminal(typed));
    assert.equal(told.code, code, typed);
    assert.equal(existsSync(output), code === 0, typed);
    assert.match(told.out, /"bundle": 1/);
    assert.match(told.err, /Write it\? \[y\/N\]/);
  }
});

test('neither a file nor what a link leads to is overwritten', async (t) => {
  const dir = privateDir(t);
  const [output, link] = [join(dir, 'kept.json'), join(dir, 'link.json')];
  writeFileSync(output, 'kept');
  symlinkSync(join(dir, 'elsewhere.json'), link);
  for (const file of [output, link]) {
    const args = ['--data-dir', privateDir(t), '--output', file, '--yes'];
    await assert.rejects(run(args, pipe()), /there is such a file already/);
  }
  assert.equal(readFileSync(output, 'utf8'), 'kept');
  assert.ok(!existsSync(join(dir, 'elsewhere.json')));
});

test('a name is cut out in any spelling, and not out of the middle of other words', () => {
  const scrub = createScrub({ words: ['Ann', 'Zoë', '王伟', 'a/b'], paths: [] });
  assert.equal(scrub('ann, ANN. zoë! planning'), '[redacted], [redacted]. [redacted]! planning');
  assert.equal(scrub('你好王伟先生 a/b'), '你好[redacted]先生 [redacted]');
});

test('a long line is cut, in little time, and never within a token', () => {
  const scrub = createScrub({ words: ['Ann'], paths: [] });
  assert.equal(scrub('a'.repeat(250_000)), '…');
  const line = `${'x '.repeat(990)}${opaque}${opaque}`;
  const clean = String(scrub(line));
  assert.ok(clean.endsWith('x …') && !clean.includes(opaque.slice(0, 10)));
});
