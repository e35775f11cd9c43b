import assert from 'node:assert/strict';
import { createHash, generateKeyPairSync } from 'node:crypto';
import { readFile, stat, chmod, writeFile } from 'node:fs/promises';
import { test } from 'node:test';
import { calculateJwkThumbprint, createRemoteJWKSet, decodeProtectedHeader, jwtVerify } from 'jose';
import { readAssertionKeys } from '../../../relay/assertion-keys.ts';
import type { RelayConfig } from '../../../relay/config/config.ts';
import { createRelayBench, type RelayBench } from '../../support/relay.ts';
import { received } from '../../support/token-endpoint.ts';

const makePem = (namedCurve = 'P-256'): string =>
  generateKeyPairSync('ec', { namedCurve })
    .privateKey.export({ type: 'pkcs8', format: 'pem' })
    .toString();

const asserting =
  (assertionKeys?: () => readonly string[]) =>
  (config: RelayConfig): RelayConfig => ({
    ...config,
    ...(assertionKeys && { assertionKeys: assertionKeys() }),
    apis: config.apis.map((api) => ({ ...api, request: { ...api.request, assertion: true } })),
  });

async function get(bench: RelayBench, claims = {}, headers = {}): Promise<Response> {
  const token = await bench.token(claims);
  return await fetch(`${bench.relay.url}/x/a`, {
    headers: { ...headers, authorization: `Bearer ${token}` },
  });
}

const lastAssertion = (bench: RelayBench): string =>
  received(bench.upstream.received(), 'X-Latchkey-Assertion').at(-1) ?? '';

/** As an API does it: with nothing but the relay's address and its own name. */
async function verify(bench: RelayBench, assertion: string) {
  const keys = createRemoteJWKSet(new URL(`${bench.relay.url}/.latchkey/assertion-keys`));
  return await jwtVerify(assertion, keys, {
    algorithms: ['ES256'],
    issuer: bench.relay.url,
    audience: 'x',
    typ: 'latchkey-assertion+jwt',
    maxTokenAge: '60s',
    requiredClaims: ['sub', 'exp', 'jti'],
  });
}

void test('an API learns from the assertion who is calling, and can verify it', async (t) => {
  const bench = await createRelayBench(t, { config: asserting() });
  const answer = await get(bench, {
    sub: 'user-7',
    email: 'zoë@example.com',
    name: 'Zoë',
    roles: ['accountant'],
    groups: ['finance', 'b,c'],
    acr: 'mfa',
    auth_time: 1_700_000_000,
  });
  assert.equal(answer.status, 200);
  assert.equal(answer.headers.get('x-latchkey-assertion'), null);
  const { payload } = await verify(bench, lastAssertion(bench));
  const { iat = 0, exp, ...others } = payload;
  assert.equal(exp, iat + 60);
  assert.ok(Math.abs(iat - Date.now() / 1000) < 30);
  assert.deepEqual(others, {
    iss: bench.relay.url,
    aud: 'x',
    sub: 'user-7',
    idp: bench.issuer.issuer,
    user: 'user-7',
    email: 'zoë@example.com',
    name: 'Zoë',
    roles: ['accountant'],
    groups: ['finance', 'b,c'],
    client_id: 'latchkey-desktop',
    scope: 'read',
    acr: 'mfa',
    auth_time: 1_700_000_000,
    jti: answer.headers.get('x-request-id'),
  });
  await get(bench);
  const second = (await verify(bench, lastAssertion(bench))).payload;
  assert.notEqual(second.jti, others.jti, 'each request has its own');
  assert.equal('email' in second, false);
});

void test('an assertion for one API is none for another', async (t) => {
  const bench = await createRelayBench(t, { config: asserting() });
  await get(bench);
  const keys = createRemoteJWKSet(new URL(`${bench.relay.url}/.latchkey/assertion-keys`));
  await assert.rejects(jwtVerify(lastAssertion(bench), keys, { audience: 'y' }));
});

