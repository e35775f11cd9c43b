import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RelayError } from '../../relay/errors.ts';
import { makeSigningKey } from '../support/issuer.ts';
import type { SigningKey } from '../support/issuer.ts';
import { assertRefused, bearer, createBench } from '../support/verifier.ts';
import type { Bench } from '../support/verifier.ts';
import { until } from '../support/until.ts';

async function flood({ issuer, verifier }: Bench, key: SigningKey): Promise<Set<string>> {
  const tokens = await Promise.all(
    Array.from({ length: 1_000 }, (_, index) => issuer.mint({}, { key, kid: `flood-${index}` })),
  );
  const codes = await Promise.all(
    tokens.map((token) =>
      verifier.verify(bearer(token)).then(
        () => 'accepted',
        (error: unknown) => (error instanceof RelayError ? error.code : String(error)),
      ),
    ),
  );
  return new Set(codes);
}

void test('a flood of unknown kids causes one fetch in each cooldown and shuts nobody out', async (t) => {
  const bench = await createBench(t);
  const { issuer, verifier, clock } = bench;
  const stranger = await makeSigningKey('ES256');
  verifier.start();
  await verifier.verify(bearer(await issuer.mint()));
  assert.equal(issuer.counts.jwks, 1);
  assert.deepEqual(await flood(bench, stranger), new Set(['token_signature']));
  assert.equal(issuer.counts.jwks, 2);
  clock.advance(29_000);
  assert.deepEqual(await flood(bench, stranger), new Set(['token_signature']));
  assert.equal(issuer.counts.jwks, 2);
  clock.advance(2_000);
  assert.deepEqual(await flood(bench, stranger), new Set(['token_signature']));
  assert.equal(issuer.counts.jwks, 3);
  assert.equal(issuer.counts.discovery, 1);
  await verifier.verify(bearer(await issuer.mint()));
});

void test('a flood during an outage is 503, and known keys go on serving', async (t) => {
  const bench = await createBench(t, { timing: { retryMinMs: 60_000 } });
  const { issuer, verifier } = bench;
  await verifier.verify(bearer(await issuer.mint()));
  issuer.down();
  const before = bench.fetched.length;
  const codes = await flood(bench, await makeSigningKey('ES256'));
  assert.deepEqual(codes, new Set(['issuer_unavailable']));
  assert.equal(bench.fetched.length - before, 1);
  await verifier.verify(bearer(await issuer.mint()));
});

void test('warm outage: known kids serve, bad signatures stay 401, new kids are 503', async (t) => {
  const { issuer, verifier, clock } = await createBench(t);
  const known = issuer.key();
  const cached = await issuer.mint();
  await verifier.verify(bearer(cached));
  issuer.down();
  await issuer.rotate();
  await assertRefused(verifier, await issuer.mint(), 'issuer_unavailable');
  await verifier.verify(bearer(cached));
  await verifier.verify(bearer(await issuer.mint({}, { key: known })));
  const forged = await issuer.mint({}, { kid: known.kid });
  await assertRefused(verifier, forged, 'token_signature');
  const expired = await issuer.mint({ exp: 1 }, { key: known });
  await assertRefused(verifier, expired, 'token_expired');
  issuer.up();
  clock.advance(31_000);
  await verifier.verify(bearer(await issuer.mint()));
});

void test('cold outage: every token is 503 with Retry-After, good or bad', async (t) => {
  const { issuer, verifier } = await createBench(t);
  issuer.down();
  verifier.start();
  await assertRefused(verifier, await issuer.mint(), 'issuer_unavailable');
  const stranger = await makeSigningKey('ES256');
  await assertRefused(verifier, await issuer.mint({}, { key: stranger }), 'issuer_unavailable');
  await assert.rejects(verifier.verify(bearer(await issuer.mint())), (error) => {
    assert.ok(error instanceof RelayError);
    assert.equal(error.status, 503);
    assert.ok(Number(error.headers['Retry-After']) > 0);
    return true;
  });
  const elsewhere = await issuer.mint({ iss: 'https://evil.example' });
  await assertRefused(verifier, elsewhere, 'token_issuer', 'the issuer check is never skipped');
});

void test('past max-stale nothing serves until the issuer is back', async (t) => {
  const { issuer, verifier, clock } = await createBench(t, { config: { maxStaleMs: 600_000 } });
  const long = { exp: Math.floor(clock.now() / 1000) + 7_200 };
  const token = await issuer.mint(long);
  await verifier.verify(bearer(token));
  issuer.down();
  clock.advance(599_000);
  await verifier.verify(bearer(token));
  assert.equal(verifier.states()[0]?.ready, true);
  clock.advance(2_000);
  await assertRefused(verifier, token, 'issuer_unavailable');
  await assertRefused(verifier, await issuer.mint(long), 'issuer_unavailable');
  assert.equal(verifier.states()[0]?.ready, false);
  issuer.up();
  clock.advance(31_000);
  await verifier.verify(bearer(token));
  assert.equal(verifier.states()[0]?.ready, true);
});

void test('rotation under load refuses no good token', async (t) => {
  const { issuer, verifier, clock } = await createBench(t);
  verifier.start();
  await until('the keys are there', () => verifier.states()[0]?.ready === true);
  let verified = 0;
  for (let round = 0; round < 5; round += 1) {
    const tokens = await Promise.all(Array.from({ length: 40 }, () => issuer.mint()));
    const principals = await Promise.all(tokens.map((token) => verifier.verify(bearer(token))));
    verified += principals.length;
    await issuer.rotate();
    clock.advance(31_000);
  }
  assert.equal(verified, 200);
  assert.ok(issuer.counts.jwks <= 5, 'one fetch a rotation, however many tokens wait for it');
});
