import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import { AgentError } from '../../../app/main/agent/errors.ts';
import { createProvider } from '../../../app/main/agent/login/provider.ts';
import type { Provider } from '../../../app/main/agent/login/provider.ts';
import type { TokenSet } from '../../../app/main/agent/session/token-set.ts';

/** A provider with manners of its own, at the level of bytes. */
let answer: (response: ServerResponse) => void = () => undefined;
let isMoved = false;
const asked: string[] = [];
const server = createServer((request, response) => {
  const self = `http://${request.headers.host}`;
  if (request.url === '/.well-known/openid-configuration' && isMoved) {
    response.writeHead(302, { location: '/moved' }).end();
    return;
  }
  if (request.url === '/.well-known/openid-configuration' || request.url === '/moved') {
    response.setHeader('content-type', 'application/json');
    response.end(
      JSON.stringify({
        issuer: self,
        authorization_endpoint: `${self}/authorize`,
        token_endpoint: `${self}/token`,
        revocation_endpoint: `${self}/revoke`,
      }),
    );
    return;
  }
  asked.push(request.url ?? '');
  request.resume();
  answer(response);
});
let tokens: TokenSet;

before(async () => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  tokens = {
    accessToken: 'old-access',
    refreshToken: 'old-refresh',
    identity: { subject: 'alice' },
    obtainedAtMs: 0,
    expiresAtMs: 1,
    scope: 'billing.read',
    issuer: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    clientId: 'c',
    resource: 'https://relay.example',
    tokenType: 'bearer',
  };
});
after(() => {
  server.close();
  server.closeAllConnections();
});

const make = (timeoutMs = 60_000): Provider =>
  createProvider({ fetch, now: () => 1000, timeoutMs });

function says(status: number, body: unknown, type = 'application/json'): void {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  answer = (response) => response.writeHead(status, { 'content-type': type }).end(text);
}

async function refreshFails(code: string, words: RegExp, timeoutMs?: number): Promise<void> {
  await assert.rejects(make(timeoutMs).refresh(tokens), (error) => {
    assert.ok(error instanceof AgentError, String(error));
    assert.equal(error.code, code, error.message);
    assert.match(error.message, words);
    return true;
  });
}

test('no id_token, scope or refresh token, token_type in capitals: what was stays', async () => {
  says(200, { access_token: 'new', token_type: 'BEARER', expires_in: '60' });
  const fresh = await make().refresh(tokens);
  assert.equal(fresh.accessToken, 'new');
  assert.equal(fresh.refreshToken, 'old-refresh');
  assert.equal(fresh.scope, 'billing.read');
  assert.equal(fresh.identity?.subject, 'alice');
  assert.equal(fresh.expiresAtMs, 61_000);
});

test('a life beyond a year is one year, whatever number was meant', async () => {
  for (const life of ['1e300', '31536001']) {
    says(200, `{"access_token":"new","token_type":"Bearer","expires_in":${life}}`);
    assert.equal((await make().refresh(tokens)).expiresAtMs, 1000 + 31_536_000_000, life);
  }
});

test('discovery may redirect once on its own origin', async () => {
  isMoved = true;
  says(200, { access_token: 'new', token_type: 'Bearer' });
  assert.equal((await make().refresh(tokens)).accessToken, 'new');
  isMoved = false;
});

test('a refusal with an empty or HTML body is one by its status; a gateway’s is not', async () => {
  says(400, '', 'text/plain');
  await refreshFails('session_expired', /HTTP 400/);
  says(401, '<html>', 'text/html');
  await refreshFails('session_expired', /HTTP 401/);
  says(400, { error: 'invalid_grant', error_description: 'x' });
  await refreshFails('session_expired', /invalid_grant/);
  for (const status of [403, 429, 500, 503]) {
    says(status, '<html>', 'text/html');
    await refreshFails('provider_unreachable', new RegExp(`answers ${status}`));
  }
  says(400, { error: 'temporarily_unavailable' });
  await refreshFails('provider_unreachable', /temporarily_unavailable/);
});

test('a login page instead of tokens, another person, another kind of token: the session is kept', async () => {
  says(200, '<html>captive portal</html>', 'text/html');
  await refreshFails('provider_protocol', /not valid/);
  says(200, { access_token: 'new', token_type: 'mac' });
  await refreshFails('provider_protocol', /not valid/);
  const claims = Buffer.from(
    JSON.stringify({ iss: tokens.issuer, sub: 'mallory', aud: 'c', exp: 9e9, iat: 1 }),
  ).toString('base64url');
  const header = Buffer.from('{"alg":"RS256"}').toString('base64url');
  says(200, { access_token: 'new', token_type: 'Bearer', id_token: `${header}.${claims}.c2ln` });
  await refreshFails('provider_protocol', /another person/);
});

test('a provider that never answers is cut off', async () => {
  answer = () => undefined;
  await refreshFails('provider_unreachable', /no answer in time/, 1_000);
});

test('an answer with tokens never ends up in an error', async () => {
  says(200, { access_token: 'SECRET-ACCESS', token_type: 7, refresh_token: 'SECRET-REFRESH' });
  await assert.rejects(make().refresh(tokens), (error) => {
    assert.ok(error instanceof AgentError);
    const { message, cause } = error;
    const seen = JSON.stringify([message, String(cause), Object.entries(cause as Error)]);
    assert.ok(!seen.includes('SECRET'));
    assert.equal((cause as Error).cause, undefined);
    return true;
  });
});

test('a public client’s 401 on revocation is an error for the log only', async () => {
  says(401, { error: 'invalid_client' });
  asked.length = 0;
  await assert.rejects(make().revoke(tokens), AgentError);
  assert.deepEqual(asked, ['/revoke']);
});
