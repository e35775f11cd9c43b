import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createTestIssuer, makeSigningKey, signRaw } from '../support/issuer.ts';
import { assertRefused, bearer, createBench } from '../support/verifier.ts';

void test('a token naming one trusted issuer and signed by the other is refused', async (t) => {
  const second = await createTestIssuer();
  t.after(second.close);
  const { issuer, verifier } = await createBench(t, { others: [second.config()] });
  await verifier.verify(bearer(await issuer.mint()));
  await verifier.verify(bearer(await second.mint()));
  const forged = await second.mint({ iss: issuer.issuer });
  await assertRefused(verifier, forged, 'token_signature');
  const sameKid = await second.mint({ iss: issuer.issuer }, { kid: issuer.key().kid });
  await assertRefused(verifier, sameKid, 'token_signature');
});

void test('an issuer that almost has the right name is another issuer', async (t) => {
  const { issuer, verifier, fetched } = await createBench(t, { issuer: { path: '/tenant' } });
  const { issuer: name } = issuer;
  for (const iss of [
    `${name}/`,
    name.replace('/tenant', '/Tenant'),
    name.replace('http', 'HTTP'),
    `${name}?`,
    `${name}#`,
    ` ${name}`,
    name.replace('127.0.0.1', 'localhost'),
    'https://evil.example',
    '__proto__',
    'constructor',
  ])
    await assertRefused(verifier, await issuer.mint({ iss }), 'token_issuer', iss);
  for (const iss of [undefined, null, [name], { name }, 1])
    await assertRefused(verifier, await issuer.mint({ iss }), 'token_claims', JSON.stringify(iss));
  assert.deepEqual(fetched, [], 'an unknown issuer is never asked for anything');
});

void test('a token for another API, or for nobody, is refused', async (t) => {
  const { issuer, verifier } = await createBench(t);
  for (const aud of [
    undefined,
    null,
    '',
    [],
    {},
    5,
    'https://other.example.com',
    'https://relay.example.com/',
    'https://relay.example.com.evil.example',
    'https://Relay.example.com',
    'latchkey-desktop',
    ['https://a.example', 'https://b.example'],
    ['https://relay.example.com', 5],
    [['https://relay.example.com']],
    'https://a.example https://relay.example.com',
  ])
    await assertRefused(
      verifier,
      await issuer.mint({ aud }),
      'token_audience',
      JSON.stringify(aud),
    );
});

void test('an ID token is no access token, under either profile', async (t) => {
  for (const profile of ['strict', 'compat'] as const) {
    const { issuer, verifier } = await createBench(t, { config: { profile } });
    for (const claim of ['nonce', 'at_hash', 'c_hash', 's_hash'])
      await assertRefused(
        verifier,
        await issuer.mint({ [claim]: 'x' }, { typ: 'JWT' }),
        'token_type',
        `${profile} ${claim}`,
      );
    for (const typ of ['ID', 'Refresh', 'Offline', 'Logout'])
      await assertRefused(verifier, await issuer.mint({ typ }, { typ: 'JWT' }), 'token_type', typ);
    const plain = await issuer.mint({ aud: 'latchkey-desktop' }, { typ: 'JWT' });
    await assertRefused(
      verifier,
      plain,
      profile === 'strict' ? 'token_type' : 'token_audience',
      profile,
    );
  }
});

void test('compat: an older Keycloak access token with a nonce is still taken', async (t) => {
  const { issuer, verifier } = await createBench(t, { config: { profile: 'compat' } });
  const token = await issuer.mint({ nonce: 'x', typ: 'Bearer' }, { typ: 'JWT' });
  await verifier.verify(bearer(token));
});

void test('a logout token and a DPoP proof are no access tokens, under either profile', async (t) => {
  const event = 'http://schemas.openid.net/event/backchannel-logout';
  for (const profile of ['strict', 'compat'] as const) {
    const { issuer, verifier } = await createBench(t, { config: { profile } });
    for (const typ of ['logout+jwt', 'JWT', null])
      await assertRefused(
        verifier,
        await issuer.mint({ events: { [event]: {} }, typ: 'Bearer' }, { typ }),
        'token_type',
        `${profile} ${typ}`,
      );
    const key = await makeSigningKey('ES256');
    const proof = await signRaw(
      key,
      JSON.stringify({ typ: 'dpop+jwt', alg: 'ES256', jwk: key.publicJwk }),
      JSON.stringify({ jti: 'x', htm: 'GET', htu: 'https://relay.example.com/', iat: 1 }),
    );
    await assertRefused(verifier, proof, 'token_type', profile);
  }
});

void test('absurd dates are refused, never taken for forever', async (t) => {
  const { issuer, verifier } = await createBench(t);
  const soon = Math.floor(Date.now() / 1000) + 300;
  const { kid } = issuer.key();
  const header = JSON.stringify({ alg: 'ES256', typ: 'at+jwt', kid });
  const body = Buffer.from((await issuer.mint()).split('.')[1] ?? '', 'base64url').toString();
  for (const name of ['exp', 'iat', 'nbf'])
    for (const value of [
      '1e300',
      '1e999',
      '-1',
      '-1e300',
      `"${soon}"`,
      'true',
      '[1]',
      '{}',
      '1e15',
      'null',
    ]) {
      const members = body.replace(new RegExp(`"${name}":[0-9]+,?`), '').slice(1);
      const token = await signRaw(issuer.key(), header, `{"${name}":${value},${members}`);
      await assertRefused(verifier, token, 'token_claims', `${name}: ${value}`);
    }
  await verifier.verify(bearer(await issuer.mint({ exp: soon + 0.5 })));
});

void test('a token in the cache lends nothing to another', async (t) => {
  const { issuer, verifier } = await createBench(t);
  const tokens = await Promise.all(
    Array.from({ length: 200 }, (_, index) =>
      issuer.mint({ sub: `user-${index}`, scope: `s${index}`, jti: 'same' }),
    ),
  );
  for (const round of ['first', 'from the cache'])
    for (const [index, token] of tokens.entries()) {
      const principal = await verifier.verify(bearer(token));
      assert.equal(principal.subject, `user-${index}`, round);
      assert.deepEqual(principal.scopes, [`s${index}`], round);
    }
});
