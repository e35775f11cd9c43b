import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { allRecords } from '../audit/ledger-dir.ts';
import { privateDir } from '../support/private-dir.ts';
import {
  createVaults,
  seed,
  startHeardRelay,
  startProfiles,
  type HeardRelay,
  type ProfileBench,
} from '../support/profile-bench.ts';
import { codeOf, sendRaw, statusOf } from '../support/raw.ts';

interface Two extends ProfileBench {
  readonly acme: HeardRelay;
  readonly globex: HeardRelay;
  ask(target: string, host?: string, more?: readonly string[]): Promise<string>;
  /** What each profile's audit says of tools' requests: path and code. */
  audited(): Promise<{ readonly acme: readonly string[]; readonly globex: readonly string[] }>;
}

/** Two relays, somebody signed in to both. */
async function two(t: TestContext, settings: object = {}): Promise<Two> {
  const hosts = ['both.example'];
  const acme = await startHeardRelay(t, 'acme', [...hosts, 'acme.example']);
  const globex = await startHeardRelay(t, 'globex', [...hosts, 'globex.example']);
  const dataDir = privateDir(t);
  const vaultAt = createVaults();
  await seed(vaultAt(dataDir), acme.url, 'of-acme');
  await seed(vaultAt(join(dataDir, 'profiles', 'globex')), globex.url, 'of-globex');
  const relays = [
    { name: 'Acme', url: acme.url },
    { name: 'Globex', url: globex.url },
  ];
  const bench = await startProfiles(t, { relays, ...settings }, { dataDir, vaultAt });
  await Promise.all(bench.agent.profiles().map((profile) => profile.refreshApis()));
  const recorded = async (dir: string): Promise<readonly string[]> =>
    (await allRecords(join(dir, 'audit')))
      .filter(({ kind }) => kind === 'request')
      .map(({ path = '-', code = 'allow' }) => `${path} ${code}`);
  return {
    ...bench,
    acme,
    globex,
    ask: (target, host = bench.authority, more = []) =>
      sendRaw(
        `http://${bench.authority}`,
        `GET ${target} HTTP/1.1\r\n${[`Host: ${host}`, ...more].join('\r\n')}\r\n\r\n`,
        { quietMs: 150 },
      ),
    async audited() {
      await bench.agent.close();
      return {
        acme: await recorded(dataDir),
        globex: await recorded(join(dataDir, 'profiles', 'globex')),
      };
    },
  };
}

test('a request for one profile carries that one’s token to that one’s relay, and is in that one’s audit', async (t) => {
  const bench = await two(t);
  for (const [target, host] of [
    ['/acme/billing/1', undefined],
    ['/%61cme/billing/2', undefined],
    ['/3', `billing.acme.localhost:${bench.port}`],
    ['http://acme.example/4', 'acme.example'],
    ['/acme/globex/billing/5', undefined],
    ['/acme/acme/billing/6', undefined],
    ['/acme?/globex/billing', undefined],
  ] as const)
    assert.equal(statusOf(await bench.ask(target, host)), 200, target);
  assert.equal(statusOf(await bench.ask('/globex/billing/7')), 200);
  assert.deepEqual(
    bench.acme.seen.map(({ url }) => url),
    [
      '/billing/1',
      '/billing/2',
      '/billing/3',
      '/billing/4',
      '/globex/billing/5',
      '/acme/billing/6',
      '/?/globex/billing',
    ],
  );
  assert.deepEqual(
    bench.globex.seen.map(({ url }) => url),
    ['/billing/7'],
  );
  assert.deepEqual(new Set(bench.acme.seen.map(({ token }) => token)), new Set(['Bearer of-acme']));
  assert.deepEqual(
    bench.globex.seen.map(({ token }) => token),
    ['Bearer of-globex'],
  );
  const { acme, globex } = await bench.audited();
  assert.equal(acme.length, 7);
  assert.deepEqual(globex, ['/billing/7 allow']);
  assert.ok(acme.every((line) => line.endsWith(' allow') && !line.startsWith('/billing/7')));
});

test('attack: spellings that could lead from one profile to another are refused, and reach no relay', async (t) => {
  const bench = await two(t);
  for (const [target, code] of [
    ['/acme/../globex/billing', 'ambiguous_target'],
    ['/acme/%2e%2e/globex/billing', 'ambiguous_target'],
    ['/acme/.%2E/globex/billing', 'ambiguous_target'],
    ['/acme//globex/billing', 'ambiguous_target'],
    ['//acme/billing', 'ambiguous_target'],
    ['/acme%2Fbilling', 'ambiguous_target'],
    ['/acme%2f..%2fglobex/billing', 'ambiguous_target'],
    ['/acme%5Cglobex', 'ambiguous_target'],
    ['/acme\\..\\globex', 'ambiguous_target'],
    ['/acme;x/billing', 'ambiguous_target'],
    ['/acme/./billing', 'ambiguous_target'],
    ['/%2561cme/billing', 'ambiguous_target'],
    ['/Acme/billing', 'unknown_profile'],
    ['/acme%20/billing', 'unknown_profile'],
    ['/acm/billing', 'unknown_profile'],
    ['/acmex/billing', 'unknown_profile'],
    ['/billing', 'unknown_profile'],
    ['/.latchkey/apis', 'unknown_profile'],
    ['/constructor/billing', 'unknown_profile'],
  ] as const)
    assert.equal(codeOf(await bench.ask(target)), code, target);
  const answer = await bench.ask('/billing/1?x=y');
  assert.equal(statusOf(answer), 404);
  assert.match(answer, new RegExp(`http://localhost:${bench.port}/acme/billing/1`));
  assert.match(answer, new RegExp(`http://localhost:${bench.port}/globex/billing/1`));
  assert.deepEqual([...bench.acme.seen, ...bench.globex.seen], []);
  const { acme, globex } = await bench.audited();
  assert.ok(acme.includes('- unknown_profile'), 'the first profile’s audit has the refusals');
  assert.deepEqual(globex, []);
});

