import assert from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import { test } from 'node:test';
import { makeSigningKey } from '../support/issuer.ts';
import { statusOf } from '../support/raw.ts';
import { assertRefused, bearer, challengesOf, invalid, send } from '../support/refused.ts';
import { createRelayBench } from '../support/relay.ts';

const AUDIENCE = 'https://relay.test';
const BAD = { status: 400, code: 'bad_credentials', error: 'invalid_request' } as const;

test('case 2: a token of 64 kB is too large for the headers, and no fault of ours', async (t) => {
  const bench = await createRelayBench(t);
  const answer = await send(bench, bearer('a'.repeat(65_536)));
  assert.equal(statusOf(answer), 431);
  assert.equal(bench.upstream.requests(), 0);
});

test('case 3: a token in the header and another in the query', async (t) => {
  const bench = await createRelayBench(t);
  const token = await bench.token();
  const answer = await send(bench, bearer(token), `/x/a?access_token=${token}`);
  await assertRefused(bench, answer, BAD);
});

test('case 3: Bearer and DPoP at once are refused in both schemes', async (t) => {
  const bench = await createRelayBench(t);
  const token = await bench.token();
  const answer = await send(bench, [...bearer(token), `Authorization: DPoP ${token}`]);
  await assertRefused(bench, answer, BAD);
  assert.match(challengesOf(answer), /^DPoP .*error="invalid_request".*algs="/m);
});

test('case 8: a token by a stranger’s key is refused, wherever it says that its key is', async (t) => {
  const bench = await createRelayBench(t);
  const stranger = await makeSigningKey('ES256');
  const before = bench.issuer.counts.other;
  for (const header of [
    { jwk: stranger.publicJwk },
    { jku: `${bench.issuer.issuer}/evil` },
    { x5u: `${bench.issuer.issuer}/evil` },
    { x5c: ['AAAA'] },
  ]) {
    const claims = { aud: AUDIENCE, scope: 'read' };
    const { kid } = bench.issuer.key();
    const token = await bench.issuer.mint(claims, { key: stranger, kid, header });
    await assertRefused(bench, await send(bench, bearer(token)), invalid('token_signature'));
  }
  assert.equal(bench.issuer.counts.other, before, 'nobody was asked');
});

test('case 10: many unknown kids cause one fetch at most', async (t) => {
  const bench = await createRelayBench(t);
  const stranger = await makeSigningKey('ES256');
  const before = bench.issuer.counts.jwks;
  const answers = await Promise.all(
    Array.from({ length: 40 }, async (_, at) => {
      const claims = { aud: AUDIENCE, scope: 'read' };
      const token = await bench.issuer.mint(claims, { key: stranger, kid: `flood-${at}` });
      return await send(bench, bearer(token));
    }),
  );
  for (const answer of answers) await assertRefused(bench, answer, invalid('token_signature'));
  assert.ok(bench.issuer.counts.jwks - before <= 1);
  assert.equal(statusOf(await send(bench, bearer(await bench.token()))), 200);
});

test('case 11: while the issuer is down an unknown kid is 503, a known one served, a foreign issuer 401', async (t) => {
  const bench = await createRelayBench(t);
  bench.issuer.down();
  const stranger = await makeSigningKey('ES256');
  const claims = { aud: AUDIENCE, scope: 'read' };
  const unknown = await send(
    bench,
    bearer(await bench.issuer.mint(claims, { key: stranger, kid: 'new' })),
  );
  await assertRefused(bench, unknown, { status: 503, code: 'issuer_unavailable' });
  assert.match(unknown, /^retry-after: [1-9]/im);
  const foreign = await bench.issuer.mint({ ...claims, iss: 'https://evil.test' });
  await assertRefused(bench, await send(bench, bearer(foreign)), invalid('token_issuer'));
  assert.equal(statusOf(await send(bench, bearer(await bench.token()))), 200);
});

const KEY_SETS: readonly [string, (response: ServerResponse, issuer: string) => unknown][] = [
  [
    'a redirect inwards',
    (response, issuer) => response.writeHead(302, { location: `${issuer}/internal` }).end(),
  ],
  ['HTML', (response) => response.writeHead(200, { 'content-type': 'text/html' }).end('<p>')],
  ['5 MB', (response) => response.end(`{"keys":[],"x":"${'x'.repeat(5_000_000)}"}`)],
  ['junk keys only', (response) => response.end('{"keys":[{"kty":"EC"},7,null]}')],
];

for (const [name, answerWith] of KEY_SETS)
  test(`case 12: a key set that turns into ${name} leaves the last good keys`, async (t) => {
    const bench = await createRelayBench(t);
    const stranger = await makeSigningKey('ES256');
    const before = { ...bench.issuer.counts };
    bench.issuer.answer('/jwks', (_, response) => answerWith(response, bench.issuer.issuer));
    const claims = { aud: AUDIENCE, scope: 'read' };
    const token = await bench.issuer.mint(claims, { key: stranger, kid: 'new' });
    const answer = await send(bench, bearer(token));
    await assertRefused(bench, answer, { status: 503, code: 'issuer_unavailable' });
    // It is asked again by itself, at first about a second later.
    assert.ok(bench.issuer.counts.jwks > before.jwks);
    assert.equal(bench.issuer.counts.other, before.other, 'nobody else was asked');
    assert.equal(statusOf(await send(bench, bearer(await bench.token()))), 200);
  });
