import assert from 'node:assert/strict';
import { get, request as httpRequest } from 'node:http';
import type { RequestOptions } from 'node:http';
import { after, before, test } from 'node:test';
import { AgentError } from '../../app/main/agent/errors.ts';
import { login } from '../../app/main/agent/login/login.ts';
import { openLoopback } from '../../app/main/agent/login/loopback.ts';
import type { Loopback } from '../../app/main/agent/login/loopback.ts';
import { createProvider } from '../../app/main/agent/login/provider.ts';
import type { TokenSet } from '../../app/main/agent/session/token-set.ts';
import { createIdentityProvider } from '../../demo/idp.ts';
import type { IdentityProvider } from '../../demo/idp.ts';
import { signInWithFetch } from '../support/sign-in.ts';
import { startSmallRelay } from '../support/small-relay.ts';
import type { SmallRelay } from '../support/small-relay.ts';

let idp: IdentityProvider;
let relay: SmallRelay;
before(async () => {
  idp = await createIdentityProvider();
  relay = await startSmallRelay(idp.issuer);
});
after(async () => {
  await relay.close();
  await idp.close();
});

const open = (redirectUri = 'http://127.0.0.1/callback'): Promise<Loopback> =>
  openLoopback({
    redirectUri,
    redirectPorts: [],
    state: 'right-state',
    timeoutMs: 60_000,
    signal: new AbortController().signal,
  });

function status(url: string, options: RequestOptions = {}): Promise<number> {
  return new Promise((resolve, reject) => {
    const request = httpRequest(url, { agent: false, ...options }, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    });
    request.on('error', reject);
    request.end();
  });
}

test('strangers’ requests change nothing; the right callback still works, once', async () => {
  const loopback = await open();
  const base = loopback.redirectUri;
  const right = `${base}?code=c&state=right-state`;
  const root = new URL('/', base).href;
  assert.equal(await status(`${base}?code=c&state=wrong-state`), 404);
  assert.equal(await status(`${base}?code=c`), 404);
  assert.equal(await status(`${base}?code=c&state=right-state&state=right-state`), 404);
  assert.equal(await status(`${base}?code=c&code=d&state=right-state`), 404);
  assert.equal(await status(`${base}?state=right-state`), 404);
  assert.equal(await status(`${base}/x?code=c&state=right-state`), 404);
  assert.equal(await status(root), 404);
  assert.equal(await status(right, { headers: { host: 'evil.example' } }), 404);
  assert.equal(
    await status(right, {
      headers: { host: new URL(base).host.replace('127.0.0.1', 'localhost') },
    }),
    404,
  );
  assert.equal(await status(right, { method: 'HEAD' }), 405);
  assert.equal(await status(right, { method: 'POST' }), 405);
  assert.equal(await status(right, { headers: { 'sec-purpose': 'prefetch' } }), 404);
  const first = status(right);
  const callback = await loopback.callback();
  assert.equal(callback.url.searchParams.get('code'), 'c');
  assert.equal(await status(right), 409, 'a repeated callback');
  callback.answer({ kind: 'signed-in' });
  assert.equal(await first, 200);
  assert.equal(await status(`${base}?code=other&state=right-state`), 409);
  await loopback.close();
  await assert.rejects(status(right), 'late: nobody listens any more');
});

test('the page holds no secret, runs nothing, and what a provider says is not markup', async () => {
  const loopback = await open();
  const answer = new Promise<{ headers: Record<string, unknown>; body: string }>(
    (resolve, reject) => {
      get(`${loopback.redirectUri}?code=SECRETCODE&state=right-state`, (response) => {
        let body = '';
        response.setEncoding('utf8').on('data', (chunk: string) => {
          body += chunk;
        });
        response.on('end', () => resolve({ headers: response.headers, body }));
      }).on('error', reject);
    },
  );
  const callback = await loopback.callback();
  callback.answer({ kind: 'failed', message: '<script>alert(1)</script>' });
  const { headers, body } = await answer;
  assert.match(String(headers['content-security-policy']), /^default-src 'none'/);
  assert.equal(headers['cache-control'], 'no-store');
  assert.equal(headers['referrer-policy'], 'no-referrer');
  assert.ok(!body.includes('SECRETCODE') && !body.includes('right-state'));
  assert.ok(!body.includes('<script'));
  await loopback.close();
});

test('localhost as redirect host is served on both families, on one port', async (t) => {
  const loopback = await open('http://localhost/cb');
  const { host, port } = new URL(loopback.redirectUri);
  assert.equal(new URL(loopback.redirectUri).pathname, '/cb');
  assert.equal(await status(`http://127.0.0.1:${port}/cb?state=x`, { headers: { host } }), 404);
  await status(`http://[::1]:${port}/cb?state=x`, { headers: { host } }).then(
    (code) => assert.equal(code, 404),
    () => t.diagnostic('no IPv6 on this machine'),
  );
  await loopback.close();
});

function run(browser: (page: string) => Promise<unknown>): Promise<TokenSet> {
  return login({
    relay: new URL(relay.url),
    provider: createProvider({ fetch, now: Date.now }),
    fetch,
    openBrowser: (page) => {
      browser(page).catch(() => undefined);
      return Promise.resolve();
    },
    onUrl: () => undefined,
    signal: new AbortController().signal,
    timeoutMs: 60_000,
  });
}

test('an answer with a foreign `iss` (mix-up) is not exchanged', async () => {
  const attempt = run(async (page) => {
    const { callbackUrl } = await signInWithFetch(page, 'alice', 'alice-demo', {
      stopAtCallback: true,
    });
    const forged = new URL(callbackUrl);
    forged.searchParams.set('iss', 'https://evil.example');
    await fetch(forged);
  });
  await assert.rejects(attempt, (error) => {
    assert.ok(error instanceof AgentError);
    assert.equal(error.code, 'provider_protocol');
    return true;
  });
});

test('a code from another attempt signs nobody in: login CSRF and code injection', async () => {
  const stolen: string[] = [];
  const victim = run(async (page) => {
    const mallory = run(async (other) => {
      const ended = await signInWithFetch(other, 'bob', 'bob-demo', { stopAtCallback: true });
      stolen.push(ended.callbackUrl);
      const [theirs, ours] = [new URL(ended.callbackUrl), new URL(page)];
      const base = ours.searchParams.get('redirect_uri') ?? '';
      // First with the other attempt's state: a stranger. Then with ours: PKCE and nonce must catch it.
      assert.equal((await fetch(`${base}${theirs.search}`)).status, 404);
      theirs.searchParams.set('state', ours.searchParams.get('state') ?? '');
      assert.equal((await fetch(`${base}${theirs.search}`)).status, 400);
      await fetch(`${ended.callbackUrl}&error=stop`);
      await fetch(ended.callbackUrl);
    });
    await mallory.catch(() => undefined);
  });
  await assert.rejects(victim, (error) => {
    assert.ok(error instanceof AgentError);
    assert.equal(error.code, 'provider_refused', error.message);
    return true;
  });
  assert.equal(stolen.length, 1);
});
