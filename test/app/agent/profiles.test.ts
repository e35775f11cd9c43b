import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { once } from 'node:events';
import { join } from 'node:path';
import { test } from 'node:test';
import { createAnnouncer } from '../../../app/main/agent/announce.ts';
import { AgentError } from '../../../app/main/agent/errors.ts';
import { createMemoryVault } from '../../../app/main/agent/session/vault.ts';
import { loadSettings } from '../../../app/main/agent/settings/settings.ts';
import { allRecords } from '../../audit/ledger-dir.ts';
import { privateDir } from '../../support/private-dir.ts';
import { createVaults, seed, startHeardRelay, startProfiles } from '../../support/profile-bench.ts';
import { until } from '../../support/until.ts';

const rootOf = (dataDir: string): unknown =>
  JSON.parse(readFileSync(join(dataDir, 'profile.json'), 'utf8'));

test('adding a second relay keeps session and audit of the first; removing one keeps those of the other', async (t) => {
  const [acme, globex] = [await startHeardRelay(t, 'acme'), await startHeardRelay(t, 'globex')];
  const [toAcme, toGlobex] = [
    { name: 'Acme', url: acme.url },
    { name: 'Globex', url: globex.url },
  ];
  const dataDir = privateDir(t);
  const vaultAt = createVaults();
  await seed(vaultAt(dataDir), acme.url, 'of-acme');

  const alone = await startProfiles(t, { relays: [toAcme] }, { dataDir, vaultAt });
  assert.equal(alone.agent.snapshot().status, 'ready');
  assert.equal(alone.agent.snapshot().profiles, undefined);
  assert.equal((await fetch(`http://${alone.authority}/billing/1`)).status, 200);
  assert.deepEqual(rootOf(dataDir), { root: 'acme' });
  await alone.agent.close();

  // The new one stands before it.
  const both = await startProfiles(t, { relays: [toGlobex, toAcme] }, { dataDir, vaultAt });
  assert.equal(both.agent.profile('acme').snapshot().status, 'ready');
  assert.equal(both.agent.profile('globex').snapshot().status, 'signed-out');
  assert.equal(both.agent.profile().name, 'globex', 'the first one of the settings');
  assert.equal((await fetch(`http://${both.authority}/acme/billing/2`)).status, 200);
  assert.equal((await fetch(`http://${both.authority}/billing/3`)).status, 404);
  const own = join(dataDir, 'profiles', 'globex');
  assert.equal(statSync(own).mode & 0o777, 0o700);
  await seed(vaultAt(own), globex.url, 'of-globex');
  await both.agent.close();
  const paths = async (dir: string): Promise<readonly (string | undefined)[]> =>
    (await allRecords(join(dir, 'audit'))).flatMap(({ kind, path, decision }) =>
      kind === 'request' && decision === 'allow' ? [path] : [],
    );
  assert.deepEqual(await paths(dataDir), ['/billing/1', '/billing/2']);
  assert.deepEqual(await paths(own), []);

  const left = await startProfiles(t, { relays: [toGlobex] }, { dataDir, vaultAt });
  assert.equal(left.agent.snapshot().status, 'ready', 'its session is not in the data directory');
  assert.equal((await fetch(`http://${left.authority}/billing/4`)).status, 200);
  await left.agent.close();
  assert.deepEqual(await paths(own), ['/billing/4']);
  assert.deepEqual(await paths(dataDir), ['/billing/1', '/billing/2'], 'nothing was mixed in');
  assert.deepEqual(rootOf(dataDir), { root: 'acme' });
  assert.deepEqual(
    globex.seen.map(({ token }) => token),
    ['Bearer of-globex'],
  );
});

test('a relay that is renamed, or asked for by its address, keeps its directory', async (t) => {
  const [acme, globex] = [await startHeardRelay(t, 'acme'), await startHeardRelay(t, 'globex')];
  const relays = [
    { name: 'Acme', url: acme.url },
    { name: 'Globex', url: globex.url },
  ];
  const dataDir = privateDir(t);
  const vaultAt = createVaults();
  await seed(vaultAt(dataDir), acme.url, 'of-acme');
  await seed(vaultAt(join(dataDir, 'profiles', 'globex')), globex.url, 'of-globex');
  const first = await startProfiles(t, { relays }, { dataDir, vaultAt });
  await first.agent.close();

  const [, toGlobex] = relays;
  const renamed = [toGlobex, { name: 'Acme Corp', url: acme.url }];
  const second = await startProfiles(t, { relays: renamed }, { dataDir, vaultAt });
  assert.equal(second.agent.profile('acme-corp').snapshot().status, 'ready');
  await second.agent.close();

  for (const chosen of [{ relay: globex.url }, { profile: 'globex' }]) {
    const one = await startProfiles(t, { relays: renamed }, { dataDir, vaultAt, ...chosen });
    assert.equal(one.agent.snapshot().status, 'ready');
    assert.equal(one.agent.snapshot().relay, globex.url);
    assert.equal((await fetch(`http://${one.authority}/billing/1`)).status, 200);
    await one.agent.close();
  }
  assert.deepEqual(acme.seen, []);
});

