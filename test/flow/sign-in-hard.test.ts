import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import type { Agent } from '../../app/main/agent/agent-interface.ts';
import type { AgentDeps } from '../../app/main/agent/agent-deps.ts';
import { createAgent } from '../../app/main/agent/agent.ts';
import { createLog } from '../../app/main/agent/log.ts';
import { serializeTokenSet, type TokenSet } from '../../app/main/agent/session/token-set.ts';
import { createMemoryVault, type Vault } from '../../app/main/agent/session/vault.ts';
import { loadSettings } from '../../app/main/agent/settings/settings.ts';
import type { Fault } from '../../app/main/agent/status.ts';
import { createRelayBench } from '../support/relay.ts';
import { startSmallRelay } from '../support/small-relay.ts';

/** An agent in this process whose session is already in its vault, on a real port. */
interface Seat {
  readonly agent: Agent;
  readonly url: string;
  readonly vault: Vault;
  readonly tabs: string[];
  readonly notices: Fault[];
}

async function seat(
  t: TestContext,
  relay: string,
  tokens?: TokenSet,
  changes: Partial<AgentDeps> = {},
  signIn: object = { auto: false, waitSeconds: 1 },
): Promise<Seat> {
  const dataDir = mkdtempSync(join(tmpdir(), 'latchkey-hard-'));
  writeFileSync(join(dataDir, 'settings.json'), JSON.stringify({ signIn }));
  const vault = createMemoryVault();
  if (tokens) await vault.save(serializeTokenSet(tokens));
  const tabs: string[] = [];
  const notices: Fault[] = [];
  const agent = createAgent({
    dataDir,
    settings: loadSettings({ dataDir, env: {}, systemPolicyPath: join(dataDir, 'none') }),
    vaultAt: () => vault,
    openBrowser: (url) => Promise.resolve(void tabs.push(url)),
    notify: (fault) => void notices.push(fault),
    version: '0.0.0-test',
    log: createLog({ level: 'error', destination: { write: () => undefined } }),
    port: 0,
    relay,
    ...changes,
  });
  t.after(async () => {
    await agent.close();
    rmSync(dataDir, { recursive: true, force: true });
  });
  await agent.start();
  const { port } = new URL(agent.snapshot().localUrl ?? '');
  return { agent, url: `http://127.0.0.1:${port}`, vault, tabs, notices };
}

function makeTokens(relay: string, issuer: string, changes: Partial<TokenSet> = {}): TokenSet {
  const obtainedAtMs = Date.now();
  return {
    accessToken: 'access',
    refreshToken: 'refresh',
    identity: { subject: 'alice' },
    obtainedAtMs,
    expiresAtMs: obtainedAtMs + 300_000,
    issuer,
    clientId: 'latchkey-desktop',
    resource: relay,
    tokenType: 'bearer',
    ...changes,
  };
}

