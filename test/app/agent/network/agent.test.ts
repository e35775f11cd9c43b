import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { test, type TestContext } from 'node:test';
import { generateKeyPair, SignJWT } from 'jose';
import { createAgent } from '../../../../app/main/agent/agent.ts';
import type { Agent } from '../../../../app/main/agent/agent-interface.ts';
import { createLog } from '../../../../app/main/agent/log.ts';
import { createMemoryVault } from '../../../../app/main/agent/session/vault.ts';
import { loadSettings } from '../../../../app/main/agent/settings/settings.ts';
import { createCertificate } from '../../../support/certificate.ts';
import { startConnectProxy } from '../../../support/connect-proxy.ts';
import { startSecureServer } from '../../../support/secure-server.ts';

const RELAY = 'https://relay.example.test';
const IDP = 'https://relay.example.test:8443';

function send(response: ServerResponse, body: unknown): void {
  response.writeHead(200, { 'Content-Type': 'application/json' }).end(JSON.stringify(body));
}

/** A relay as far as signing in and one API go. */
const relay: RequestListener = (request, response) => {
  const rules = [{ name: 'read', methods: ['GET'], paths: ['/**'], allowed: true }];
  const answers: Readonly<Record<string, unknown>> = {
    '/.well-known/oauth-protected-resource': {
      resource: RELAY,
      authorization_servers: [IDP],
      bearer_methods_supported: ['header'],
      latchkey: {
        version: '0.1.0',
        client_id: 'latchkey-desktop',
        scopes: ['openid'],
        authorization_parameters: {},
        redirect_uri: 'http://127.0.0.1/callback',
        redirect_ports: [],
      },
    },
    '/.latchkey/whoami': { user: 'ann' },
    '/.latchkey/apis': {
      apis: [{ name: 'billing', title: 'Billing', path: '/billing', rules }],
    },
  };
  send(response, answers[request.url ?? ''] ?? { got: request.headers.authorization });
};

/** The code carries what the provider has to remember. */
async function idToken(form: URLSearchParams): Promise<string> {
  const { privateKey } = await generateKeyPair('ES256');
  return new SignJWT({ nonce: form.get('code') ?? '' })
    .setProtectedHeader({ alg: 'ES256' })
    .setIssuer(IDP)
    .setAudience('latchkey-desktop')
    .setSubject('ann')
    .setIssuedAt()
    .setExpirationTime('5m')
    .sign(privateKey);
}

/** An authorization server that has nothing to ask. */
async function provide(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const body = new URLSearchParams(await text(request));
  if (request.url === '/token') {
    const tokens = {
      access_token: 'at',
      refresh_token: 'rt',
      token_type: 'Bearer',
    };
    send(response, { ...tokens, expires_in: 300, scope: 'openid', id_token: await idToken(body) });
  } else if (request.url === '/revoke') response.writeHead(200).end();
  else if (request.url === '/.well-known/openid-configuration') {
    send(response, {
      issuer: IDP,
      authorization_endpoint: `${IDP}/authorize`,
      token_endpoint: `${IDP}/token`,
      revocation_endpoint: `${IDP}/revoke`,
      jwks_uri: `${IDP}/jwks`,
      id_token_signing_alg_values_supported: ['ES256'],
      response_types_supported: ['code'],
      code_challenge_methods_supported: ['S256'],
      token_endpoint_auth_methods_supported: ['none'],
    });
  } else response.writeHead(404).end();
}

/** The person's browser at a provider that lets everybody in. */
async function consent(address: string): Promise<void> {
  const asked = new URL(address).searchParams;
  const callback = new URL(asked.get('redirect_uri') ?? '');
  callback.search = new URLSearchParams({
    code: asked.get('nonce') ?? '',
    state: asked.get('state') ?? '',
  }).toString();
  await fetch(callback);
}

interface Office {
  readonly agent: Agent;
  /** `host:port` of each tunnel that was asked for. */
  readonly tunnels: () => readonly string[];
  readonly relayPaths: readonly string[];
  readonly idpPaths: readonly string[];
  readonly log: readonly string[];
}

/** A network in which names are known to the proxy only. */
async function office(t: TestContext, password = 'pass'): Promise<Office> {
  const tls = createCertificate(t, 'relay.example.test');
  const front = await startSecureServer(t, tls, relay);
  const idp = await startSecureServer(t, tls, (request, response) => {
    provide(request, response).catch((error: unknown) => response.destroy(error as Error));
  });
  const proxy = await startConnectProxy(t, {
    auth: 'ann:pass',
    names: {
      'relay.example.test:443': front.port,
      'relay.example.test:8443': idp.port,
    },
  });
  const dataDir = mkdtempSync(join(tmpdir(), 'latchkey-network-'));
  const network = {
    proxy: proxy.url.replace('//', `//ann:${password}@`),
    caFile: tls.certFile,
  };
  writeFileSync(join(dataDir, 'settings.json'), JSON.stringify({ network }));
  const settings = loadSettings({
    dataDir,
    env: {},
    systemPolicyPath: join(dataDir, 'none'),
  });
  assert.deepEqual(settings.faults, []);
  const log: string[] = [];
  const agent = createAgent({
    dataDir,
    settings,
    vaultAt: createMemoryVault,
    openBrowser(address) {
      consent(address).catch(() => undefined);
      return Promise.resolve();
    },
    version: '0.0.0-test',
    log: createLog({
      level: 'debug',
      destination: { write: (line) => void log.push(line) },
    }),
    port: 0,
    relay: RELAY,
    env: {},
  });
  t.after(async () => {
    await agent.close();
    rmSync(dataDir, { recursive: true, force: true });
  });
  const tunnels = (): string[] => proxy.heads.map((head) => /^CONNECT (\S+)/.exec(head)?.[1] ?? '');
  return { agent, tunnels, relayPaths: front.paths, idpPaths: idp.paths, log };
}

test('sign-in, catalogue, a request and sign-out all go through the proxy, with its password', async (t) => {
  const { agent, tunnels, relayPaths, idpPaths, log } = await office(t);
  await agent.start();
  const { status, localUrl } = await agent.signIn();
  assert.equal(status, 'ready');
  const answer = await fetch(`${localUrl}/billing/invoices?x=1`);
  assert.deepEqual(await answer.json(), { got: 'Bearer at' });
  await agent.signOut();
  assert.deepEqual([...new Set(relayPaths)].toSorted(), [
    '/.latchkey/apis',
    '/.latchkey/whoami',
    '/.well-known/oauth-protected-resource',
    '/billing/invoices?x=1',
  ]);
  assert.deepEqual([...new Set(idpPaths)].toSorted(), [
    '/.well-known/openid-configuration',
    '/revoke',
    '/token',
  ]);
  assert.equal(tunnels().length, relayPaths.length + idpPaths.length);
  assert.doesNotMatch(log.join(''), /ann:pass|YW5uOnBhc3M/);
});

test('a refused password is told by the sign-in, and is in no log', async (t) => {
  const { agent, relayPaths, log } = await office(t, 'hunter2');
  await agent.start();
  await assert.rejects(agent.signIn(), {
    code: 'relay_unreachable',
    message: /does not accept the name and password that are set for it \(407\)/,
  });
  assert.deepEqual(relayPaths, []);
  assert.doesNotMatch(log.join('') + JSON.stringify(agent.snapshot()), /hunter2|YW5uOmh1bnRlcjI/);
});
