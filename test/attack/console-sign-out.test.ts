import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createJar, walkToCallback, type Jar } from '../support/console-provider.ts';
import { SIGN_OUT, signIn, withSignIn } from '../support/console-sign-in.ts';
import { sendRaw, statusOf } from '../support/raw.ts';
import { allRecords } from '../audit/ledger-dir.ts';

const SIGN_OUT_COOKIE = '__Host-latchkey-sign-out';

/** Where the browser is led on to once the page has signed out; undefined: nowhere. */
async function onwardFrom(jar: Jar, url: string, query = ''): Promise<URL | undefined> {
  const answer = await jar.visit(`${url}/console/signed-out${query}`);
  const location = answer.headers.get('location');
  assert.equal(answer.status, location === null ? 200 : 302);
  return location === null ? undefined : new URL(location);
}

/** Follows the provider's redirects, up to its first page or the way back. */
async function follow(jar: Jar, from: string): Promise<string> {
  for (let url = from; ;) {
    if (new URL(url).pathname === '/console/callback') return url;
    const location = (await jar.visit(url)).headers.get('location');
    if (location === null) return url;
    url = new URL(location, url).href;
  }
}

const textAt = async (jar: Jar, address: string): Promise<string> =>
  await (await jar.visit(address)).text();

test('signing out ends the provider’s session, too', async (t) => {
  const signIns = await withSignIn(t);
  const { bench, provider } = signIns;
  const { jar } = await signIn(signIns, 'auditor-ann');
  const begin = `${bench.url}/console/sign-in`;
  assert.equal(new URL(await follow(jar, begin)).pathname, '/console/callback', 'it knows her');

  assert.equal((await jar.visit(`${bench.url}/console/sign-out`, SIGN_OUT)).status, 200);
  const onward = await onwardFrom(jar, bench.url);
  assert.equal(onward?.origin, provider.issuer);
  const asked = onward.searchParams;
  assert.equal(asked.get('client_id'), 'latchkey-console');
  assert.equal(asked.get('post_logout_redirect_uri'), `${bench.url}/console/signed-out`);
  const [, claims = ''] = String(asked.get('id_token_hint')).split('.');
  const { sub } = JSON.parse(Buffer.from(claims, 'base64url').toString()) as { sub: string };
  assert.equal(sub, 'auditor-ann');

  const back = await walkToCallback(jar, onward.href, 'auditor-ann', '/console/signed-out');
  assert.equal(new URL(back).searchParams.get('state'), asked.get('state'));
  assert.match(await textAt(jar, back), /the identity provider was asked to end its own/);
  assert.match(await follow(jar, begin), /\/interaction\//, 'it asks who she is');

  // The ID token went to its own issuer, and stands nowhere else.
  const hint = String(asked.get('id_token_hint'));
  assert.ok(!bench.log.join('\n').includes(hint));
  assert.ok(!JSON.stringify(await allRecords(bench.auditDir)).includes(hint));
});

test('where the provider ends no sessions, or not safely, the sign-out stays here', async (t) => {
  const endings = ['', 'javascript:alert(1)', 'https://evil.example/end', 'not an address'];
  for (const ending of endings) {
    const signIns = await withSignIn(t, {
      withoutLogout: true,
      metadata: ending === '' ? {} : { end_session_endpoint: ending },
    });
    const { jar } = await signIn(signIns, 'auditor-ann');
    const { url } = signIns.bench;
    assert.equal((await jar.visit(`${url}/audit`)).status, 200);
    assert.equal((await jar.visit(`${url}/console/sign-out`, SIGN_OUT)).status, 200);
    assert.equal(jar.cookies(url).get(SIGN_OUT_COOKIE), undefined);
    assert.equal(await onwardFrom(jar, url), undefined, ending);
    assert.match(await textAt(jar, `${url}/console/signed-out`), /may still know you/);
    assert.equal((await jar.visit(`${url}/audit`)).status, 401);
  }
});

test('no page of others signs an operator out', async (t) => {
  const signIns = await withSignIn(t);
  const { bench } = signIns;
  const { jar } = await signIn(signIns, 'auditor-ann');
  // The browser is made to send the cookie each time, though a strict one stays behind.
  const cookie = `Cookie: __Host-latchkey-console=${jar.cookies(bench.url).get('__Host-latchkey-console')}`;
  const { host } = new URL(bench.url);
  const json = 'Content-Type: application/json';
  const attempts: readonly (readonly [string, readonly string[], number])[] = [
    ['POST', [json, 'Origin: https://evil.example'], 403],
    ['POST', [json, 'Origin: null'], 403],
    ['POST', [json, `Origin: http://${host.replace(/[0-9]+$/, '1')}`], 403],
    ['POST', [json, 'Sec-Fetch-Site: cross-site', 'Sec-Fetch-Mode: no-cors'], 403],
    ['POST', [json, 'Sec-Fetch-Site: same-site', 'Sec-Fetch-Mode: no-cors'], 403],
    ['POST', ['Sec-Fetch-Site: cross-site', 'Sec-Fetch-Mode: navigate'], 415],
    ['POST', ['Content-Type: application/x-www-form-urlencoded'], 415],
    ['POST', ['Content-Type: text/plain'], 415],
    ['GET', ['Sec-Fetch-Site: cross-site', 'Sec-Fetch-Mode: no-cors'], 403],
  ];
  for (const [method, fields, status] of attempts) {
    const lines = [`${method} /console/sign-out HTTP/1.1`, `Host: ${host}`, cookie, ...fields];
    const answer = await sendRaw(
      bench.url,
      `${lines.join('\r\n')}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`,
    );
    assert.equal(statusOf(answer), status, fields.join());
    assert.doesNotMatch(answer, /Set-Cookie/i);
  }
  // A link, an image, a prefetch: none of them is a sign-out, nor is what comes after one.
  for (const path of ['/console/sign-out', '/console/signed-out', '/console/signed-out?state=x']) {
    const answer = await jar.visit(`${bench.url}${path}`);
    assert.deepEqual(answer.headers.getSetCookie(), [], path);
    assert.equal(answer.headers.get('location'), null);
  }
  assert.equal((await jar.visit(`${bench.url}/audit`)).status, 200, 'she is signed in');
  const kinds = (await allRecords(bench.auditDir)).map(({ kind }) => kind);
  assert.ok(!kinds.includes('sign-out'));
});

test('nothing that is asked for says where a sign-out leads', async (t) => {
  const signIns = await withSignIn(t);
  const { bench, provider } = signIns;
  const evil = encodeURIComponent('https://evil.example/');
  const query = ['post_logout_redirect_uri', 'to', 'returnTo', 'end_session_endpoint', 'client_id']
    .map((name) => `${name}=${evil}`)
    .join('&');
  const { jar } = await signIn(signIns, 'auditor-ann');
  const left = await jar.visit(`${bench.url}/console/sign-out?${query}`, SIGN_OUT);
  assert.deepEqual(await left.json(), { signedOut: true });
  const onward = await onwardFrom(jar, bench.url, `?${query}`);
  assert.equal(onward?.origin, provider.issuer);
  assert.doesNotMatch(onward.href, /evil/);
  const after = await jar.visit(`${bench.url}/console/signed-out?${query}`);
  assert.equal(after.status, 200);
  assert.doesNotMatch(await after.text(), /evil/);
});

test('the way to the provider serves once, its own browser only, and a stale state proves nothing', async (t) => {
  const signIns = await withSignIn(t);
  const { url } = signIns.bench;
  const { jar } = await signIn(signIns, 'auditor-ann');
  await jar.visit(`${url}/console/sign-out`, SIGN_OUT);
  const other = createJar();
  assert.equal(await onwardFrom(other, url), undefined, 'of another browser');
  const onward = await onwardFrom(jar, url);
  assert.ok(onward);
  assert.equal(await onwardFrom(jar, url), undefined, 'the ID token is no longer there');

  const state = String(onward.searchParams.get('state'));
  const back = `${url}/console/signed-out?state=${state}`;
  assert.match(await textAt(other, back), /may still know you/, 'of another browser');
  assert.match(await textAt(jar, `${url}/console/signed-out?state=other`), /may still know you/);
  assert.match(await textAt(jar, back), /was asked to end its own/);
  assert.match(await textAt(jar, back), /may still know you/, 'used');

  // She signs in again; who kept the address of the first sign-out does nothing to her session with it.
  const { jar: fresh } = await signIn(signIns, 'auditor-ann');
  assert.match(await textAt(fresh, back), /may still know you/);
  assert.equal((await fresh.visit(`${url}/audit`)).status, 200);
});
