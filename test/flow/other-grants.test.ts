import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import type { AgentDeps, SignInBy } from '../../app/main/agent/agent-deps.ts';
import { createAgent } from '../../app/main/agent/agent.ts';
import { createLog } from '../../app/main/agent/log.ts';
import { readClientKey } from '../../app/main/agent/login/machine-key.ts';
import { createMemoryVault } from '../../app/main/agent/session/vault.ts';
import { loadSettings } from '../../app/main/agent/settings/settings.ts';
import { runCommand } from '../../app/cli/command.ts';
import { enterCode, startGrantsProvider } from '../support/grants-provider.ts';
import { startSmallRelay } from '../support/small-relay.ts';
import { until } from '../support/until.ts';

const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });

async function start(t: TestContext, by?: (dir: string) => Promise<SignInBy>) {
  const idp = await startGrantsProvider([
    { clientId: 'ci', publicJwk: pair.publicKey.export({ format: 'jwk' }), algorithm: 'ES256' },
  ]);
  const relay = await startSmallRelay(idp.issuer);
  relay.serveApis((_request, response) => void response.end('invoices'));
  const dataDir = mkdtempSync(join(tmpdir(), 'latchkey-grants-'));
  // Requests wait for whole sign-ins.
  writeFileSync(join(dataDir, 'settings.json'), '{"signIn":{"waitSeconds":300}}');
  const tabs: string[] = [];
  const notices: unknown[] = [];
  const deps: AgentDeps = {
    dataDir,
    settings: loadSettings({ dataDir, env: {}, systemPolicyPath: join(dataDir, 'none') }),
    vaultAt: createMemoryVault,
    openBrowser: (url) => Promise.resolve(void tabs.push(url)),
    notify: (fault) => void notices.push(fault),
    version: '0.0.0-test',
    log: createLog({ level: 'error', destination: { write: () => undefined } }),
    port: 0,
    relay: relay.url,
    ...(by === undefined ? {} : { signInBy: await by(dataDir) }),
  };
  const agent = createAgent(deps);
  t.after(async () => {
    await agent.close();
    await relay.close();
    await idp.close();
    rmSync(dataDir, { recursive: true, force: true });
  });
  await agent.start();
  const { port } = new URL(agent.snapshot().localUrl ?? '');
  const ask = (): Promise<Response> =>
    fetch(`http://127.0.0.1:${port}/billing/x`, { signal: AbortSignal.timeout(60_000) });
  return { agent, idp, ask, tabs, notices, dataDir };
}

async function machineWith(dir: string, key: typeof pair.privateKey): Promise<SignInBy> {
  const file = join(dir, 'client.pem');
  writeFileSync(file, key.export({ format: 'pem', type: 'pkcs8' }), { mode: 0o600 });
  return { kind: 'machine', client: { clientId: 'ci', key: await readClientKey(file) } };
}

test('a machine’s request signs it in by its key: no browser, no notification', async (t) => {
  const { agent, ask, tabs, notices } = await start(t, (dir) => machineWith(dir, pair.privateKey));
  const answer = await ask();
  assert.equal(await answer.text(), 'invoices');
  assert.equal(agent.snapshot().status, 'ready');
  await agent.signOut();
  assert.deepEqual([tabs, notices], [[], []]);
});

test('a machine whose key is refused answers 401 with the reason at once, and opens nothing', async (t) => {
  const stranger = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
  const { ask, tabs, notices } = await start(t, (dir) => machineWith(dir, stranger));
  for (let n = 0; n < 3; n += 1) {
    const answer = await ask();
    assert.equal(answer.status, 401);
    assert.ok(answer.headers.get('retry-after'));
    const { code, detail } = (await answer.json()) as { code: string; detail: string };
    assert.equal(code, 'signed_out');
    assert.match(detail, /refused this machine's key/);
  }
  assert.deepEqual([tabs, notices], [[], []]);
});

test('a request waits while a person enters the code on another device; no browser opens here', async (t) => {
  const { agent, ask, tabs } = await start(t, () =>
    Promise.resolve({
      kind: 'device',
      onCode: ({ completeUrl = '' }) => void enterCode(completeUrl, 'alice'),
    }),
  );
  const answer = await ask();
  assert.equal(await answer.text(), 'invoices');
  assert.equal(agent.snapshot().user?.subject, 'alice');
  assert.deepEqual(tabs, []);
});

test('latchkey login --device takes a sign-in from the running app’s browser to another device', async (t) => {
  const { agent, ask, tabs, dataDir } = await start(t);
  // A request has the app open its page, which nobody at this end can see.
  const waiting = ask();
  await until('the page is open', () => tabs.length > 0);
  const lines: string[] = [];
  const code = await runCommand(['login', '--device', '--json', '--data-dir', dataDir], {
    env: {},
    err: (text) => void lines.push(text),
    out(text) {
      lines.push(text);
      const { event, completeUrl } = JSON.parse(text) as { event?: string; completeUrl?: string };
      if (event === 'device-code') void enterCode(completeUrl ?? '', 'alice');
    },
  });
  assert.equal(code, 0, lines.join(''));
  assert.equal(agent.snapshot().user?.subject, 'alice');
  assert.equal(tabs.length, 1);
  await waiting;
  assert.equal(await (await ask()).text(), 'invoices');
});
