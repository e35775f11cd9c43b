import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { createLedger } from '../../../audit/ledger.ts';
import type { ProfileSnapshot } from '../../../app/main/agent/status.ts';
import { runCli, type CliResult } from '../../support/cli.ts';
import { apiNamed, openKeyAgent, type KeyAgent } from '../../support/key-agent.ts';
import { privateDir } from '../../support/private-dir.ts';
import { until } from '../../support/until.ts';

const main = fileURLToPath(new URL('../../../app/cli/main.ts', import.meta.url));
const dataDir = mkdtempSync(join(tmpdir(), 'latchkey-cli-profiles-'));
const profileOf = (name: string, title: string, apis: readonly string[]): ProfileSnapshot => ({
  name,
  title,
  status: apis.length === 0 ? 'signed-out' : 'ready',
  relay: `https://${name}.example`,
  localUrl: `http://localhost:5390/${name}`,
  apis: apis.map((api) => apiNamed(api, `http://localhost:5390/${name}/${api}`)),
  store: 'memory',
});
let agent: KeyAgent;
before(async () => {
  const profiles = [
    profileOf('acme', 'Acme Ltd', ['billing']),
    profileOf('globex', 'Globex', ['billing', 'people']),
    profileOf('initech', 'Initech', []),
  ];
  agent = await openKeyAgent(dataDir, { snapshot: { profiles } });
});
after(async () => {
  await agent.close();
  rmSync(dataDir, { recursive: true, force: true });
});

const run = (...argv: readonly string[]): Promise<CliResult> =>
  runCli(argv, { LATCHKEY_DATA_DIR: dataDir });

test('status and apis tell of all profiles, or of the one that is named', async () => {
  const all = await run('status');
  assert.match(all.out, /Profile: +Acme Ltd \(acme\)[\s\S]*Profile: +Globex \(globex\)/);
  const one = await run('status', '--profile', 'globex');
  assert.match(one.out, /Globex/);
  assert.doesNotMatch(one.out, /Acme/);
  const apis = await run('apis');
  assert.deepEqual(
    apis.out.split('\n').flatMap((line) => line.match(/^\S+/) ?? []),
    ['acme/billing', 'globex/billing', 'globex/people'],
  );
  const json = await run('apis', '--profile', 'acme', '--json');
  const named = JSON.parse(json.out) as { name: string }[];
  assert.deepEqual(
    named.map(({ name }) => name),
    ['acme/billing'],
  );
});

test('login and logout guess nothing: without a name they list the profiles', async () => {
  for (const command of ['login', 'logout']) {
    const { code, err } = await run(command);
    assert.equal(code, 2, command);
    assert.match(err, /--profile and one of acme, globex, initech/);
    assert.equal((await run(command, '--profile', 'acme')).code, 0);
  }
});

test('a profile that is none is named with those that there are, by every command', async () => {
  for (const argv of [
    ['status'],
    ['apis'],
    ['login'],
    ['logout'],
    ['env'],
    ['run', '--profile', 'nobody', '--', 'true'],
  ]) {
    const named = argv.includes('--profile') ? argv : [...argv, '--profile', 'nobody'];
    const { code, err } = await run(...named);
    assert.equal(code, 2, argv.join(' '));
    assert.match(err, /no profile "nobody"\. There are: acme, globex, initech/);
  }
});

test('variables of two profiles do not collide, and what is not known is told', async () => {
  const { out, err } = await run('env', '--json');
  assert.deepEqual(JSON.parse(out), {
    LATCHKEY_URL: 'http://localhost:5390',
    LATCHKEY_ACME_BILLING_URL: 'http://localhost:5390/acme/billing',
    LATCHKEY_GLOBEX_BILLING_URL: 'http://localhost:5390/globex/billing',
    LATCHKEY_GLOBEX_PEOPLE_URL: 'http://localhost:5390/globex/people',
  });
  assert.match(err, /sign in to initech first/);
  const one = await run('env', '--json', '--profile', 'acme');
  assert.deepEqual(Object.keys(JSON.parse(one.out) as object), [
    'LATCHKEY_URL',
    'LATCHKEY_ACME_BILLING_URL',
  ]);
  assert.equal(one.err, '');
});

