import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import tls from 'node:tls';
import { type OpaqueProvider, startOpaqueProvider } from '../../support/opaque-provider.ts';
import { type OpaqueRelay, createOpaqueRelay } from '../../support/opaque-relay.ts';
import { until } from '../../support/until.ts';

/** Signs in at the provider, and asks the relay who that is. */
async function assertWorks(provider: OpaqueProvider, relay: OpaqueRelay, client: string) {
  const { accessToken, refreshToken } = await provider.signIn();
  assert.ok(!accessToken.includes('.'), 'the token says nothing by itself');
  const answer = await relay.get('/.latchkey/whoami', accessToken);
  assert.equal(answer.status, 200, answer.text);
  const who = JSON.parse(answer.text) as Record<string, unknown>;
  assert.equal(who['user'], 'alice');
  assert.equal(who['issuer'], provider.issuer);
  assert.deepEqual(who['scopes'], ['billing.read']);
  assert.deepEqual(who['roles'], ['accountant']);
  assert.deepEqual(who['groups'], ['finance']);
  assert.deepEqual(provider.asking, [client]);
  assert.equal((await relay.get('/.latchkey/whoami', accessToken)).status, 200);
  assert.deepEqual(provider.asking, [client], 'the second time from memory');

  const refresh = await relay.get('/.latchkey/whoami', refreshToken);
  assert.equal(refresh.code, 'token_audience', 'a refresh token is active at this provider');
  assert.equal((await relay.get('/.latchkey/whoami', `${accessToken}x`)).code, 'token_inactive');
  return accessToken;
}

void test('client_secret_basic at a real provider, with a secret that needs encoding', async (t) => {
  const secret = 'a:b%2F+c&d=e "f"/~';
  const provider = await startOpaqueProvider(t, [
    {
      client_id: 'relay:one',
      client_secret: secret,
      token_endpoint_auth_method: 'client_secret_basic',
    },
  ]);
  const relay = await createOpaqueRelay(t, {
    issuer: provider.issuer,
    yaml: `    introspection: { timeout: 30s, clientId: 'relay:one', clientSecretFile: s.txt }`,
    files: { 's.txt': `${secret}\n` },
  });
  const token = await assertWorks(provider, relay, 'relay:one');
  // Another one, since the first must remember for as long as a busy machine takes.
  const forgetful = await createOpaqueRelay(t, {
    issuer: provider.issuer,
    yaml: `    introspection: { timeout: 30s, clientId: 'relay:one', clientSecretFile: s.txt, cache: 1s }`,
    files: { 's.txt': `${secret}\n` },
  });
  assert.equal((await forgetful.get('/.latchkey/whoami', token)).status, 200);
  await provider.revoke(token);
  await until(
    'the revoked token ends with the kept answer',
    async () => (await forgetful.get('/.latchkey/whoami', token)).code === 'token_inactive',
  );
});

void test('a wrong secret is an outage and an alert, not a bad token', async (t) => {
  const provider = await startOpaqueProvider(t, [
    {
      client_id: 'relay',
      client_secret: 'right',
      token_endpoint_auth_method: 'client_secret_basic',
    },
  ]);
  const relay = await createOpaqueRelay(t, {
    issuer: provider.issuer,
    yaml: '    introspection: { timeout: 30s, clientId: relay, clientSecretFile: s.txt }',
    files: { 's.txt': 'wrong-secret' },
  });
  const { accessToken } = await provider.signIn();
  const answer = await relay.get('/.latchkey/whoami', accessToken);
  assert.equal(answer.status, 503);
  assert.equal(answer.code, 'issuer_unavailable');
  assert.match(relay.log.join(''), /"event":"introspection_rejected"/);
  assert.doesNotMatch(relay.log.join(''), /wrong-secret/);
});

const keys = [
  ['ES256', generateKeyPairSync('ec', { namedCurve: 'P-256' })],
  ['RS256', generateKeyPairSync('rsa', { modulusLength: 2048 })],
  ['EdDSA', generateKeyPairSync('ed25519')],
] as const;

