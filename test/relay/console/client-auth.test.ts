import assert from 'node:assert/strict';
import { createPublicKey, generateKeyPairSync, randomBytes } from 'node:crypto';
import { test, type TestContext } from 'node:test';
import { exportJWK } from 'jose';
import { readAssertionKey } from '../../../relay/auth/client-authentication.ts';
import { signIn, withSignIn, type SignInBench } from '../../support/console-sign-in.ts';
import { logged } from '../../support/operator.ts';
import { directory, put } from '../../support/relay-yaml.ts';

const KEYS = {
  RS256: () => generateKeyPairSync('rsa', { modulusLength: 2048 }),
  PS256: () => generateKeyPairSync('rsa-pss', { modulusLength: 2048 }),
  ES256: () => generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  EdDSA: () => generateKeyPairSync('ed25519'),
} as const;

type Algorithm = keyof typeof KEYS;

/** Both ends have the same secret unless the provider is given another. */
async function withSecret(
  t: TestContext,
  method: 'client_secret_basic' | 'client_secret_post',
  more = '',
  known?: string,
): Promise<SignInBench & { readonly secret: string }> {
  // What RFC 6749 §2.3.1 wants encoded, and what forms do.
  const secret = `${randomBytes(16).toString('base64')}:%+&=`;
  const file = await put(await directory(t), 'console.secret', secret);
  const signIns = await withSignIn(t, {
    more: `    clientSecretFile: ${file}\n${more}`,
    client: { token_endpoint_auth_method: method, client_secret: known ?? secret },
  });
  return { ...signIns, secret };
}

async function withKey(
  t: TestContext,
  alg: Algorithm,
  options: { readonly keyId?: string; readonly other?: boolean } = {},
): Promise<SignInBench> {
  const newPem = (): string =>
    String(KEYS[alg]().privateKey.export({ type: 'pkcs8', format: 'pem' }));
  const pem = newPem();
  const file = await put(await directory(t), 'console.pem', pem);
  const { key } = readAssertionKey(options.other === true ? newPem() : pem);
  const published = await exportJWK(createPublicKey(key));
  return await withSignIn(t, {
    more: `    privateKeyFile: ${file}\n${options.keyId === undefined ? '' : `    keyId: ${options.keyId}\n`}`,
    client: {
      token_endpoint_auth_method: 'private_key_jwt',
      jwks: { keys: [{ ...published, use: 'sig', kid: 'console-1' }] },
    },
  });
}

async function assertSignsIn(signIns: SignInBench): Promise<void> {
  const { jar, answer } = await signIn(signIns, 'auditor-ann');
  assert.equal(answer.status, 200, signIns.bench.log.join('\n'));
  const session = await jar.visit(`${signIns.bench.url}/console/api/session`);
  const { person } = (await session.json()) as { person: { user: string } };
  assert.equal(person.user, 'auditor-ann');
}

async function assertIsRefused(signIns: SignInBench): Promise<string> {
  const { jar, answer } = await signIn(signIns, 'auditor-ann');
  assert.equal(answer.status, 502);
  assert.equal(jar.cookies(signIns.bench.url).get('__Host-latchkey-console'), undefined);
  const [event] = logged(signIns.bench, 'console_sign_in_failed');
  assert.match(String(event?.['reason']), /invalid_client/);
  return `${await answer.text()}${signIns.bench.log.join('\n')}`;
}

test('with a secret in the header, where the provider wants it there', async (t) => {
  const signIns = await withSecret(t, 'client_secret_basic');
  await assertSignsIn(signIns);
  assert.deepEqual(signIns.provider.shownIn, ['header']);
});

test('with a secret in the form, where the provider wants it there', async (t) => {
  const method = '    clientSecretMethod: client_secret_post\n';
  const signIns = await withSecret(t, 'client_secret_post', method);
  await assertSignsIn(signIns);
  assert.deepEqual(signIns.provider.shownIn, ['form']);
});

test('with another secret than the provider’s nobody gets in, and it is shown nowhere', async (t) => {
  const signIns = await withSecret(t, 'client_secret_basic', '', 'another');
  const said = await assertIsRefused(signIns);
  assert.ok(!said.includes(signIns.secret) && !said.includes(encodeURIComponent(signIns.secret)));
});

for (const alg of Object.keys(KEYS) as Algorithm[])
  test(`with a key that signs ${alg}`, async (t) => {
    await assertSignsIn(await withKey(t, alg));
    await assertSignsIn(await withKey(t, alg, { keyId: 'console-1' }));
  });

test('with a key that the provider does not know nobody gets in', async (t) => {
  const said = await assertIsRefused(await withKey(t, 'ES256', { other: true }));
  assert.doesNotMatch(said, /PRIVATE KEY|eyJ/);
});
