import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { RelayError } from '../../relay/errors.ts';
import { createConsoleBench, type ConsoleBench } from '../support/console-bench.ts';
import { openConsoleOver } from '../support/console-over.ts';
import { createJar, type Jar } from '../support/console-provider.ts';
import { startHostileProvider, type HostileProvider } from '../support/hostile-provider.ts';
import { makeSigningKey } from '../support/issuer.ts';
import { logged } from '../support/operator.ts';
import { allRecords } from '../audit/ledger-dir.ts';

async function start(t: TestContext): Promise<{ bench: ConsoleBench; provider: HostileProvider }> {
  const provider = await startHostileProvider(t);
  const bench = await createConsoleBench(t, {
    management: `
  listen: 127.0.0.1:0
  signIn: { issuer: '${provider.issuer.issuer}', clientId: latchkey-console, role: auditor }`,
  });
  return { bench, provider };
}

/** Where the browser is sent, and the browser. */
async function begin(bench: Pick<ConsoleBench, 'url'>): Promise<{ jar: Jar; address: string }> {
  const jar = createJar();
  const begun = await jar.visit(`${bench.url}/console/sign-in`);
  return { jar, address: String(begun.headers.get('location')) };
}

async function assertNobodyIsIn(bench: ConsoleBench, jar: Jar, callback: string, what: string) {
  const answer = await jar.visit(callback);
  assert.ok([400, 502].includes(answer.status), `${what}: ${answer.status}`);
  assert.equal(jar.cookies(bench.url).get('__Host-latchkey-console'), undefined, what);
  assert.equal((await jar.visit(`${bench.url}/audit`)).status, 401, what);
}

test('an ID token that is not for this sign-in lets nobody in', async (t) => {
  const { bench, provider } = await start(t);
  const seconds = Math.floor(Date.now() / 1_000);
  const stranger = await makeSigningKey('ES256', provider.issuer.key().kid);
  const bad: Readonly<Record<string, Parameters<HostileProvider['answerWith']>[0]>> = {
    'of another sign-in (nonce)': (good) => provider.idToken(good, { nonce: 'other' }),
    'without nonce': (good) => provider.idToken(good, { nonce: undefined }),
    'for another client': (good) => provider.idToken(good, { aud: 'another' }),
    'for others too, without azp': (good) =>
      provider.idToken(good, { aud: ['latchkey-console', 'another'] }),
    'for another party (azp)': (good) =>
      provider.idToken(good, { aud: ['latchkey-console', 'another'], azp: 'another' }),
    'of another issuer': (good) => provider.idToken(good, { iss: 'https://evil.example' }),
    'that has expired': (good) =>
      provider.idToken(good, { iat: seconds - 900, exp: seconds - 600 }),
    'without exp': (good) => provider.idToken(good, { exp: undefined }),
    'without iat': (good) => provider.idToken(good, { iat: undefined }),
    'about nobody': (good) => provider.idToken(good, { sub: undefined }),
    'about nobody by name': (good) => provider.idToken(good, { sub: '' }),
    'signed by a stranger': (good) => provider.idToken(good, {}, { key: stranger }),
    async 'signed by nobody'(good) {
      const [, claims] = (await provider.idToken(good)).split('.');
      const header = Buffer.from(JSON.stringify({ alg: 'none' })).toString('base64url');
      return `${header}.${claims}.`;
    },
    async 'changed after it was signed'(good) {
      const [header, , signature] = (await provider.idToken(good)).split('.');
      const [, claims] = (await provider.idToken(good, { sub: 'auditor-mallory' })).split('.');
      return `${header}.${claims}.${signature}`;
    },
    'that is none': () => Promise.resolve('x'),
  };
  for (const [what, idToken] of Object.entries(bad)) {
    provider.answerWith(idToken);
    const { jar, address } = await begin(bench);
    await assertNobodyIsIn(bench, jar, provider.authorize(address), what);
  }
  provider.answerWith((good) => provider.idToken(good), { id_token: undefined });
  const without = await begin(bench);
  await assertNobodyIsIn(bench, without.jar, provider.authorize(without.address), 'no ID token');
  assert.equal(logged(bench, 'console_sign_in_failed').length, Object.keys(bad).length + 1);
  assert.ok(!(await allRecords(bench.auditDir)).some(({ kind }) => kind === 'sign-in'));

  provider.answerWith((good) => provider.idToken(good));
  const good = await begin(bench);
  assert.equal((await good.jar.visit(provider.authorize(good.address))).status, 200, 'a good one');
  assert.equal((await good.jar.visit(`${bench.url}/audit`)).status, 200);
});

test('an answer of another provider, or of none, lets nobody in (mix-up)', async (t) => {
  const { bench, provider } = await start(t);
  provider.answerWith((good) => provider.idToken(good));
  const before = provider.issuer.counts.other;
  for (const [what, changes] of Object.entries({
    'of another provider (iss)': { iss: 'https://evil.example' },
    'of nobody, though it always says': { iss: undefined },
    'of another attempt (state)': { state: 'other' },
    'without state': { state: undefined },
    'an error': { code: undefined, error: 'access_denied' },
    'without code': { code: undefined },
  })) {
    const { jar, address } = await begin(bench);
    await assertNobodyIsIn(bench, jar, provider.authorize(address, changes), what);
  }
  assert.equal(provider.issuer.counts.other, before, 'no code was brought to the token endpoint');
});

test('each sign-in asks for a code that only it can use', async (t) => {
  const { bench } = await start(t);
  const seen = new Set<string>();
  for (let count = 0; count < 5; count += 1) {
    const { searchParams } = new URL((await begin(bench)).address);
    assert.equal(searchParams.get('response_type'), 'code');
    assert.equal(searchParams.get('code_challenge_method'), 'S256');
    assert.equal(searchParams.get('redirect_uri'), `${bench.url}/console/callback`);
    for (const name of ['state', 'nonce', 'code_challenge']) {
      const value = String(searchParams.get(name));
      assert.ok(value.length >= 43 && !seen.has(value), name);
      seen.add(value);
    }
  }
});

test('while it is not known which sessions were ended, none is taken and none begins', async (t) => {
  const provider = await startHostileProvider(t);
  provider.answerWith((good) => provider.idToken(good));
  const dir = await mkdtemp(join(tmpdir(), 'latchkey-console-'));
  t.after(() => rm(dir, { recursive: true, force: true }));
  let isKnown = true;
  const url = await openConsoleOver(t, join(dir, 'audit'), '127.0.0.1', {
    signIn: {
      issuer: provider.issuer.issuer,
      clientId: 'latchkey-console',
      scopes: ['openid'],
      role: 'auditor',
      rolesClaim: 'roles',
      idleMs: 900_000,
      sessionMs: 900_000,
    },
    isRevoked() {
      if (isKnown) return false;
      throw new RelayError('state_unavailable', 'It is not known.');
    },
  });
  const { jar, address } = await begin({ url });
  assert.equal((await jar.visit(provider.authorize(address))).status, 200);
  assert.equal((await jar.visit(`${url}/audit`)).status, 200);
  isKnown = false;
  const refused = await jar.visit(`${url}/audit`);
  assert.equal(refused.status, 503);
  assert.match(await refused.text(), /"state_unavailable"/);
  const other = await begin({ url });
  assert.equal((await other.jar.visit(provider.authorize(other.address))).status, 503);
  assert.equal(other.jar.cookies(url).get('__Host-latchkey-console'), undefined);
  isKnown = true;
  assert.equal((await jar.visit(`${url}/audit`)).status, 200, 'nobody has to sign in anew');
});
