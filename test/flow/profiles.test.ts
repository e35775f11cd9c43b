import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { verifyLedger } from '../../audit/verify.ts';
import type { Agent } from '../../app/main/agent/agent-interface.ts';
import { createAgent } from '../../app/main/agent/agent.ts';
import { createLog } from '../../app/main/agent/log.ts';
import { loadSettings } from '../../app/main/agent/settings/settings.ts';
import { freePorts } from '../../demo/child.ts';
import { allRecords } from '../audit/ledger-dir.ts';
import { useCompany } from '../support/company.ts';
import { createVaults } from '../support/profile-bench.ts';
import { codeOf, sendRaw, statusOf } from '../support/raw.ts';
import { signInWithFetch } from '../support/sign-in.ts';
import { until } from '../support/until.ts';

const SITE = 'billing.internal.example.com';

describe('two companies at once', () => {
  const acme = useCompany();
  const globex = useCompany();
  const dataDir = mkdtempSync(join(tmpdir(), 'latchkey-profiles-'));
  const dirs = { acme: dataDir, globex: join(dataDir, 'profiles', 'globex') };
  const vaultAt = createVaults();
  let agent: Agent;
  let port = '';
  let ownPort = 0;
  let apiPort = 0;

  async function start(): Promise<void> {
    agent = createAgent({
      dataDir,
      settings: loadSettings({ dataDir, env: {}, systemPolicyPath: join(dataDir, 'none') }),
      vaultAt,
      openBrowser(url) {
        signInWithFetch(url, 'alice', 'alice-demo').catch(() => undefined);
        return Promise.resolve();
      },
      version: '0.0.0-test',
      log: createLog({ level: 'error', destination: { write: () => undefined } }),
      port: 0,
    });
    await agent.start();
    ({ port } = new URL(agent.snapshot().localUrl ?? ''));
  }

  before(async () => {
    [ownPort = 0, apiPort = 0] = await freePorts(2);
    const settings = {
      relays: [
        { name: 'Acme', url: acme().relayUrl },
        { name: 'Globex', url: globex().relayUrl, port: ownPort },
      ],
      apis: { 'globex/billing': { port: apiPort } },
      // Requests wait for whole sign-ins.
      signIn: { waitSeconds: 300 },
    };
    writeFileSync(join(dataDir, 'settings.json'), JSON.stringify(settings));
    await start();
  });
  after(async () => {
    await agent?.close();
    rmSync(dataDir, { recursive: true, force: true });
  });

  const get = async (path: string, at = port): Promise<number> => {
    const answer = await fetch(`http://127.0.0.1:${at}${path}`);
    await answer.text();
    return answer.status;
  };
  const ask = (target: string, host: string, at = port): Promise<string> =>
    sendRaw(
      `http://127.0.0.1:${at}`,
      `GET ${target} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`,
      { quietMs: 60_000 },
    );
  const bySocket = (path: string, host: string): Promise<number> =>
    new Promise((resolve, reject) => {
      const socketPath = join(dataDir, 'latchkey.sock');
      http
        .get({ socketPath, path, headers: { host } }, (answer) => {
          answer.resume().once('end', () => resolve(answer.statusCode ?? 0));
        })
        .on('error', reject);
    });
  const paths = async (profile: keyof typeof dirs): Promise<readonly string[]> =>
    (await allRecords(join(dirs[profile], 'audit')))
      .filter(({ kind, decision }) => kind === 'request' && decision === 'allow')
      .map(({ path = '' }) => path);

  test('a request signs in to its own company, and to no other', async () => {
    assert.equal(await get('/acme/billing/invoices'), 200);
    const [first, second] = agent.profiles().map((profile) => profile.snapshot());
    assert.deepEqual([first?.status, second?.status], ['ready', 'signed-out']);
    assert.equal(await get('/globex/billing/invoices'), 200);
    assert.equal(agent.profile('globex').snapshot().status, 'ready');
  });

  test('by path, by name, by socket, by a port of its own, by an API’s port: each gets its own relay', async () => {
    const before = { acme: (await paths('acme')).length, globex: (await paths('globex')).length };
    assert.equal(await get('/acme/billing/invoices'), 200);
    assert.equal(statusOf(await ask('/invoices', `billing.acme.localhost:${port}`)), 200);
    assert.equal(await bySocket('/invoices', 'billing.acme'), 200);
    assert.equal(await bySocket('/acme/billing/invoices', 'localhost'), 200);
    assert.equal((await paths('acme')).length, before.acme + 4);
    assert.equal((await paths('globex')).length, before.globex);

    assert.equal(await bySocket('/invoices', 'billing.globex'), 200);
    const own = String(ownPort);
    assert.equal(await get('/billing/invoices', own), 200);
    assert.equal(statusOf(await ask('/invoices', `billing.localhost:${own}`, own)), 200);
    assert.equal(await get('/invoices', String(apiPort)), 200);
    assert.equal((await paths('globex')).length, before.globex + 4);
    assert.equal((await paths('acme')).length, before.acme + 4);
    assert.deepEqual(
      new Set([...(await paths('acme')), ...(await paths('globex'))]),
      new Set(['/billing/invoices']),
      'neither audit nor relay sees the profile’s name',
    );
    assert.equal(codeOf(await ask('/x', `billing.globex.localhost:${own}`, own)), 'foreign_host');
    assert.equal(await bySocket('/invoices', 'billing'), 404);
  });

  test('a WebSocket goes to the profile that its path names', async () => {
    const upgrade = (path: string): Promise<string> =>
      sendRaw(
        `http://127.0.0.1:${port}`,
        `GET ${path} HTTP/1.1\r\nHost: localhost:${port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n`,
        { quietMs: 200 },
      );
    assert.equal(statusOf(await upgrade('/globex/billing/live')), 101);
    assert.ok((await paths('globex')).includes('/billing/live'));
    assert.ok(!(await paths('acme')).includes('/billing/live'));
    assert.equal(codeOf(await upgrade('/billing/live')), 'unknown_profile');
  });

  test('what both list is refused to the shared proxy, and served by the port that belongs to one', async () => {
    const refused = await ask(`http://${SITE}/invoices`, SITE);
    assert.equal(codeOf(refused), 'foreign_host');
    assert.ok(refused.includes(`as in http://localhost:${port}/acme/`), refused);
    const own = await ask(`http://${SITE}/invoices`, SITE, String(ownPort));
    assert.equal(statusOf(own), 200, own);
  });

  test('the status tells of both, without a secret', async () => {
    const answer = await fetch(`http://127.0.0.1:${port}/.latchkey/status`);
    const status = (await answer.json()) as {
      relay: string;
      profiles: { name: string; relay: string; apis: { name: string; url: string }[] }[];
    };
    assert.equal(status.relay, acme().relayUrl);
    assert.deepEqual(
      status.profiles.map(({ name, relay }) => [name, relay]),
      [
        ['acme', acme().relayUrl],
        ['globex', globex().relayUrl],
      ],
    );
    const urls = status.profiles.map(({ apis }) => apis.find((api) => api.name === 'billing')?.url);
    assert.deepEqual(urls, [
      `http://localhost:${port}/acme/billing`,
      `http://localhost:${ownPort}/billing`,
    ]);
    const page = await (await fetch(`http://127.0.0.1:${port}/`)).text();
    assert.match(page, /<h2>Acme<\/h2>[\s\S]*<h2>Globex<\/h2>/);
  });

  test('after a restart both sessions are there', async () => {
    await agent.close();
    await start();
    for (const profile of ['acme', 'globex'] as const) {
      assert.equal(await get(`/${profile}/billing/invoices`), 200);
      assert.equal(agent.profile(profile).snapshot().status, 'ready');
    }
  });

  test('signing out of one leaves the other', async () => {
    await agent.profile('acme').signOut();
    assert.equal(agent.profile('acme').snapshot().status, 'signed-out');
    assert.equal(agent.profile('globex').snapshot().status, 'ready');
    assert.equal(await get('/globex/billing/invoices'), 200);
    // Only one company lists the site now.
    const site = await ask(`http://${SITE}/invoices`, SITE);
    assert.equal(statusOf(site), 200, site);
    await agent.profile('acme').signIn();
  });

  test('a relay that cannot be reached does not disturb the other', async () => {
    await globex().stopRelay();
    assert.equal(await get('/globex/billing/invoices'), 502);
    await until('it is offline', () => agent.profile('globex').snapshot().status === 'offline');
    assert.equal(agent.profile('acme').snapshot().status, 'ready');
    assert.equal(await get('/acme/billing/invoices'), 200);
    await globex().restartRelay();
    await until(
      'it recovers by itself',
      () => agent.profile('globex').snapshot().status === 'ready',
    );
    assert.equal(await get('/globex/billing/invoices'), 200);
  });

  test('each audit verifies by itself, and holds its own sign-ins', async () => {
    await agent.close();
    for (const [profile, company] of [
      ['acme', acme()],
      ['globex', globex()],
    ] as const) {
      const dir = join(dirs[profile], 'audit');
      const verified = await verifyLedger(dir);
      assert.equal(verified.ok, true, JSON.stringify(verified));
      const issuers = (await allRecords(dir)).flatMap(({ kind, issuer }) =>
        kind === 'sign-in' ? [issuer] : [],
      );
      assert.deepEqual(new Set(issuers), new Set([company.issuer]));
    }
  });
});