test('names that cannot be told apart are a fault, and the later relay is not used', async (t) => {
  const dataDir = privateDir(t);
  const url = 'https://relay.example.com';
  const load = (names: readonly string[]): { faults: readonly string[] } => {
    const relays = names.map((name) => ({ name, url }));
    writeFileSync(join(dataDir, 'settings.json'), JSON.stringify({ relays }));
    return loadSettings({ dataDir, env: {}, systemPolicyPath: join(dataDir, 'none') });
  };
  assert.deepEqual(load(['Acme', 'Globex']).faults, []);
  assert.match(
    load(['Acme Ltd.', 'ACME--ltd']).faults.join(),
    /"ACME--ltd" is, as "acme-ltd", the/,
  );
  assert.match(load(['Acme', '会社']).faults.join(), /relays\[1\]\.name: "会社" has no letter/);
  assert.deepEqual(load(['会社']).faults, [], 'a name that is in no path may be any');
  const long = `${'x'.repeat(62)} y`;
  assert.match(load([long, 'x'.repeat(62)]).faults.join(), /the same as/);

  const relay = await startHeardRelay(t, 'acme');
  const relays = ['Acme', 'ACME', 'Globex', '会社'].map((name) => ({ name, url: relay.url }));
  const { agent } = await startProfiles(t, { relays });
  assert.deepEqual(
    agent.profiles().map(({ name, title }) => [name, title]),
    [
      ['acme', 'Acme'],
      ['globex', 'Globex'],
    ],
  );
  assert.throws(
    () => agent.profile('nobody'),
    (error) =>
      error instanceof AgentError &&
      error.code === 'unknown_profile' &&
      /acme, globex/.test(error.message),
  );
});

test('a profile whose audit cannot be opened relays nothing and says why; the others go on', async (t) => {
  const [acme, globex] = [await startHeardRelay(t, 'acme'), await startHeardRelay(t, 'globex')];
  const dataDir = privateDir(t);
  const vaultAt = createVaults();
  const own = join(dataDir, 'profiles', 'globex');
  await seed(vaultAt(dataDir), acme.url, 'of-acme');
  await seed(vaultAt(own), globex.url, 'of-globex');
  // A file in the place of the directory.
  mkdirSync(own, { recursive: true });
  writeFileSync(join(own, 'audit'), '');
  const relays = [
    { name: 'Globex', url: globex.url },
    { name: 'Acme', url: acme.url },
  ];
  const { agent, authority, tabs } = await startProfiles(t, { relays }, { dataDir, vaultAt });
  const shut = await fetch(`http://${authority}/globex/billing/1`);
  assert.equal(shut.status, 503);
  assert.equal(((await shut.json()) as { code: string }).code, 'audit_unavailable');
  const isShut = { code: 'audit_unavailable' };
  await assert.rejects(agent.profile('globex').signIn(), isShut);
  assert.throws(() => agent.profile('globex').activity({}), isShut);
  await agent.profile('globex').signOut();
  assert.match(agent.profile('globex').snapshot().fault?.message ?? '', /audit.*cannot be opened/);
  assert.deepEqual([globex.seen, tabs], [[], []]);
  assert.equal((await fetch(`http://${authority}/acme/billing/1`)).status, 200);
  assert.equal(agent.profile('acme').snapshot().fault, undefined);
  assert.equal((await fetch(`http://${authority}/nobody/1`)).status, 404);
  await until('the guard’s refusals have a record all the same', () =>
    agent
      .profile('acme')
      .activity({})
      .records.some(({ code }) => code === 'unknown_profile'),
  );
});

