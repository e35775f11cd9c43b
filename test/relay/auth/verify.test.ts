import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { RelayError } from '../../../relay/errors.ts';
import { createTestIssuer, testAudience } from '../../support/issuer.ts';
import type { TestAlgorithm } from '../../support/issuer.ts';
import { assertRefused, bearer, createBench } from '../../support/verifier.ts';

const everyAlgorithm: readonly TestAlgorithm[] = ['RS256', 'PS256', 'ES256', 'EdDSA'];

void test('a strict token of every algorithm becomes a principal', async (t) => {
  const { issuer, verifier } = await createBench(t, { issuer: { algorithms: everyAlgorithm } });
  verifier.start();
  for (const alg of everyAlgorithm) {
    const token = await issuer.mint({ jti: 'j', roles: ['accountant'] }, { alg });
    const principal = await verifier.verify(bearer(token));
    assert.equal(principal.issuer, issuer.issuer);
    assert.equal(principal.subject, 'user-1');
    assert.deepEqual(principal.scopes, ['openid', 'billing.read']);
    assert.deepEqual(principal.roles, ['accountant']);
    assert.equal(principal.tokenId, createHash('sha256').update('j').digest('hex'));
    assert.equal(principal.binding, 'none');
  }
});

void test('strict: typ must be at+jwt in any case, with or without application/', async (t) => {
  const { issuer, verifier } = await createBench(t);
  for (const typ of ['at+jwt', 'AT+JWT', 'application/at+jwt', 'Application/At+Jwt'])
    await verifier.verify(bearer(await issuer.mint({}, { typ })));
  for (const typ of ['JWT', 'jwt', null, '', 'at+jwt ', 'logout+jwt', 'dpop+jwt', 'at'])
    await assertRefused(verifier, await issuer.mint({}, { typ }), 'token_type', String(typ));
  const token = await issuer.mint({}, { header: { typ: ['at+jwt'] } });
  await assertRefused(verifier, token, 'token_type');
});

void test('compat: typ JWT or absent, azp or cid, scp as a list, iat and jti not needed', async (t) => {
  const { issuer, verifier } = await createBench(t, { config: { profile: 'compat' } });
  const claims = {
    client_id: undefined,
    iat: undefined,
    jti: undefined,
    scope: undefined,
    azp: 'desk',
    scp: ['billing.read'],
  };
  for (const typ of ['JWT', 'jwt', null, 'at+jwt', 'application/jwt']) {
    const token = await issuer.mint(claims, { typ });
    const principal = await verifier.verify(bearer(token));
    assert.equal(principal.clientId, 'desk');
    assert.deepEqual(principal.scopes, ['billing.read']);
    assert.equal(principal.tokenId, createHash('sha256').update(token).digest('hex'));
  }
  await assertRefused(verifier, await issuer.mint(claims, { typ: 'secevent+jwt' }), 'token_type');
});

void test('strict: every claim that RFC 9068 requires is required, with its type', async (t) => {
  const { issuer, verifier } = await createBench(t);
  for (const name of ['exp', 'sub', 'client_id', 'iat', 'jti', 'iss'])
    for (const value of [undefined, null, true, [], {}, ''])
      await assertRefused(
        verifier,
        await issuer.mint({ [name]: value }),
        name === 'iss' && value === '' ? 'token_issuer' : 'token_claims',
        `${name}: ${JSON.stringify(value)}`,
      );
});

void test('dates: exp, nbf and iat with the tolerance of 30 s', async (t) => {
  const { issuer, verifier, clock } = await createBench(t);
  const now = Math.floor(clock.now() / 1000);
  for (const claims of [
    { exp: now - 25 },
    { exp: now + 100.5, iat: now - 0.5 },
    { nbf: now + 25 },
    { iat: now + 25 },
    { nbf: 0, iat: 0 },
  ])
    await verifier.verify(bearer(await issuer.mint(claims)));
  await assertRefused(verifier, await issuer.mint({ exp: now - 35 }), 'token_expired');
  await assertRefused(verifier, await issuer.mint({ exp: 0 }), 'token_expired');
  await assertRefused(verifier, await issuer.mint({ nbf: now + 35 }), 'token_not_yet_valid');
  await assertRefused(verifier, await issuer.mint({ iat: now + 35 }), 'token_claims');
});

void test('a verified token is refused once it expires, from the cache as well', async (t) => {
  const { issuer, verifier, clock } = await createBench(t);
  const token = await issuer.mint();
  await verifier.verify(bearer(token));
  const again = await verifier.verify(bearer(token));
  assert.equal(await verifier.verify(bearer(token)), again, 'the cache gives the same principal');
  clock.advance(329_000);
  await verifier.verify(bearer(token));
  clock.advance(2_000);
  await assertRefused(verifier, token, 'token_expired');
});

