import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { discoveryUrls } from '../../../relay/auth/discovery.ts';
import { makeSigningKey } from '../../support/issuer.ts';
import { assertRefused, bearer, createBench } from '../../support/verifier.ts';
import type { Bench } from '../../support/verifier.ts';
import { until } from '../../support/until.ts';

/** Quick retries for tests that wait for the background to do its work. */
const quick = { retryMinMs: 20, retryMaxMs: 40, timeoutMs: 30_000 };

async function untilReady({ verifier }: Bench): Promise<void> {
  await until('the keys are there', () => verifier.states()[0]?.ready === true);
}
async function untilProblem({ verifier }: Bench, problem: RegExp): Promise<void> {
  await until(`the issuer's problem is ${problem}`, () =>
    problem.test(verifier.states()[0]?.problem ?? ''),
  );
}

void test('discovery addresses follow both specifications', () => {
  assert.deepEqual(discoveryUrls('https://idp.example.com'), [
    'https://idp.example.com/.well-known/openid-configuration',
    'https://idp.example.com/.well-known/oauth-authorization-server',
  ]);
  assert.deepEqual(discoveryUrls('https://idp.example.com/a/b/'), [
    'https://idp.example.com/a/b/.well-known/openid-configuration',
    'https://idp.example.com/.well-known/oauth-authorization-server/a/b',
  ]);
});

void test('keys are fetched at start, in the background, and the state says so', async (t) => {
  const bench = await createBench(t);
  assert.deepEqual(bench.verifier.states(), [
    {
      issuer: bench.issuer.issuer,
      ready: false,
      keys: 0,
      problem: 'the keys have not been fetched yet',
    },
  ]);
  bench.verifier.start();
  await untilReady(bench);
  const state = bench.verifier.states()[0];
  assert.equal(state?.keys, 1);
  assert.equal(state.problem, undefined);
  assert.equal(state.fetchedAtMs, bench.clock.now());
  assert.deepEqual(bench.events, [{ event: 'issuer_keys', issuer: bench.issuer.issuer, keys: 1 }]);
});

void test('OAuth metadata is found where OpenID metadata is not', async (t) => {
  const bench = await createBench(t, { issuer: { path: '/tenant' } });
  const { issuer } = bench;
  issuer.answer('/tenant/.well-known/openid-configuration', (_, response) =>
    response.writeHead(404).end(),
  );
  issuer.answer('/.well-known/oauth-authorization-server/tenant', (_, response) =>
    response.end(JSON.stringify({ issuer: issuer.issuer, jwks_uri: `${issuer.issuer}/jwks` })),
  );
  await bench.verifier.verify(bearer(await issuer.mint()));
});

void test('metadata of an issuer with another spelling is refused', async (t) => {
  const bench = await createBench(t, { timing: quick });
  const { issuer } = bench;
  for (const other of [`${issuer.issuer}/`, issuer.issuer.toUpperCase(), 'https://evil.example']) {
    issuer.answer('/.well-known/openid-configuration', (_, response) =>
      response.end(JSON.stringify({ issuer: other, jwks_uri: `${issuer.issuer}/jwks` })),
    );
    bench.clock.advance(31_000);
    await assertRefused(bench.verifier, await issuer.mint(), 'issuer_unavailable');
  }
  assert.equal(issuer.counts.jwks, 0);
  assert.match(bench.verifier.states()[0]?.problem ?? '', /is not the metadata of/);
});

void test('a configured jwks_uri needs no discovery', async (t) => {
  const keys = await createBench(t);
  const uri = `${keys.issuer.issuer}/jwks`;
  const bench = await createBench(t, { config: { metadata: { jwks_uri: uri } } });
  const token = await bench.issuer.mint({}, { key: keys.issuer.key() });
  await bench.verifier.verify(bearer(token));
  assert.deepEqual(bench.fetched, [uri]);
});

void test('discovery follows one redirect on its own origin; nothing else is followed', async (t) => {
  const bench = await createBench(t, { timing: quick });
  const { issuer } = bench;
  const redirectTo = (location: string) =>
    issuer.answer('/.well-known/openid-configuration', (_, response) =>
      response.writeHead(302, { location }).end(),
    );
  issuer.answer('/meta', (_, response) =>
    response.end(JSON.stringify({ issuer: issuer.issuer, jwks_uri: `${issuer.issuer}/jwks` })),
  );
  issuer.answer('/hop', (_, response) => response.writeHead(302, { location: '/meta' }).end());
  for (const location of ['/hop', 'http://127.0.0.1:1/meta', 'http://[bad', 'file:///etc/passwd']) {
    redirectTo(location);
    bench.clock.advance(31_000);
    await assertRefused(bench.verifier, await issuer.mint(), 'issuer_unavailable');
  }
  assert.ok(bench.fetched.every((url) => url.startsWith(issuer.issuer)));
  redirectTo('/meta');
  bench.clock.advance(31_000);
  await bench.verifier.verify(bearer(await issuer.mint()));

  issuer.answer('/jwks', (_, response) => response.writeHead(302, { location: '/keys' }).end());
  await issuer.rotate();
  bench.clock.advance(31_000);
  await assert.rejects(bench.verifier.verify(bearer(await issuer.mint())));
  assert.ok(!bench.fetched.some((url) => url.endsWith('/keys')));
});