test('each profile asks for itself: one notice each, which names it', async (t) => {
  const [acme, globex] = [await startHeardRelay(t, 'acme'), await startHeardRelay(t, 'globex')];
  const relays = [
    { name: 'Acme Ltd', url: acme.url },
    { name: 'Globex', url: globex.url },
  ];
  const signIn = { auto: false, waitSeconds: 1 };
  const { agent, authority, notices } = await startProfiles(t, { relays, signIn });
  const ask = async (path: string): Promise<string> =>
    (await fetch(`http://${authority}${path}`)).text();
  const first = await ask('/acme-ltd/billing');
  assert.match(first, /Acme Ltd: You are signed out.*latchkey login --profile acme-ltd/);
  await ask('/acme-ltd/billing');
  assert.deepEqual(
    notices.map(({ message }) => message.split(':')[0]),
    ['Acme Ltd'],
  );
  await ask('/globex/billing');
  assert.deepEqual(
    notices.map(({ message }) => message.split(':')[0]),
    ['Acme Ltd', 'Globex'],
  );
  assert.deepEqual(
    agent.snapshot().profiles?.map(({ status }) => status),
    ['signed-out', 'signed-out'],
  );
});

test('a machine, and a device code, need to know for which relay', async (t) => {
  const relays = ['Acme', 'Globex'].map((name) => ({ name, url: 'https://relay.example.com' }));
  const signInBy = { kind: 'device', onCode: () => undefined } as const;
  const vaultAt = createMemoryVault;
  await assert.rejects(startProfiles(t, { relays }, { signInBy, vaultAt }), {
    code: 'bad_usage',
    message: /acme, globex.*--profile acme, or --relay/,
  });
  await assert.rejects(startProfiles(t, { relays }, { profile: 'nobody' }), {
    code: 'unknown_profile',
  });
});

test('ports: one that is taken, and one of which nobody says whose it is, are told and stay shut', async (t) => {
  const squatter = createServer().listen(0, '127.0.0.1');
  await once(squatter, 'listening');
  t.after(() => squatter.close());
  const { port: taken } = squatter.address() as AddressInfo;
  const [acme, globex] = [await startHeardRelay(t, 'acme'), await startHeardRelay(t, 'globex')];
  const { agent, port } = await startProfiles(t, {
    relays: [
      { name: 'Acme', url: acme.url },
      { name: 'Globex', url: globex.url, port: taken },
    ],
    apis: { billing: { port: 1 } },
  });
  assert.match(agent.profile('globex').snapshot().fault?.message ?? '', /is taken by/);
  assert.equal(agent.profile('globex').snapshot().localUrl, `http://localhost:${port}/globex`);
  assert.match(
    agent.profile('acme').snapshot().fault?.message ?? '',
    /"billing".*Write "acme\/billing" or "globex\/billing"/,
  );
});

test('without a relay there is one profile, without anything', async (t) => {
  const { agent, dataDir } = await startProfiles(t, {});
  assert.equal(agent.profiles().length, 1);
  assert.equal(agent.profile().snapshot().relay, undefined);
  assert.equal(agent.snapshot().profiles, undefined);
  assert.equal(existsSync(join(dataDir, 'profile.json')), false);
});

test('programs are told of each profile by its name', async (t) => {
  const [acme, globex] = [await startHeardRelay(t, 'acme'), await startHeardRelay(t, 'globex')];
  const dataDir = privateDir(t);
  const vaultAt = createVaults();
  await seed(vaultAt(join(dataDir, 'profiles', 'globex')), globex.url, 'of-globex');
  const relays = [
    { name: 'Acme', url: acme.url },
    { name: 'Globex', url: globex.url },
  ];
  const { agent, port } = await startProfiles(t, { relays }, { dataDir, vaultAt });
  const events: Record<string, unknown>[] = [];
  const announce = createAnnouncer((line) =>
    events.push(JSON.parse(line) as Record<string, unknown>),
  );
  announce(agent.snapshot());
  announce(agent.snapshot());
  assert.deepEqual(
    events.map(({ event, profile, status }) => [event, profile, status]),
    [
      ['listening', undefined, undefined],
      ['status', 'acme', 'signed-out'],
      ['status', 'globex', 'ready'],
    ],
  );
  assert.deepEqual(events[0]?.['profiles'], [
    { name: 'acme', relay: acme.url, local: `http://localhost:${port}/acme` },
    { name: 'globex', relay: globex.url, local: `http://localhost:${port}/globex` },
  ]);
});
