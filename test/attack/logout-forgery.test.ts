import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import type { RunningRelay } from '../../relay/serve.ts';
import { createTestIssuer, makeSigningKey, signRaw, type TestIssuer } from '../support/issuer.ts';
import { logoutEvent, logoutToken, postLogout, prepareRelays, use } from '../support/logout.ts';
import { createRawUpstream, sendRaw, statusOf } from '../support/raw.ts';

interface Bench {
  readonly issuer: TestIssuer;
  readonly other: TestIssuer;
  readonly relay: RunningRelay;
  /** A token that a logout of `ann` would revoke. */
  readonly token: string;
}

async function bench(t: TestContext): Promise<Bench> {
  const [issuer, other] = [await createTestIssuer(), await createTestIssuer()];
  const upstream = await createRawUpstream();
  const relays = await prepareRelays(t, { issuers: [issuer, other], upstream: upstream.url });
  t.after(() => Promise.all([issuer.close(), other.close(), upstream.close()]));
  const iat = Math.floor(Date.now() / 1000) - 60;
  const token = await issuer.mint({ aud: 'https://relay.test', scope: 'read', sub: 'ann', iat });
  return { issuer, other, relay: await relays.start(), token };
}

/** Sends what must be refused, with a text that says why, and must end no session. */
async function assertRefused(at: Bench, logout: string, why: RegExp): Promise<void> {
  const answer = await postLogout(at.relay.url, logout);
  const text = await answer.text();
  assert.equal(answer.status, 400, text);
  assert.equal(answer.headers.get('cache-control'), 'no-store');
  assert.equal(answer.headers.get('content-type'), 'application/json');
  assert.ok(answer.headers.get('x-request-id'));
  const body = JSON.parse(text) as { error: string; error_description: string };
  assert.deepEqual(Object.keys(body).sort(), ['error', 'error_description']);
  assert.equal(body.error, 'invalid_request');
  assert.match(body.error_description, why);
  // RFC 6749 §5.2: these characters only.
  assert.match(body.error_description, /^[\x20-\x21\x23-\x5b\x5d-\x7e]+$/);
  assert.equal((await use(at.relay.url, at.token)).status, 200, 'no session may end');
}

const seconds = (): number => Math.floor(Date.now() / 1000);

const FAULTS: readonly [string, Readonly<Record<string, unknown>>, RegExp][] = [
  ['no jti', { jti: undefined }, /no `jti`/],
  ['an empty jti', { jti: '' }, /`jti`/],
  ['no iat', { iat: undefined }, /no `iat`/],
  ['an iat that is no number', { iat: '1' }, /`iat`/],
  ['an iat far in the future', { iat: seconds() + 3_600, exp: seconds() + 7_200 }, /future/],
  ['an exp that has passed', { iat: seconds() - 600, exp: seconds() - 300 }, /expired/],
  ['an absurd exp', { exp: 1e300 }, /`exp`/],
  ['no exp and an old iat', { exp: undefined, iat: seconds() - 3_600 }, /expired/],
  ['an iat of last week', { iat: seconds() - 604_800, exp: seconds() + 60 }, /expired/],
  ['a nonce', { nonce: 'n-0S6_WzA2Mj' }, /`nonce`/],
  ['a nonce of null', { nonce: null }, /`nonce`/],
  ['another audience', { aud: 'somebody-else' }, /`aud`/],
  ['no audience', { aud: undefined }, /`aud`/],
  ['an audience that is no text', { aud: ['latchkey-desktop', 7] }, /`aud`/],
  ['no events', { events: undefined }, /`events`/],
  ['a list of events', { events: Object.keys(logoutEvent) }, /`events`/],
  ['another event', { events: { 'http://schemas.openid.net/event/other': {} } }, /`events`/],
  [
    'an event that is no object',
    { events: { 'http://schemas.openid.net/event/backchannel-logout': true } },
    /`events`/,
  ],
  ['neither sub nor sid', { sub: undefined }, /neither `sub` nor `sid`/],
  ['a sub that is no text', { sub: ['ann'] }, /`sub`/],
  ['an empty sid', { sid: '' }, /`sid`/],
];

test('a logout token with a fault in its claims ends no session', async (t) => {
  const at = await bench(t);
  for (const [name, claims, why] of FAULTS) {
    await t.test(name, async () => {
      await assertRefused(at, await logoutToken(at.issuer, { sub: 'ann', ...claims }), why);
    });
  }
});

test('a logout token that is used again is refused', async (t) => {
  const at = await bench(t);
  const logout = await logoutToken(at.issuer, { sub: 'bob', jti: 'once' });
  assert.equal((await postLogout(at.relay.url, logout)).status, 200);
  await assertRefused(at, logout, /used before/);
  const sameId = await logoutToken(at.issuer, { sub: 'carol', jti: 'once' });
  await assertRefused(at, sameId, /used before/);
  const ofOther = await logoutToken(at.other, { sub: 'bob', jti: 'once' });
  assert.equal((await postLogout(at.relay.url, ofOther)).status, 200, 'ids are their issuer’s own');
});

