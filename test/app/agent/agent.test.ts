import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { createAgent } from '../../../app/main/agent/agent.ts';
import type { Agent } from '../../../app/main/agent/agent-interface.ts';
import type { AgentDeps } from '../../../app/main/agent/agent-deps.ts';
import { controlAddress } from '../../../app/main/agent/control/address.ts';
import { createControlClient } from '../../../app/main/agent/control/client.ts';
import { AgentError } from '../../../app/main/agent/errors.ts';
import { createLog } from '../../../app/main/agent/log.ts';
import { createMemoryVault } from '../../../app/main/agent/session/vault.ts';
import { loadSettings } from '../../../app/main/agent/settings/settings.ts';
import { createIdentityProvider } from '../../../demo/idp.ts';
import type { IdentityProvider } from '../../../demo/idp.ts';
import { freePort } from '../../support/free-port.ts';
import { signInWithFetch } from '../../support/sign-in.ts';
import { startSmallRelay } from '../../support/small-relay.ts';
import type { SmallRelay } from '../../support/small-relay.ts';
import { until } from '../../support/until.ts';

let idp: IdentityProvider;
let relay: SmallRelay;
const folders: string[] = [];
const agents: Agent[] = [];

before(async () => {
  idp = await createIdentityProvider({ tokenSeconds: 120 });
  relay = await startSmallRelay(idp.issuer);
});
after(async () => {
  for (const agent of agents) await agent.close();
  await relay.close();
  await idp.close();
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

function makeFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-agent-'));
  folders.push(folder);
  return folder;
}

const lines: string[] = [];

function make(changes: Partial<AgentDeps> = {}, user = 'alice'): { agent: Agent; tabs: string[] } {
  const tabs: string[] = [];
  const dataDir = changes.dataDir ?? makeFolder();
  const agent = createAgent({
    dataDir,
    settings: loadSettings({ dataDir, env: {}, systemPolicyPath: join(dataDir, 'none') }),
    vaultAt: createMemoryVault,
    openBrowser: (url) => {
      tabs.push(url);
      if (user) signInWithFetch(url, user, `${user}-demo`).catch(() => undefined);
      return Promise.resolve();
    },
    version: '0.0.0-test',
    log: createLog({ level: 'debug', destination: { write: (line) => void lines.push(line) } }),
    port: 0,
    relay: relay.url,
    ...changes,
  });
  agents.push(agent);
  return { agent, tabs };
}

test('start, sign in, catalogue, audit, sign out: no secret in snapshot, audit or log', async () => {
  const vault = createMemoryVault();
  const { agent, tabs } = make({ vaultAt: () => vault });
  const seen: string[] = [];
  agent.onChange((snapshot) => seen.push(snapshot.status));
  await agent.start();
  assert.equal(agent.snapshot().status, 'signed-out');
  const [one, two] = await Promise.all([agent.signIn(), agent.signIn()]);
  assert.equal(tabs.length, 1, 'the second call joined the attempt');
  assert.equal(one.status, 'ready');
  assert.equal(two.status, 'ready');
  assert.equal(one.user?.subject, 'alice');
  assert.deepEqual(
    one.apis.map((api) => api.localUrl),
    [`${one.localUrl}/billing`],
  );
  assert.ok(seen.includes('signing-in'));
  const secrets = JSON.parse((await vault.load()) ?? '{}') as { tokens: Record<string, string> };
  await agent.signOut();
  assert.equal(agent.snapshot().status, 'signed-out');
  assert.deepEqual(agent.snapshot().apis, []);
  assert.equal(await vault.load(), undefined);
  await until(
    'the sign-out is recorded',
    () => agent.activity({ kinds: ['sign-out'] }).records.length === 1,
  );
  const { records } = agent.activity({ kinds: ['sign-in', 'sign-out'] });
  assert.deepEqual(
    records.map((record) => [record.kind, record.user]),
    [
      ['sign-out', 'alice'],
      ['sign-in', 'alice'],
    ],
  );
  const everything = JSON.stringify([one, seen, records, lines]);
  for (const name of ['accessToken', 'refreshToken']) {
    const secret = secrets.tokens[name];
    assert.ok(secret);
    assert.ok(!everything.includes(secret), `${name} leaked`);
  }
  await agent.close();
});

test('a stored session is taken up at the next start', async () => {
  const vault = createMemoryVault();
  const dataDir = makeFolder();
  const first = make({ vaultAt: () => vault, dataDir });
  await first.agent.start();
  await first.agent.signIn();
  await first.agent.close();
  const second = make({ vaultAt: () => vault, dataDir });
  await second.agent.start();
  await until('the stored session is taken up', () => {
    const { status, apis } = second.agent.snapshot();
    return status === 'ready' && apis.length === 1;
  });
  assert.equal(second.tabs.length, 0);
  await second.agent.close();
});

test('a token that the relay refuses is renewed once; then the session is over, with the reason', async () => {
  const { agent } = make();
  await agent.start();
  await agent.signIn();
  const refused = relay.tokens.at(-1);
  relay.accept((token) => token !== refused);
  await agent.refreshApis();
  assert.equal(agent.snapshot().status, 'ready');
  assert.notEqual(relay.tokens.at(-1), refused);
  await agent.signOut();
  relay.accept(() => true);
  await agent.signIn();
  relay.accept(() => false);
  await assert.rejects(agent.refreshApis(), { code: 'session_expired', message: /token_revoked/ });
  assert.equal(agent.snapshot().status, 'expired');
  assert.match(agent.snapshot().fault?.message ?? '', /token_revoked.*Sign in again/);
  relay.accept(() => true);
  assert.equal((await agent.signIn()).status, 'ready');
  assert.equal(agent.snapshot().fault, undefined);
  await agent.close();
});

test('a relay that goes away means offline, and its return is noticed without help', async () => {
  const { agent } = make();
  await agent.start();
  await agent.signIn();
  await relay.pause();
  await assert.rejects(agent.refreshApis());
  assert.equal(agent.snapshot().status, 'offline');
  assert.equal(agent.snapshot().fault?.code, 'relay_unreachable');
  await relay.resume();
  await until('the relay is noticed', () => {
    const { status, fault } = agent.snapshot();
    return status === 'ready' && !fault;
  });
  await agent.close();
});

test('a refused consent and a closed tab are told, and the next attempt works', async () => {
  const { agent } = make({
    openBrowser: async (url) => {
      void signInWithFetch(url, 'alice', 'alice-demo', { deny: true }).catch(() => undefined);
      return Promise.resolve();
    },
  });
  await agent.start();
  await assert.rejects(agent.signIn());
  assert.equal(agent.snapshot().fault?.code, 'consent_refused');
  assert.equal(agent.snapshot().status, 'signed-out');
  await agent.close();
  const lazy = make({ signInTimeoutMs: 50 }, '');
  await lazy.agent.start();
  await assert.rejects(lazy.agent.signIn());
  assert.equal(lazy.agent.snapshot().fault?.code, 'sign_in_timeout');
  await lazy.agent.close();
});

test('signing out during a sign-in ends it; nobody is signed in afterwards', async () => {
  const { agent } = make({}, '');
  await agent.start();
  const running = agent.signIn();
  running.catch(() => undefined);
  await until('the sign-in is open', () => agent.snapshot().signInUrl);
  await agent.signOut();
  await assert.rejects(running, /cancelled/);
  assert.equal(agent.snapshot().status, 'signed-out');
  assert.equal(agent.snapshot().fault, undefined);
  await agent.close();
});

test('`latchkey logout` during a sign-in answers that nobody is signed in or signing in', async () => {
  const dataDir = makeFolder();
  const { agent } = make({ dataDir }, '');
  await agent.start();
  const running = agent.signIn();
  running.catch(() => undefined);
  await until('the sign-in is open', () => agent.snapshot().signInUrl);
  const { status, signInUrl } = await createControlClient(controlAddress(dataDir)).logout();
  assert.deepEqual([status, signInUrl], ['signed-out', undefined]);
  await assert.rejects(running, /cancelled/);
  await agent.close();
});

test('a busy port is named with its owner and a free port; start works once it is free', async () => {
  // Of those that nobody gets by chance: the agent takes it once it is let go.
  const port = await freePort();
  const busy = createServer().listen(port, '127.0.0.1');
  await once(busy, 'listening');
  const { agent } = make({ port });
  await assert.rejects(agent.start(), (error) => {
    assert.ok(error instanceof AgentError);
    assert.equal(error.code, 'port_in_use');
    if (process.platform === 'linux') {
      assert.match(error.message, new RegExp(`\\(process ${process.pid}\\)`));
    }
    assert.match(error.message, /port \d+, which is free/);
    return true;
  });
  assert.equal(agent.snapshot().fault?.code, 'port_in_use');
  busy.close();
  await once(busy, 'close');
  await agent.start();
  assert.equal(agent.snapshot().localUrl, `http://localhost:${port}`);
  assert.equal(agent.snapshot().fault, undefined);
  await agent.close();
});

test('the control socket is private, versioned, and tells a second agent to stay away', async () => {
  const dataDir = makeFolder();
  const { agent } = make({ dataDir });
  await agent.start();
  const address = join(dataDir, 'control.sock');
  assert.equal(statSync(address).mode & 0o777, 0o600);
  assert.equal(statSync(dataDir).mode & 0o777, 0o700);
  const client = createControlClient(address);
  assert.equal((await client.status()).status, 'signed-out');
  const urls: string[] = [];
  assert.equal((await client.login({ onUrl: (url) => urls.push(url) })).status, 'ready');
  assert.equal(urls.length, 1);
  assert.deepEqual(
    (await client.apis()).map((api) => api.name),
    ['billing'],
  );
  assert.equal((await client.activity({ limit: '5' })).records[0]?.kind, 'sign-in');
  await assert.rejects(client.activity({ limit: '0' }), /from 1 to 1000/);
  const second = make({ dataDir });
  await assert.rejects(
    second.agent.start(),
    (error) => error instanceof AgentError && error.code === 'already_running',
  );
  assert.equal((await client.status()).status, 'ready', 'the first one is unharmed');
  assert.equal((await client.logout()).status, 'signed-out');
  await agent.close();
  await assert.rejects(
    client.status(),
    (error) => error instanceof AgentError && error.code === 'not_running',
  );
});

test('after a sleep no request goes out on a connection that may be dead', async () => {
  const ports: (number | undefined)[] = [];
  relay.serveApis((request, response) => {
    ports.push(request.socket.remotePort);
    response.end('invoices');
  });
  const { agent } = make();
  await agent.start();
  await agent.signIn();
  const { port } = new URL(agent.snapshot().localUrl ?? '');
  const ask = async (): Promise<string> =>
    (await fetch(`http://127.0.0.1:${port}/billing/x`)).text();
  assert.deepEqual([await ask(), await ask()], ['invoices', 'invoices']);
  assert.equal(ports[0], ports[1], 'a connection that rests is used again');
  agent.wake('slept');
  assert.equal(await ask(), 'invoices');
  assert.notEqual(ports[2], ports[1]);
  assert.equal(agent.snapshot().status, 'ready');
  await agent.close();
});

test('what happens to keys of tools is in the audit, and no secret of theirs', async () => {
  const { agent } = make();
  await agent.start();
  const { key, secret } = agent.keys.add({ name: 'ci', apis: ['billing'], readOnly: true });
  agent.keys.lend({ name: 'run' }).end();
  agent.keys.revoke('ci');
  const read = () => agent.activity({ kinds: ['config'] }).records;
  await until('all three are recorded', () => read().length === 3);
  assert.deepEqual(
    read().map(({ tool, detail = '' }) => [tool?.key, detail.replace(/key_[0-9a-f]+/, 'ID')]),
    [
      ['ci', 'key revoked ID: billing; read only'],
      ['run', 'key lent ID: every API'],
      ['ci', 'key made ID: billing; read only'],
    ],
  );
  assert.ok(read()[0]?.detail?.includes(key.id));
  assert.ok(!JSON.stringify(read()).includes(secret));
  await agent.close();
});