/** A provider whose token endpoint and callback are as the test says. */
async function startOddProvider(t: TestContext) {
  const odd = {
    issuer: '',
    token: [400, { error: 'invalid_grant' }] as readonly [number, object],
    async down(): Promise<void> {
      if (!server.listening) return;
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
  const server = http.createServer((request, response) => {
    const { issuer } = odd;
    const [status, body] =
      request.url === '/token'
        ? odd.token
        : [
            200,
            {
              issuer,
              authorization_endpoint: `${issuer}/authorize`,
              token_endpoint: `${issuer}/token`,
            },
          ];
    response.writeHead(status, { 'content-type': 'application/json' });
    response.end(JSON.stringify(body));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  odd.issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  t.after(odd.down);
  return odd;
}

test('a 12 KB access token goes through the whole chain, from the port to the API', async (t) => {
  const bench = await createRelayBench(t);
  const accessToken = await bench.token({ groups: ['x'.repeat(9000)] });
  assert.ok(accessToken.length > 12_000, `${accessToken.length}`);
  const tokens = makeTokens(bench.relay.url, bench.issuer.issuer, { accessToken });
  const { url } = await seat(t, bench.relay.url, tokens);
  for (const method of ['GET', 'POST']) {
    const answer = await fetch(`${url}/x/a`, {
      method,
      signal: AbortSignal.timeout(60_000),
      ...(method === 'POST' && { body: 'b'.repeat(100_000) }),
    });
    assert.equal(answer.status, 200, await answer.text());
  }
  assert.equal(bench.upstream.requests(), 2);
  assert.ok(!bench.upstream.received().join('').includes(accessToken.slice(0, 100)));
});

async function ask(url: string) {
  const response = await fetch(`${url}/billing/x`, { signal: AbortSignal.timeout(60_000) });
  const body = (await response.json()) as { readonly code: string; readonly detail: string };
  return { status: response.status, retryAfter: response.headers.get('retry-after'), ...body };
}

test('signed out, expired and offline are three things in the status; at the port the first two ask for a sign-in', async (t) => {
  const odd = await startOddProvider(t);
  const relay = await startSmallRelay(odd.issuer);
  t.after(relay.close);
  const ended = makeTokens(relay.url, odd.issuer, { obtainedAtMs: 1, expiresAtMs: 2 });

  const nobody = await seat(t, relay.url);
  const signedOut = await ask(nobody.url);
  assert.deepEqual([signedOut.status, signedOut.code], [401, 'signed_out']);
  assert.ok(Number(signedOut.retryAfter) > 0, 'Retry-After');
  assert.equal(nobody.agent.snapshot().status, 'signed-out');

  const late = await seat(t, relay.url, ended);
  const expired = await ask(late.url);
  assert.deepEqual([expired.status, expired.code], [401, 'signed_out']);
  assert.ok(Number(expired.retryAfter) > 0, 'Retry-After');
  assert.match(expired.detail, /invalid_grant.*Sign in again/);
  assert.equal(late.agent.snapshot().status, 'expired');
  assert.equal(await late.vault.load(), undefined);
  assert.equal(late.notices.length, 1);

  await odd.down();
  const away = await seat(t, relay.url, ended);
  const offline = await ask(away.url);
  assert.deepEqual([offline.status, offline.code], [502, 'provider_unreachable']);
  assert.ok(Number(offline.retryAfter) > 0, 'Retry-After');
  assert.equal(away.agent.snapshot().status, 'offline');
  assert.ok(await away.vault.load(), 'the tokens are kept');
  assert.deepEqual([away.notices.length, away.tabs.length], [0, 0], 'no sign-in cures a network');
});

test('tools that poll an expired session at the port cause one tab and one notification', async (t) => {
  const odd = await startOddProvider(t);
  const relay = await startSmallRelay(odd.issuer);
  t.after(relay.close);
  const ended = makeTokens(relay.url, odd.issuer, { obtainedAtMs: 1, expiresAtMs: 2 });
  const options = { auto: true, waitSeconds: 1 };
  const { url, tabs, notices } = await seat(t, relay.url, ended, { signInTimeoutMs: 300 }, options);
  for (let round = 0; round < 5; round += 1) {
    const answers = await Promise.all(Array.from({ length: 20 }, () => ask(url)));
    assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([401]));
  }
  assert.equal(tabs.length, 1);
  assert.equal(notices.length, 1);
});

/** Signs in up to the provider's answer in the browser, which is `answer`. */
async function callBack(
  t: TestContext,
  relay: string,
  answer: Readonly<Record<string, string>>,
  before: () => Promise<unknown> = () => Promise.resolve(),
) {
  let shown = Promise.resolve('');
  const { agent, vault } = await seat(t, relay, undefined, {
    async openBrowser(url) {
      const asked = new URL(url).searchParams;
      const callback = new URL(asked.get('redirect_uri') ?? '');
      callback.search = new URLSearchParams({
        state: asked.get('state') ?? '',
        ...answer,
      }).toString();
      await before();
      shown = fetch(callback).then(
        async (response) => `${response.status} ${await response.text()}`,
      );
    },
  });
  const error: unknown = await agent.signIn().catch((e: unknown) => e);
  const { code, message } = error as { code: string; message: string };
  assert.equal(agent.snapshot().status, 'signed-out');
  assert.equal(agent.snapshot().fault?.code, code);
  assert.equal(await vault.load(), undefined);
  return { code, message, page: await shown };
}

test('each error of the provider in the callback has its words, in the browser as well', async (t) => {
  const odd = await startOddProvider(t);
  const relay = await startSmallRelay(odd.issuer);
  t.after(relay.close);
  const cases = [
    [{ error: 'access_denied' }, 'consent_refused', /allow access/],
    [{ error: 'interaction_required' }, 'consent_refused', /interaction_required/],
    [{ error: 'temporarily_unavailable' }, 'provider_unreachable', /temporarily_unavailable/],
    [{ error: 'server_error' }, 'provider_unreachable', /server_error/],
    [{ error: 'invalid_scope' }, 'provider_refused', /invalid_scope/],
    [{ error: '<script>alert(1)</script>' }, 'provider_refused', /unknown error/],
    [{ code: 'spent' }, 'provider_refused', /invalid_grant/],
  ] as const;
  for (const [answer, code, words] of cases) {
    const told = await callBack(t, relay.url, answer);
    assert.equal(told.code, code, told.message);
    assert.match(told.message, words);
    assert.match(told.page, /^400 /, JSON.stringify(answer));
    assert.doesNotMatch(told.page, /<script/);
  }
});

test('a network lost between the browser and the exchange ends the attempt with its reason, and nothing is half done', async (t) => {
  const odd = await startOddProvider(t);
  const relay = await startSmallRelay(odd.issuer);
  t.after(relay.close);
  const told = await callBack(t, relay.url, { code: 'good' }, odd.down);
  assert.equal(told.code, 'provider_unreachable');
  assert.match(told.message, /connection refused.*Check the network/);
  assert.match(told.page, /^400 .*cannot be reached/s);
});