test('a run is limited to the profile or API that it names', async () => {
  // The key stays in the child: what it opens is what the agent says of it.
  const script = `console.log(JSON.stringify(Object.keys(process.env))); process.stdin.resume()`;
  const start = async (...argv: readonly string[]) => {
    const child = spawn(
      process.execPath,
      [main, 'run', ...argv, '--', process.execPath, '-e', script],
      { env: { PATH: process.env['PATH'], LATCHKEY_DATA_DIR: dataDir } },
    );
    const [chunk] = (await once(child.stdout, 'data')) as [Buffer];
    const names = JSON.parse(chunk.toString()) as string[];
    const [lent] = agent.keys.list();
    child.stdin.end();
    await once(child, 'exit');
    await until('the key of the run has ended', () => agent.keys.list().length === 0);
    return { opens: lent?.apis, urls: names.filter((name) => /^LATCHKEY_.+_URL$/.test(name)) };
  };
  assert.deepEqual(await start('--profile', 'globex'), {
    opens: ['globex/*'],
    urls: ['LATCHKEY_GLOBEX_BILLING_URL', 'LATCHKEY_GLOBEX_PEOPLE_URL'],
  });
  const one = { opens: ['acme/billing'], urls: ['LATCHKEY_ACME_BILLING_URL'] };
  assert.deepEqual(await start('--api', 'acme/billing'), one);
  assert.deepEqual(await start('--profile', 'acme', '--api', 'billing'), one);
  const bare = await run('run', '--api', 'billing', '--', 'true');
  assert.equal(bare.code, 2);
  assert.match(bare.err, /write --api acme\/billing or globex\/billing/);
  const unknown = await run('run', '--api', 'acme/people', '--', 'true');
  assert.equal(unknown.code, 1);
  assert.match(unknown.err, /no API acme\/people/);
});

test('audit is that of the profile: each has a record of its own', async (t) => {
  const dir = privateDir(t);
  const relays = ['Acme', 'Globex'].map((name) => ({ name, url: `https://${name}.example` }));
  writeFileSync(join(dir, 'settings.json'), JSON.stringify({ relays }));
  writeFileSync(join(dir, 'profile.json'), JSON.stringify({ root: 'acme' }));
  const own = join(dir, 'profiles', 'globex');
  mkdirSync(own, { recursive: true });
  for (const [at, user] of [
    [dir, 'of-acme'],
    [own, 'of-globex'],
  ] as const) {
    const ledger = createLedger({ dir: join(at, 'audit'), side: 'app' });
    await ledger.append('sign-in', { user });
    await ledger.close();
  }
  const audit = (
    ...argv: readonly string[]
  ): { status: number | null; out: string; err: string } => {
    const { status, stdout, stderr } = spawnSync(process.execPath, [main, 'audit', ...argv], {
      env: { PATH: process.env['PATH'], LATCHKEY_DATA_DIR: dir },
    });
    return { status, out: stdout.toString(), err: stderr.toString() };
  };
  const first = audit('export');
  assert.match(first.out, /of-acme/);
  assert.match(first.err, /record of acme; --profile has those of globex/);
  const second = audit('export', '--profile', 'globex');
  assert.match(second.out, /of-globex/);
  assert.doesNotMatch(second.out, /of-acme/);
  assert.equal(second.err, '');
  assert.equal(audit('verify', '--profile', 'globex').status, 0);
  assert.equal(audit('verify', '--profile', 'nobody').status, 2);
});

test('doctor looks at the profile that is named: its relay, its session, its audit', async () => {
  const relays = ['Acme Ltd', 'Globex'].map((name) => ({ name, url: 'https://relay.invalid' }));
  writeFileSync(join(dataDir, 'settings.json'), JSON.stringify({ relays }), { mode: 0o600 });
  interface Told {
    readonly checks: readonly { readonly name: string; readonly detail: string }[];
  }
  const told = async (profile: string): Promise<(name: string) => string | undefined> => {
    const { out } = await run('doctor', '--json', '--profile', profile);
    const { checks } = JSON.parse(out) as Told;
    return (name) => checks.find((check) => check.name === name)?.detail;
  };
  const globex = await told('globex');
  assert.match(globex('relay-address') ?? '', /https:\/\/globex\.example/);
  assert.match(globex('session') ?? '', /^signed in/);
  assert.equal(globex('audit'), 'nothing was recorded yet');
  const { code, err } = await run('doctor', '--profile', 'nobody');
  assert.equal(code, 2);
  assert.match(err, /acme-ltd, globex/);
});