for (const [alg, { privateKey, publicKey }] of keys)
  void test(`private_key_jwt at a real provider: ${alg}`, async (t) => {
    const jwk = { ...publicKey.export({ format: 'jwk' }), kid: 'relay-1', use: 'sig' };
    const provider = await startOpaqueProvider(t, [
      {
        client_id: 'relay',
        token_endpoint_auth_method: 'private_key_jwt',
        token_endpoint_auth_signing_alg: alg,
        jwks: { keys: [jwk] },
      },
    ]);
    const relay = await createOpaqueRelay(t, {
      issuer: provider.issuer,
      yaml: '    introspection: { timeout: 30s, clientId: relay, privateKeyFile: key.pem, keyId: relay-1 }',
      files: { 'key.pem': privateKey.export({ type: 'pkcs8', format: 'pem' }).toString() },
    });
    await assertWorks(provider, relay, 'relay');
    // Each question has an assertion of its own: the provider refuses one that it has seen.
    const second = await provider.signIn();
    assert.equal((await relay.get('/.latchkey/whoami', second.accessToken)).status, 200);
  });

/** An authority and two certificates by it. */
async function makeCertificates(t: TestContext) {
  const dir = await mkdtemp(join(tmpdir(), 'latchkey-mtls-'));
  t.after(() => rm(dir, { recursive: true, force: true }));
  const openssl = (args: readonly string[]): void => {
    execFileSync('openssl', args, { cwd: dir, stdio: 'ignore' });
  };
  const newKey = '-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2';
  openssl(`req -x509 ${newKey} -subj /CN=Authority -keyout ca.key -out ca.crt`.split(' '));
  const read = async (name: string) => ({
    cert: await readFile(join(dir, `${name}.crt`), 'utf8'),
    key: await readFile(join(dir, `${name}.key`), 'utf8'),
  });
  const issue = async (name: string, usage: string) => {
    const extensions = `subjectAltName=DNS:localhost,IP:127.0.0.1\nextendedKeyUsage=${usage}\n`;
    await writeFile(join(dir, 'ext'), extensions);
    const request = `req ${newKey} -subj /CN=${name} -keyout ${name}.key -out ${name}.csr`;
    const sign = `x509 -req -in ${name}.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 2`;
    openssl(request.split(' '));
    openssl(`${sign} -extfile ext -out ${name}.crt`.split(' '));
    return read(name);
  };
  return {
    ca: await readFile(join(dir, 'ca.crt'), 'utf8'),
    server: await issue('server', 'serverAuth'),
    relay: await issue('relay', 'clientAuth'),
    other: await issue('other', 'clientAuth'),
  };
}

void test('tls_client_auth at a real provider: the certificate is the credential', async (t) => {
  const { ca, server, relay: own, other } = await makeCertificates(t);
  const trusted = tls.getCACertificates('default');
  tls.setDefaultCACertificates([...trusted, ca]);
  t.after(() => tls.setDefaultCACertificates(trusted));
  const provider = await startOpaqueProvider(
    t,
    [
      {
        client_id: 'relay',
        token_endpoint_auth_method: 'tls_client_auth',
        tls_client_auth_subject_dn: 'CN=relay',
      },
    ],
    { ...server, ca },
  );
  const yaml =
    '    introspection: { timeout: 30s, clientId: relay, clientCertificate: { certFile: c.crt, keyFile: c.key } }';
  const files = ({ cert, key }: typeof own) => ({ 'c.crt': cert, 'c.key': key });
  const relay = await createOpaqueRelay(t, { issuer: provider.issuer, yaml, files: files(own) });
  const token = await assertWorks(provider, relay, 'relay');

  const impostor = await createOpaqueRelay(t, {
    issuer: provider.issuer,
    yaml,
    files: files(other),
  });
  assert.equal((await impostor.get('/.latchkey/whoami', token)).code, 'issuer_unavailable');
  assert.match(impostor.log.join(''), /introspection_rejected/);
  await until('the provider tells of the client', () =>
    provider.asking.some((entry) => entry.includes('client')),
  );
});