test('attack: a name of a host that names no profile, or another’s, opens nothing', async (t) => {
  const bench = await two(t);
  for (const [host, code] of [
    [`billing.localhost:${bench.port}`, 'unknown_profile'],
    [`billing.nobody.localhost:${bench.port}`, 'unknown_profile'],
    [`acme.localhost:${bench.port}`, 'unknown_profile'],
    [`acme.billing.localhost:${bench.port}`, 'unknown_profile'],
    [`x.billing.acme.localhost:${bench.port}`, 'foreign_host'],
    [`billing..localhost:${bench.port}`, 'foreign_host'],
    [`billing.acme.localhost.evil.example:${bench.port}`, 'foreign_host'],
    [`billing.acme.localhost:1`, 'foreign_host'],
    [`nothing.acme.localhost:${bench.port}`, 'unknown_api'],
  ] as const)
    assert.equal(codeOf(await bench.ask('/1', host)), code, host);
  assert.deepEqual([...bench.acme.seen, ...bench.globex.seen], []);
});

test('attack: a site that two relays list goes to neither, and no site opens a sign-in', async (t) => {
  const bench = await two(t, { signIn: { auto: true, waitSeconds: 1 } });
  const both = await bench.ask('http://both.example/1', 'both.example');
  assert.equal(codeOf(both), 'foreign_host');
  for (const words of ['Acme', 'Globex', '/acme/', 'relays\\[\\].port'])
    assert.match(both, new RegExp(words));
  await bench.agent.profile('globex').signOut();
  const gone = await bench.ask('http://globex.example/1', 'globex.example');
  assert.equal(codeOf(gone), 'foreign_host');
  assert.match(gone, /What Globex relays is known once you sign in/);
  assert.equal(codeOf(await bench.ask('http://evil.example/1', 'evil.example')), 'foreign_host');
  assert.deepEqual([...bench.acme.seen, ...bench.globex.seen], []);
  assert.deepEqual([bench.tabs, bench.notices], [[], []]);
});

test('attack: a reference in an answer never leads a tool to the other profile', async (t) => {
  const bench = await two(t);
  const origin = `http://localhost:${bench.port}`;
  const byName = `billing.acme.localhost:${bench.port}`;
  for (const [location, byPathWant, byNameWant] of [
    [`${bench.globex.url}/billing/1`, `${bench.globex.url}/billing/1`, undefined],
    [`${bench.acme.url}/billing/1?x#y`, `${origin}/acme/billing/1?x#y`, `http://${byName}/1?x#y`],
    ['/billing/1', '/acme/billing/1', `http://${byName}/1`],
    ['/globex/billing/1', '/acme/globex/billing/1', `${origin}/acme/globex/billing/1`],
    ['../../globex/billing/1', '/acme/globex/billing/1', undefined],
    ['%2e%2e/%2E./../globex/billing', '/acme/globex/billing', undefined],
    ['\\..\\..\\globex\\billing', '/acme/globex/billing', undefined],
    ['next?page=2', '/acme/billing/next?page=2', undefined],
    ['?page=2', '/acme/billing/0?page=2', undefined],
    ['//globex.example/billing', '//globex.example/billing', undefined],
    ['http://globex.example/billing', 'http://globex.example/billing', undefined],
  ] as const) {
    bench.acme.answer((_, response) => void response.writeHead(307, { location }).end());
    const got = (answer: string): string | undefined => /^location: (.*)$/im.exec(answer)?.[1];
    const byPath = await bench.ask('/acme/billing/0', `localhost:${bench.port}`);
    assert.equal(got(byPath)?.trim(), byPathWant, location);
    const named = await bench.ask('/0', byName);
    assert.equal(got(named)?.trim(), byNameWant ?? location, `${location} by name`);
  }
  assert.deepEqual(bench.globex.seen, []);
});

test('attack: a key for an API of one profile opens nothing of the other, and a bare name nothing at all', async (t) => {
  const bench = await two(t);
  const keyOf = (name: string, apis: readonly string[]): string =>
    bench.agent.keys.add({ name, apis }).secret;
  const ask = async (target: string, key: string): Promise<string> =>
    bench.ask(target, undefined, [`X-Latchkey-Key: ${key}`]);
  const [one, all, bare] = [
    keyOf('one', ['acme/billing']),
    keyOf('all', ['acme/*']),
    keyOf('bare', ['billing']),
  ];
  for (const key of [one, all]) {
    assert.equal(statusOf(await ask('/acme/billing/1', key)), 200);
    assert.equal(codeOf(await ask('/globex/billing/1', key)), 'tool_key');
    assert.equal(codeOf(await ask('/acme/unlisted/1', key)), 'tool_key');
  }
  for (const target of ['/acme/billing/1', '/globex/billing/1']) {
    const answer = await ask(target, bare);
    assert.equal(codeOf(answer), 'tool_key', target);
    assert.match(answer, /keys add NAME --api (acme|globex)\/billing/);
  }
  assert.deepEqual(bench.globex.seen, []);
});
