import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { RequestListener, Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import { AgentError } from '../../../app/main/agent/errors.ts';
import { login } from '../../../app/main/agent/login/login.ts';
import { parseRelayUrl } from '../../../app/main/agent/login/outbound.ts';
import { createProvider } from '../../../app/main/agent/login/provider.ts';
import type { TokenSet } from '../../../app/main/agent/session/token-set.ts';
import { createIdentityProvider } from '../../../demo/idp.ts';
import type { IdentityProvider } from '../../../demo/idp.ts';
import { freePort } from '../../support/free-port.ts';
import { signInWithFetch } from '../../support/sign-in.ts';
import { startSmallRelay } from '../../support/small-relay.ts';
import type { SmallRelay } from '../../support/small-relay.ts';
import { until } from '../../support/until.ts';

const opened: { close(): Promise<void> }[] = [];
let idp: IdentityProvider;
let relay: SmallRelay;

before(async () => {
  idp = await createIdentityProvider();
  relay = await startSmallRelay(idp.issuer);
  opened.push(idp, relay);
});
after(async () => {
  for (const one of opened) await one.close();
});

async function serve(listener: RequestListener): Promise<string> {
  const server: Server = createServer(listener);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  opened.push({
    async close() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const provider = createProvider({ fetch, now: Date.now, timeoutMs: 60_000 });

function run(
  url: string,
  browser: (url: string) => Promise<unknown>,
  options: { timeoutMs?: number; signal?: AbortSignal } = {},
): Promise<TokenSet> {
  return login({
    relay: parseRelayUrl(url),
    provider,
    fetch,
    openBrowser: (page) => {
      browser(page).catch(() => undefined);
      return Promise.resolve();
    },
    onUrl: () => undefined,
    signal: options.signal ?? new AbortController().signal,
    timeoutMs: options.timeoutMs ?? 60_000,
    callTimeoutMs: 60_000,
  });
}

async function fails(promise: Promise<unknown>, code: string, words: RegExp): Promise<void> {
  await assert.rejects(promise, (error) => {
    assert.ok(error instanceof AgentError, String(error));
    assert.equal(error.code, code, error.message);
    assert.match(error.message, words);
    return true;
  });
}

const alice = (page: string) => signInWithFetch(page, 'alice', 'alice-demo');
const nobody = () => Promise.resolve();

test('the relay’s address alone leads to tokens for that relay, with PKCE, state, nonce, resource', async () => {
  let asked: URLSearchParams | undefined;
  let shown: Awaited<ReturnType<typeof alice>> | undefined;
  const tokens = await run(relay.url, async (page) => {
    asked = new URL(page).searchParams;
    shown = await alice(page);
  });
  assert.equal(tokens.issuer, idp.issuer);
  assert.equal(tokens.resource, relay.url);
  assert.equal(tokens.identity?.subject, 'alice');
  assert.ok(tokens.refreshToken);
  assert.equal(asked?.get('code_challenge_method'), 'S256');
  assert.equal(asked.get('resource'), relay.url);
  assert.match(asked.get('redirect_uri') ?? '', /^http:\/\/127\.0\.0\.1:\d+\/callback$/);
  assert.ok((asked.get('state')?.length ?? 0) >= 43);
  assert.ok(asked.get('nonce'));
  await until('the page is shown', () => shown);
  assert.equal(shown?.status, 200);
  assert.match(shown.text ?? '', /signed in.*close this tab/s);
});

test('refresh rotates, a spent refresh token ends the session, revocation ends it too', async () => {
  const first = await run(relay.url, alice);
  const second = await provider.refresh(first);
  assert.notEqual(second.refreshToken, first.refreshToken);
  assert.notEqual(second.accessToken, first.accessToken);
  assert.equal(second.identity?.subject, 'alice');
  const other = await run(relay.url, alice);
  await provider.revoke(other);
  await fails(provider.refresh(other), 'session_expired', /invalid_grant.*Sign in again/);
  await fails(provider.refresh(first), 'session_expired', /invalid_grant/);
});

test('a refused consent says so, in the error and on the page', async () => {
  let page: Awaited<ReturnType<typeof alice>> | undefined;
  const walk = async (url: string): Promise<void> => {
    page = await signInWithFetch(url, 'alice', 'alice-demo', { deny: true });
  };
  await fails(run(relay.url, walk), 'consent_refused', /access_denied/);
  await until('the page is shown', () => page);
  assert.equal(page?.status, 400);
  assert.match(page.text ?? '', /did not work/);
});

test('a closed tab ends in a time-out; a cancelled sign-in says so', async () => {
  await fails(run(relay.url, nobody, { timeoutMs: 100 }), 'sign_in_timeout', /Start it again/);
  const abort = new AbortController();
  const running = run(relay.url, () => Promise.resolve(setTimeout(() => abort.abort(), 20)), {
    signal: abort.signal,
  });
  await fails(running, 'sign_in_cancelled', /cancelled/);
});

test('an unreachable relay, something else than a relay, another relay: each has its words', async () => {
  // A port that nobody listens on and nobody is given; fetch itself refuses port 1.
  await fails(run('http://127.0.0.1:2', nobody), 'relay_unreachable', /connection refused/);
  const html = await serve((_request, response) => response.end('<html>hello</html>'));
  await fails(run(html, nobody), 'not_a_relay', /not JSON/);
  const empty = await serve((_request, response) => response.writeHead(404).end());
  await fails(run(empty, nobody), 'not_a_relay', /answers 404/);
  const sick = await serve((_request, response) => response.writeHead(503).end());
  await fails(run(sick, nobody), 'relay_unreachable', /answers 503/);
  const plain = await serve((_request, response) => response.end('{"resource":"x"}'));
  await fails(run(plain, nobody), 'not_a_relay', /not that of a Latchkey relay/);
  const alias = relay.url.replace('127.0.0.1', 'localhost');
  await fails(run(alias, nobody), 'not_a_relay', /calls itself http:\/\/127\.0\.0\.1/);
  assert.throws(() => parseRelayUrl('http://relay.example.com'), /must begin with https/);
  assert.throws(() => parseRelayUrl('https://relay.example.com/x'), /nothing after the host/);
});

test('a relay without a desktop client, or with a foreign redirect URI, is refused', async () => {
  const odd = await startSmallRelay(idp.issuer);
  opened.push(odd);
  odd.describe({ latchkey: { version: '1' } });
  await fails(run(odd.url, nobody), 'no_desktop_client', /desktop\.clientId/);
  for (const uri of ['https://evil.example/callback', 'http://10.0.0.1/callback', 'javascript:1']) {
    odd.describe({ latchkey: { client_id: 'x', redirect_uri: uri } });
    await fails(run(odd.url, nobody), 'not_a_relay', /redirectUri/);
  }
  odd.describe({ authorization_servers: ['http://idp.example.com'] });
  await fails(run(odd.url, nobody), 'not_a_relay', /no https address/);
});

test('of several issuers the first with a client of its own is used, never a client id of another', async () => {
  const many = await startSmallRelay(idp.issuer);
  opened.push(many);
  const offer = { client_id: 'latchkey-desktop', scopes: ['openid'] };
  const servers = ['http://127.0.0.1:1', idp.issuer];
  many.describe({
    authorization_servers: servers,
    latchkey: { ...offer, issuers: { [idp.issuer]: offer } },
  });
  assert.equal((await run(many.url, alice)).issuer, idp.issuer);
  many.describe({ authorization_servers: servers, latchkey: { ...offer, issuers: {} } });
  await fails(run(many.url, nobody), 'no_desktop_client', /offers no sign-in/);
});

test('a provider that is down, answers HTML, lies about its issuer or its endpoints', async () => {
  const odd = await startSmallRelay(idp.issuer);
  opened.push(odd);
  const to = async (listener: RequestListener): Promise<string> => {
    const url = await serve(listener);
    odd.describe({ authorization_servers: [url] });
    return url;
  };
  const json =
    (make: (self: string) => object): RequestListener =>
    (request, response) => {
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify(make(`http://${request.headers.host}`)));
    };
  odd.describe({ authorization_servers: ['http://127.0.0.1:1'] });
  await fails(run(odd.url, nobody), 'provider_unreachable', /127\.0\.0\.1:1.*Check the network/);
  await to((_request, response) => response.writeHead(503).end('<html>'));
  await fails(run(odd.url, nobody), 'provider_unreachable', /answers 503/);
  await to((_request, response) => response.end('<html>maintenance</html>'));
  await fails(run(odd.url, nobody), 'provider_protocol', /not valid/);
  await to(json(() => ({ issuer: 'https://evil.example' })));
  await fails(run(odd.url, nobody), 'provider_protocol', /issuer/);
  await to(json((self) => ({ issuer: `${self}/` })));
  await fails(run(odd.url, nobody), 'provider_protocol', /issuer/);
  const evil = {
    authorization_endpoint: 'file:///etc/passwd',
    token_endpoint: 'https://x.example',
  };
  await to(json((self) => ({ issuer: self, ...evil })));
  await fails(run(odd.url, nobody), 'provider_protocol', /not an https address/);
});

test('redirectPorts are the only ports tried, in order; none free names them', async () => {
  const busy = createServer().listen(0, '127.0.0.1');
  await once(busy, 'listening');
  const taken = (busy.address() as AddressInfo).port;
  const free = await freePort();
  const fussy = await startSmallRelay(idp.issuer);
  opened.push(fussy);
  const offer = (ports: unknown): void =>
    fussy.describe({
      latchkey: { client_id: 'latchkey-desktop', scopes: ['openid'], redirect_ports: ports },
    });
  offer([taken, free]);
  let used = '';
  await run(fussy.url, (page) => {
    used = new URL(new URL(page).searchParams.get('redirect_uri') ?? '').port;
    return alice(page);
  });
  assert.equal(used, String(free));
  offer([taken]);
  await fails(run(fussy.url, nobody), 'callback_port', new RegExp(`Port ${taken} .*taken`));
  busy.close();
  await once(busy, 'close');
});