void test('a cached token is refused when its key leaves the key set', async (t) => {
  const { issuer, verifier } = await createBench(t);
  const old = await issuer.mint();
  await verifier.verify(bearer(old));
  await issuer.rotate();
  await verifier.verify(bearer(await issuer.mint()));
  await assertRefused(verifier, old, 'token_signature');
});

void test('a cached token is refused past max-stale and serves again after recovery', async (t) => {
  const { issuer, verifier, clock } = await createBench(t, { config: { maxStaleMs: 60_000 } });
  const token = await issuer.mint();
  await verifier.verify(bearer(token));
  issuer.down();
  clock.advance(61_000);
  await assertRefused(verifier, token, 'issuer_unavailable');
  issuer.up();
  clock.advance(31_000);
  await verifier.verify(bearer(token));
});

void test('bound tokens and the DPoP scheme are refused, cached or not', async (t) => {
  const { issuer, verifier } = await createBench(t);
  for (const cnf of [{ jkt: 'x' }, { 'x5t#S256': 'x' }, { jwk: {} }, {}])
    await assertRefused(verifier, await issuer.mint({ cnf }), 'token_binding');
  await assertRefused(verifier, await issuer.mint({ cnf: 'x' }), 'token_claims');
  const unbound = await issuer.mint();
  const dpop = verifier.verify({ scheme: 'dpop', token: unbound });
  await assert.rejects(dpop, { code: 'token_binding' });
  await verifier.verify(bearer(unbound));
  await assert.rejects(verifier.verify({ scheme: 'dpop', token: unbound }), {
    code: 'token_binding',
  });
});

void test('an issuer whose tokens must be bound accepts no unbound one', async (t) => {
  const { issuer, verifier } = await createBench(t, { config: { dpop: 'required' } });
  await assertRefused(verifier, await issuer.mint(), 'token_binding');
});

void test('two issuers verify side by side, each with its own keys', async (t) => {
  const second = await createTestIssuer({ path: '/tenant' });
  t.after(second.close);
  const { issuer, verifier } = await createBench(t, { others: [second.config()] });
  assert.equal((await verifier.verify(bearer(await issuer.mint()))).issuer, issuer.issuer);
  assert.equal((await verifier.verify(bearer(await second.mint()))).issuer, second.issuer);
  assert.deepEqual(
    verifier.states().map((state) => [state.issuer, state.ready, state.keys]),
    [
      [issuer.issuer, true, 1],
      [second.issuer, true, 1],
    ],
  );
});

void test('tokens verify in parallel while keys rotate', async (t) => {
  const { issuer, verifier } = await createBench(t);
  verifier.start();
  const before = await Promise.all(Array.from({ length: 50 }, () => issuer.mint()));
  await Promise.all(before.map((token) => verifier.verify(bearer(token))));
  await issuer.rotate();
  const after = await Promise.all(Array.from({ length: 100 }, () => issuer.mint()));
  await Promise.all(after.map((token) => verifier.verify(bearer(token))));
  assert.equal(issuer.counts.jwks, 2, 'one fetch at start, one for the new kid');
});

void test('no mutation of a token verifies', async (t) => {
  const { issuer, verifier, fetched } = await createBench(t, {
    issuer: { algorithms: ['ES256', 'RS256'] },
  });
  const tokens = [await issuer.mint(), await issuer.mint({}, { alg: 'RS256' })];
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.=+/~';
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...tokens),
      fc.nat(),
      fc.constantFrom('replace', 'insert', 'remove', 'cut', 'swap'),
      fc.constantFrom(...alphabet.split('')),
      async (token, place, how, character) => {
        const at = place % token.length;
        const other = tokens[token === tokens[0] ? 1 : 0] ?? '';
        const mutated = {
          replace: token.slice(0, at) + character + token.slice(at + 1),
          insert: token.slice(0, at) + character + token.slice(at),
          remove: token.slice(0, at) + token.slice(at + 1),
          cut: token.slice(0, at),
          swap: token.slice(0, at) + other.slice(at),
        }[how];
        fc.pre(!tokens.includes(mutated));
        await assert.rejects(
          verifier.verify(bearer(mutated)),
          (error) => error instanceof RelayError && error.status === 401,
          mutated,
        );
      },
    ),
    { numRuns: 500 },
  );
  assert.ok(fetched.length <= 3, 'metadata, keys, and one refetch for unknown kids');
  for (const token of tokens) await verifier.verify(bearer(token));
});

void test('the audience may be one of several on either side', async (t) => {
  const { issuer, verifier } = await createBench(t, {
    config: { audience: ['urn:other', testAudience] },
  });
  for (const aud of [testAudience, 'urn:other', ['urn:x', testAudience]])
    await verifier.verify(bearer(await issuer.mint({ aud })));
});