void test('the keys are public, may be kept for minutes, and hold nothing private', async (t) => {
  const bench = await createRelayBench(t, { config: asserting() });
  const answer = await fetch(`${bench.relay.url}/.latchkey/assertion-keys`);
  assert.equal(answer.status, 200);
  assert.equal(answer.headers.get('cache-control'), 'public, max-age=300');
  const { keys } = (await answer.json()) as { keys: Record<string, string>[] };
  assert.equal(keys.length, 1);
  const [jwk = {}] = keys;
  assert.deepEqual(Object.keys(jwk).sort(), ['alg', 'crv', 'kid', 'kty', 'use', 'x', 'y']);
  assert.equal(jwk['kid'], await calculateJwkThumbprint(jwk, 'sha256'));
  const file = `${bench.auditDir}.assertion.key`;
  assert.equal((await stat(file)).mode & 0o777, 0o600);
  const posted = await fetch(answer.url, { method: 'POST' });
  assert.equal(posted.status, 401);
});

void test('where no API wants assertions there is no key', async (t) => {
  const bench = await createRelayBench(t);
  const answer = await fetch(`${bench.relay.url}/.latchkey/assertion-keys`);
  assert.deepEqual(await answer.json(), { keys: [] });
  assert.equal((await get(bench)).status, 200);
  assert.equal(lastAssertion(bench), '');
  await assert.rejects(stat(`${bench.auditDir}.assertion.key`), { code: 'ENOENT' });
});

void test('a key is rotated without a restart and without an assertion that cannot be verified', async (t) => {
  const [old, next] = [makePem(), makePem()];
  let configured = [old];
  const bench = await createRelayBench(t, { config: asserting(() => configured) });
  const kidOf = (pem: string) =>
    readAssertionKeys({
      assertionKeys: [pem],
      apis: [],
      audit: { dir: '' },
    }).signing?.kid;
  const reload = async (keys: string[]): Promise<void> => {
    configured = keys;
    assert.equal((await bench.relay.reload()).kind, 'reloaded');
    await get(bench);
    await verify(bench, lastAssertion(bench));
  };
  await get(bench);
  const before = lastAssertion(bench);
  assert.equal(decodeProtectedHeader(before).kid, kidOf(old));
  await reload([old, next]);
  assert.equal(decodeProtectedHeader(lastAssertion(bench)).kid, kidOf(old));
  await reload([next, old]);
  assert.equal(decodeProtectedHeader(lastAssertion(bench)).kid, kidOf(next));
  await verify(bench, before);
  await reload([next]);
  await assert.rejects(verify(bench, before));
  for (const pem of [old, next])
    assert.ok(!bench.log.join('').includes(pem.split('\n')[1] ?? ''), 'no key in the log');
});

void test('a reload to a key that cannot sign changes nothing', async (t) => {
  let configured = [makePem()];
  const bench = await createRelayBench(t, { config: asserting(() => configured) });
  for (const bad of [makePem('P-384'), 'no key at all']) {
    configured = [bad];
    const result = await bench.relay.reload();
    assert.equal(result.kind, 'refused');
    const told = JSON.stringify(result);
    assert.match(told, /assertion\.keyFile is not a P-256 private key/);
    assert.ok(!told.includes('no key at all'));
    assert.equal((await get(bench)).status, 200);
  }
});

void test('its own key is made once, whoever starts first, and refused where others can read it', async (t) => {
  const bench = await createRelayBench(t);
  const dir = `${bench.auditDir}2`;
  const config = {
    apis: asserting()({ apis: [{ request: {} }] } as unknown as RelayConfig).apis,
    audit: { dir },
  };
  const first = readAssertionKeys(config);
  assert.deepEqual(readAssertionKeys(config).jwks, first.jwks);
  const file = `${dir}.assertion.key`;
  const pem = await readFile(file, 'utf8');
  await chmod(file, 0o640);
  assert.throws(() => readAssertionKeys(config), /chmod 600/);
  await chmod(file, 0o600);
  await writeFile(file, createHash('sha256').update(pem).digest('hex'));
  assert.throws(() => readAssertionKeys(config), /not a P-256 private key/);
});

void test('a reload with equal keys keeps signing under load', async (t) => {
  const bench = await createRelayBench(t, { config: asserting() });
  const load = Array.from({ length: 20 }, async () => (await get(bench)).status);
  for (let i = 0; i < 5; i++) await bench.relay.reload();
  assert.deepEqual(new Set(await Promise.all(load)), new Set([200]));
  await verify(bench, lastAssertion(bench));
});