void test('a jwks_uri by plain http is refused unless the issuer is plain itself', async (t) => {
  const bench = await createBench(t);
  const { issuer } = bench;
  for (const uri of ['ftp://x/jwks', 'file:///etc/passwd', 'jwks', 5, undefined]) {
    issuer.answer('/.well-known/openid-configuration', (_, response) =>
      response.end(JSON.stringify({ issuer: issuer.issuer, jwks_uri: uri })),
    );
    bench.clock.advance(31_000);
    await assertRefused(bench.verifier, await issuer.mint(), 'issuer_unavailable', String(uri));
  }
  const https = 'https://idp.invalid';
  const outside = await createBench(t, {
    config: { issuer: https, metadata: { jwks_uri: 'http://keys.invalid/jwks' } },
  });
  const token = await outside.issuer.mint({ iss: https });
  await assertRefused(outside.verifier, token, 'issuer_unavailable');
  assert.deepEqual(outside.fetched, []);
});

void test('the relay starts while the issuer is down and recovers by itself', async (t) => {
  const bench = await createBench(t, { timing: quick });
  bench.issuer.down();
  bench.verifier.start();
  await untilProblem(bench, /cannot be reached/);
  await assertRefused(bench.verifier, await bench.issuer.mint(), 'issuer_unavailable');
  bench.issuer.up();
  await untilReady(bench);
  await bench.verifier.verify(bearer(await bench.issuer.mint()));
  assert.equal(bench.verifier.states()[0]?.problem, undefined);
});

void test('failed fetches back off and keys are refreshed in the background', async (t) => {
  const bench = await createBench(t, {
    timing: { refreshMs: 1_000, rediscoverMs: 0, retryMinMs: 400, retryMaxMs: 60_000 },
  });
  bench.verifier.start();
  await untilReady(bench);
  await bench.issuer.rotate();
  await until('the keys are fetched again', () => bench.issuer.counts.jwks >= 2);
  bench.issuer.down();
  await untilProblem(bench, /cannot be reached/);
  const before = bench.issuer.counts.discovery;
  await new Promise((resolve) => {
    setTimeout(resolve, 1_500);
  });
  assert.ok(bench.issuer.counts.discovery - before <= 4, 'retries are spaced out');
});

void test('an answer that is no key set keeps the last good keys serving', async (t) => {
  const bench = await createBench(t, { timing: quick });
  const { issuer, verifier, clock } = bench;
  const token = await issuer.mint();
  await verifier.verify(bearer(token));
  const stranger = await makeSigningKey('ES256');
  const answers: readonly (readonly [string, RegExp])[] = [
    ['<html>', /did not answer with JSON/],
    ['', /did not answer with JSON/],
    ['[]', /is not a JWK set/],
    ['{"keys":[]}', /has no usable key/],
    ['{"keys":[{"kty":"oct","k":"AAAA"}]}', /has no usable key/],
    [`{"keys":[],"x":"${'x'.repeat(1024 * 1024)}"}`, /more than 1048576 bytes/],
  ];
  for (const [body, problem] of answers) {
    issuer.answer('/jwks', (_, response) => response.end(body));
    clock.advance(31_000);
    await assertRefused(
      verifier,
      await issuer.mint({}, { key: stranger }),
      'issuer_unavailable',
      body.slice(0, 40),
    );
    await untilProblem(bench, problem);
    await verifier.verify(bearer(token));
  }
  issuer.answer('/jwks', (_, response) => response.writeHead(500).end());
  await untilProblem(bench, /answered 500/);
  issuer.answer('/jwks', undefined);
  await until(
    'the issuer has no problem any more',
    () => verifier.states()[0]?.problem === undefined,
  );
});

void test('an issuer that never finishes its answer is given up on', async (t) => {
  const bench = await createBench(t, { timing: { ...quick, timeoutMs: 1_000 } });
  bench.issuer.answer('/jwks', (_, response) => {
    response.writeHead(200);
    response.write('{"keys":[');
  });
  await assertRefused(bench.verifier, await bench.issuer.mint(), 'issuer_unavailable');
  await untilProblem(bench, /no answer within 1000 ms/);
});

void test('close ends a fetch in flight and every later one', async (t) => {
  const silent = createServer(() => undefined);
  await new Promise<void>((resolve) => {
    silent.listen(0, '127.0.0.1', resolve);
  });
  t.after(() => {
    silent.closeAllConnections();
    silent.close();
  });
  const uri = `http://127.0.0.1:${(silent.address() as AddressInfo).port}/jwks`;
  const { issuer, verifier, fetched } = await createBench(t, {
    config: { metadata: { jwks_uri: uri } },
    timing: { timeoutMs: 60_000, retryMinMs: 1 },
  });
  const refused = assertRefused(verifier, await issuer.mint(), 'issuer_unavailable');
  await until('the keys are fetched', () => fetched.length === 1);
  verifier.close();
  await refused;
  await assertRefused(verifier, await issuer.mint(), 'issuer_unavailable');
  assert.equal(fetched.length, 1);
});

void test('one fetch is in flight at a time, whoever asks', async (t) => {
  const bench = await createBench(t);
  const token = await bench.issuer.mint();
  bench.verifier.start();
  bench.verifier.start();
  await Promise.all(Array.from({ length: 50 }, () => bench.verifier.verify(bearer(token))));
  assert.deepEqual(bench.issuer.counts, { discovery: 1, jwks: 1, other: 0 });
});