test('twenty copies of a logout token at once: one is taken', async (t) => {
  const { relay, issuer } = await bench(t);
  const logout = await logoutToken(issuer, { sub: 'bob' });
  const answers = await Promise.all(
    Array.from({ length: 20 }, () => postLogout(relay.url, logout)),
  );
  assert.equal(answers.filter(({ status }) => status === 200).length, 1);
});

test('a logout token of nobody trusted, or by another issuer’s key, ends no session', async (t) => {
  const at = await bench(t);
  const { issuer, other } = at;
  const claims = { sub: 'ann' };
  const stranger = await makeSigningKey('ES256', issuer.key().kid);
  const unknown = await createTestIssuer();
  t.after(() => unknown.close());
  const signature = /not signed by a key/;
  await assertRefused(at, await logoutToken(unknown, claims), /`iss`/);
  await assertRefused(at, await logoutToken(issuer, { ...claims, iss: undefined }), /`iss`/);
  await assertRefused(at, await logoutToken(issuer, { ...claims, iss: [issuer.issuer] }), /`iss`/);
  await assertRefused(at, await logoutToken(issuer, claims, { key: stranger }), signature);
  await assertRefused(at, await logoutToken(issuer, claims, { key: other.key() }), signature);
  await assertRefused(
    at,
    await logoutToken(other, { ...claims, iss: issuer.issuer }, { kid: issuer.key().kid }),
    signature,
  );
});

test('an access token, an ID token or a tampered token is no logout token', async (t) => {
  const at = await bench(t);
  const { issuer } = at;
  const good = await logoutToken(issuer, { sub: 'ann' });
  const [header, , signature] = good.split('.') as [string, string, string];
  const otherClaims = Buffer.from(JSON.stringify({ sub: 'ann' })).toString('base64url');
  await assertRefused(at, at.token, /`typ`/);
  await assertRefused(at, await logoutToken(issuer, {}, { typ: 'at+jwt' }), /`typ`/);
  await assertRefused(at, await logoutToken(issuer, {}, { typ: null }), /`typ`/);
  const idToken = { sub: 'ann', events: undefined, nonce: 'n' };
  await assertRefused(at, await logoutToken(issuer, idToken, { typ: 'JWT' }), /`events`/);
  await assertRefused(at, `${header}.${otherClaims}.${signature}`, /`iss`/);
  await assertRefused(at, `${good}=`, /canonical/);
  await assertRefused(at, `${good}.${good}`, /signed JWT/);
  await assertRefused(at, 'opaque', /signed JWT/);
  const none = Buffer.from('{"alg":"none","typ":"logout+jwt"}').toString('base64url');
  await assertRefused(at, `${none}.${good.split('.')[1]}.`, /`alg`/);
  const key = issuer.key();
  const claims = Buffer.from(good.split('.')[1] as string, 'base64url');
  const crit = `{"alg":"ES256","typ":"logout+jwt","kid":"${key.kid}","crit":["x"],"x":1}`;
  await assertRefused(at, await signRaw(key, crit, claims), /`crit`/);
  const now = seconds();
  const twice = `{"iss":"${issuer.issuer}","aud":"latchkey-desktop","iat":${now},"exp":${now + 60},"jti":"j","sub":"bob","sub":"ann","events":${JSON.stringify(logoutEvent)}}`;
  const forged = await signRaw(key, `{"alg":"ES256","typ":"logout+jwt","kid":"${key.kid}"}`, twice);
  await assertRefused(at, forged, /signed JWT/);
});

test('a logout token is no access token', async (t) => {
  const { relay, issuer } = await bench(t);
  const logout = await logoutToken(issuer, { aud: 'https://relay.test', scope: 'read' });
  const refused = await use(relay.url, logout);
  assert.deepEqual([refused.status, refused.code], [401, 'token_type']);
});

test('only a form with exactly one token is read', async (t) => {
  const at = await bench(t);
  const logout = await logoutToken(at.issuer, { sub: 'ann' });
  const { host } = new URL(at.relay.url);
  const post = (body: string, fields: string, path = ''): Promise<string> =>
    sendRaw(
      at.relay.url,
      `POST /.latchkey/backchannel-logout${path} HTTP/1.1\r\nHost: ${host}\r\n` +
        `Content-Length: ${body.length}\r\n${fields}\r\n${body}`,
    );
  const form = 'Content-Type: application/x-www-form-urlencoded\r\n';
  for (const [body, fields, path] of [
    ['', form, ''],
    ['', form, `?logout_token=${logout}`],
    [`token=${logout}`, form, ''],
    [`logout_token=${logout}&logout_token=${logout}`, form, ''],
    [`logout_token=${logout}`, '', ''],
    [`logout_token=${logout}`, 'Content-Type: text/plain\r\n', ''],
    [`logout_token=${logout}`, `${form}Content-Encoding: gzip\r\n`, ''],
    [JSON.stringify({ logout_token: logout }), 'Content-Type: application/json\r\n', ''],
  ] as const) {
    const answer = await post(body, fields, path);
    assert.equal(statusOf(answer), 400, answer);
    assert.match(answer, /"error":"invalid_request"/);
  }
  assert.equal((await use(at.relay.url, at.token)).status, 200);
  assert.equal(statusOf(await post(`logout_token=${logout}`, form)), 200);
});
