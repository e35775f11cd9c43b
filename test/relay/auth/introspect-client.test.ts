import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { test } from 'node:test';
import { jwtVerify } from 'jose';
import {
  createClientAuthenticator,
  readAssertionKey,
} from '../../../relay/auth/client-authentication.ts';

const pem = { type: 'pkcs8', format: 'pem' } as const;
const now = (): number => 1_800_000_000_000;
const issuer = 'https://idp.example.com';

void test('the key decides the algorithm of assertions', () => {
  const keys: readonly (readonly [string, string])[] = [
    ['RS256', generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export(pem)],
    ['PS256', generateKeyPairSync('rsa-pss', { modulusLength: 2048 }).privateKey.export(pem)],
    ['ES256', generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export(pem)],
    ['ES384', generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey.export(pem)],
    ['ES512', generateKeyPairSync('ec', { namedCurve: 'P-521' }).privateKey.export(pem)],
    ['EdDSA', generateKeyPairSync('ed25519').privateKey.export(pem)],
  ].map(([alg, key]) => [String(alg), String(key)]);
  for (const [alg, key] of keys) assert.equal(readAssertionKey(key).alg, alg);
});

void test('an unusable key is refused without showing any of it', () => {
  const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const locked = { ...pem, cipher: 'aes-256-cbc', passphrase: 'x' };
  const unusable = [
    'not a key',
    String(pair.publicKey.export({ type: 'spki', format: 'pem' })),
    String(pair.privateKey.export(locked)),
    String(generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey.export(pem)),
    String(generateKeyPairSync('ec', { namedCurve: 'secp256k1' }).privateKey.export(pem)),
    String(generateKeyPairSync('x25519').privateKey.export(pem)),
  ];
  for (const text of unusable)
    assert.throws(
      () => readAssertionKey(text),
      (error: unknown) =>
        error instanceof Error &&
        error.message.startsWith('the private key is') &&
        error.cause === undefined &&
        !text.includes(error.message.slice(-10)),
    );
});

void test('an assertion is for the issuer alone, lives a minute, and is never made twice', async () => {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const key = String(privateKey.export(pem));
  const client = {
    clientId: 'relay',
    authentication: { kind: 'private_key_jwt', key, keyId: 'k1' },
  } as const;
  const authenticator = createClientAuthenticator(issuer, client, now);
  const seen = new Set<unknown>();
  for (let round = 0; round < 3; round += 1) {
    const { headers, form } = await authenticator.prove();
    assert.deepEqual(headers, {});
    assert.equal(form['client_id'], 'relay');
    const type = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';
    assert.equal(form['client_assertion_type'], type);
    const { payload, protectedHeader } = await jwtVerify(
      form['client_assertion'] ?? '',
      publicKey,
      {
        currentDate: new Date(now()),
      },
    );
    assert.deepEqual(protectedHeader, { alg: 'ES256', kid: 'k1' });
    const { jti, ...claims } = payload;
    const iat = now() / 1000;
    assert.deepEqual(claims, { iss: 'relay', sub: 'relay', aud: issuer, iat, exp: iat + 60 });
    seen.add(jti);
  }
  assert.equal(seen.size, 3);
});

void test('client id and secret are form-encoded before they are joined (RFC 6749 §2.3.1)', async () => {
  const authenticator = createClientAuthenticator(
    issuer,
    {
      clientId: 'https://relay:1',
      authentication: { kind: 'client_secret_basic', secret: 'a b:c%d+é' },
    },
    now,
  );
  const { headers, form } = await authenticator.prove();
  assert.deepEqual(form, {});
  const [scheme, value = ''] = (headers['authorization'] ?? '').split(' ');
  assert.equal(scheme, 'Basic');
  assert.equal(
    Buffer.from(value, 'base64').toString(),
    'https%3A%2F%2Frelay%3A1:a+b%3Ac%25d%2B%C3%A9',
  );
});
