import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { test } from 'node:test';
import { exportJWK } from 'jose';
import type { JWK } from 'jose';
import { importKeySet } from '../../../relay/auth/keys.ts';
import type { KeySet } from '../../../relay/auth/keys.ts';
import { makeSigningKey } from '../../support/issuer.ts';

const allowed = ['RS256', 'PS256', 'ES256', 'EdDSA'];

async function load(
  keys: readonly unknown[],
  algorithms: readonly string[] = allowed,
): Promise<{ set: KeySet; skipped: (readonly [number, string])[] }> {
  const skipped: (readonly [number, string])[] = [];
  const set = await importKeySet({ keys }, algorithms, (index, why) => skipped.push([index, why]));
  return { set, skipped };
}

const good = (await makeSigningKey('ES256', 'good')).publicJwk;
const rsa = (await makeSigningKey('RS256', 'rsa')).publicJwk;
const without = (jwk: JWK, ...names: string[]): JWK =>
  Object.fromEntries(Object.entries(jwk).filter(([name]) => !names.includes(name)));

function rsaJwk(bits: number, publicExponent = 65_537): unknown {
  const { publicKey } = generateKeyPairSync('rsa', { modulusLength: bits, publicExponent });
  return { ...publicKey.export({ format: 'jwk' }), kid: `rsa-${bits}` };
}

void test('bad keys are skipped one by one and the good one stays', async () => {
  const privateJwk = await exportJWK((await makeSigningKey('ES256')).privateKey);
  const bad: readonly unknown[] = [
    null,
    'key',
    [],
    {},
    { kty: 'EC', crv: 'P-256', kid: 'no-point' },
    { ...good, kid: 'off-curve', y: good.x },
    { ...good, kid: 7 },
    { ...good, kid: 'enc', use: 'enc' },
    { ...good, kid: 'ops', key_ops: ['sign'] },
    { ...good, kid: 'ops2', key_ops: 'verify' },
    { ...good, kid: 'alg', alg: 'RS256' },
    { ...good, kid: 'alg-case', alg: 'es256' },
    { kty: 'oct', k: 'c2VjcmV0', kid: 'oct', alg: 'HS256' },
    { ...privateJwk, kid: 'private' },
    rsaJwk(1024),
    rsaJwk(2040),
    { ...rsa, kid: 'e1', e: 'AQ' },
    { ...rsa, kid: 'e2', e: 'Ag' },
    { ...rsa, kid: 'no-n', n: '' },
    { ...rsa, kid: 'padded', n: `AAAA${'A'.repeat(300)}AQ` },
  ];
  const { set, skipped } = await load([...bad, good]);
  assert.equal(set.size, 1);
  assert.deepEqual(
    skipped.map(([index]) => index),
    bad.map((_, index) => index),
  );
  assert.equal(set.find('good', 'ES256').kind, 'known');
});

void test('keys with use, key_ops or neither are taken', async () => {
  const { set, skipped } = await load([
    { ...without(good, 'use', 'alg'), kid: '1' },
    { ...without(good, 'use'), key_ops: ['verify'], kid: '2' },
    rsaJwk(2048),
  ]);
  assert.deepEqual(skipped, []);
  assert.equal(set.size, 3);
});

void test('an algorithm is bound to the key type, and to the alg that the key declares', async () => {
  const { set } = await load([rsa, { ...without(rsa, 'alg'), kid: 'any' }, good]);
  assert.equal(set.find('rsa', 'RS256').kind, 'known');
  assert.equal(set.find('rsa', 'PS256').kind, 'other_algorithm');
  assert.equal(set.find('any', 'RS256').kind, 'known');
  assert.equal(set.find('any', 'PS256').kind, 'known');
  for (const alg of ['ES256', 'HS256', 'none', 'RS384', 'rs256', ''])
    assert.equal(set.find('any', alg).kind, 'other_algorithm', alg);
});

void test('an unknown or missing kid yields a key only when exactly one fits', async () => {
  const { set } = await load([rsa, good]);
  for (const kid of [undefined, 'other', '../good', '__proto__', 'constructor', '']) {
    const lookup = set.find(kid, 'ES256');
    assert.ok(lookup.kind === 'unknown' && lookup.keys.length === 1, String(kid));
  }
  const two = await load([good, { ...good, kid: 'second' }]);
  const lookup = two.set.find('third', 'ES256');
  assert.ok(lookup.kind === 'unknown' && lookup.keys.length === 0);
});

void test('a kid given twice finds both keys of the algorithm', async () => {
  const other = (await makeSigningKey('ES256', 'good')).publicJwk;
  const { set } = await load([good, other, { ...rsa, kid: 'good' }]);
  const lookup = set.find('good', 'ES256');
  assert.ok(lookup.kind === 'known' && lookup.keys.length === 2);
});

void test('what is no key set, is too long, or has no usable key is an error', async () => {
  for (const jwks of [null, [], 'x', {}, { keys: {} }, { keys: [] }, { keys: [{ kty: 'oct' }] }])
    await assert.rejects(
      importKeySet(jwks, allowed, () => undefined),
      JSON.stringify(jwks),
    );
  await assert.rejects(load(Array.from({ length: 101 }, () => good)), /more than 100/);
});
