import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import {
  type IntrospectionIssuer,
  activeAnswer,
  createIntrospectionIssuer,
} from '../support/introspection-issuer.ts';
import { type TestIssuer, createTestIssuer } from '../support/issuer.ts';
import { type OpaqueRelay, createOpaqueRelay } from '../support/opaque-relay.ts';

interface Bench {
  /** Its tokens are opaque. */
  readonly issuer: IntrospectionIssuer;
  /** Its tokens are JWTs. */
  readonly other: TestIssuer;
  readonly relay: OpaqueRelay;
}

async function createBench(t: TestContext): Promise<Bench> {
  const issuer = await createIntrospectionIssuer(t);
  const other = await createTestIssuer();
  t.after(() => other.close());
  const relay = await createOpaqueRelay(t, {
    issuer: issuer.issuer,
    // So long that answers are kept, and waited for, also where the machine is slow.
    yaml: `    introspection:
      { clientId: relay, clientSecretFile: s.txt, cache: 1h, negativeCache: 60s, timeout: 60s }`,
    files: { 's.txt': 's3cret\n' },
    others: `  - issuer: ${other.issuer}
    audience: [https://relay.example.com]
    algorithms: [ES256]`,
  });
  return { issuer, other, relay };
}

void test('a token that is not active: 401 token_inactive, and nothing reaches the API', async (t) => {
  const { issuer, relay } = await createBench(t);
  for (let round = 0; round < 2; round += 1) {
    const answer = await relay.get('/x/a/1', 'stolen');
    assert.equal(answer.status, 401);
    assert.equal(answer.code, 'token_inactive');
    assert.match(answer.challenge ?? '', /Bearer .*error="invalid_token"/);
    assert.match(answer.challenge ?? '', /resource_metadata="/);
    assert.ok(!answer.text.includes('stolen'));
  }
  assert.equal(issuer.asked.length, 1);
  assert.equal(relay.upstream.requests(), 0);
  assert.ok(!relay.log.join('').includes('stolen'));
});

void test('active in any other way than `true` opens nothing', async (t) => {
  const { issuer, relay } = await createBench(t);
  for (const [index, active] of ['true', 1, null, {}, [true], 'yes'].entries()) {
    issuer.say(`t${index}`, activeAnswer({ active }));
    assert.equal((await relay.get('/x/a/1', `t${index}`)).status, 503);
  }
  assert.equal(relay.upstream.requests(), 0);
});

void test('a token cached for one scope is judged anew where another is needed: 403 scope', async (t) => {
  const { issuer, relay } = await createBench(t);
  issuer.say('reader', activeAnswer({ scope: 'read' }));
  assert.equal((await relay.get('/x/a/1', 'reader')).status, 200);
  const refused = await relay.get('/x/b/1', 'reader');
  assert.equal(refused.status, 403);
  assert.equal(refused.code, 'scope');
  assert.match(refused.challenge ?? '', /error="insufficient_scope".*scope="write"/);
  assert.equal((await relay.get('/x/a/2', 'reader')).status, 200);
  assert.equal(issuer.asked.length, 1, 'the answer was kept, the verdict was not');
  assert.equal(relay.upstream.requests(), 2);
});

void test("one person's kept answer never serves another's token", async (t) => {
  const { issuer, relay } = await createBench(t);
  issuer.say('reader', activeAnswer({ scope: 'read', sub: 'alice' }));
  issuer.say('writer', activeAnswer({ scope: 'write', sub: 'bob' }));
  for (let round = 0; round < 3; round += 1) {
    assert.equal((await relay.get('/x/b/1', 'writer')).status, 200);
    assert.equal((await relay.get('/x/b/1', 'reader')).status, 403);
    assert.equal((await relay.get('/x/b/1', 'READER')).status, 401);
  }
});

void test('an opaque token of another server is not active here: 401', async (t) => {
  const { relay } = await createBench(t);
  const elsewhere = await createIntrospectionIssuer(t);
  elsewhere.say('theirs', activeAnswer());
  assert.equal((await relay.get('/x/a/1', 'theirs')).code, 'token_inactive');
  assert.equal(elsewhere.asked.length, 0);
});

void test('a JWT of a trusted issuer is verified by its keys and never shown to the other', async (t) => {
  const { issuer, other, relay } = await createBench(t);
  assert.equal((await relay.get('/x/a/1', await other.mint({ scope: 'read' }))).status, 200);
  const forged = await other.mint({ scope: 'read' });
  assert.equal((await relay.get('/x/a/1', `${forged.slice(0, -8)}AAAAAAAA`)).status, 401);
  assert.equal(issuer.asked.length, 0);
});

void test('a damaged JWT, which anybody could mend, is shown to nobody', async (t) => {
  const { issuer, other, relay } = await createBench(t);
  const token = await other.mint({ scope: 'read' });
  const [header, claims, signature] = token.split('.');
  for (const [damaged, code] of [
    [`${token}=`, 'token_claims'],
    [`${token}==`, 'token_claims'],
    [`${header}.${claims}`, 'token_signature'],
    [`${token}.${signature}`, 'token_signature'],
    [`${token}.`, 'token_signature'],
    [`${header}.${claims?.replaceAll('-', '+')}+.${signature}`, 'token_claims'],
  ] as const) {
    const answer = await relay.get('/x/a/1', damaged);
    assert.deepEqual([answer.status, answer.code], [401, code]);
  }
  const beheaded = [token.slice(1), token.slice(4), token.slice(8), `x${token}`, `ey${token}`];
  for (const damaged of [...beheaded, `${claims}.${signature}`, `W10.${claims}.${signature}`]) {
    const answer = await relay.get('/x/a/1', damaged);
    assert.equal(answer.status, 401);
    assert.match(String(answer.code), /^token_(?:claims|signature)$/);
  }
  assert.equal(issuer.asked.length, 0);
});

void test('an encrypted token is for its issuer to read', async (t) => {
  const { issuer, relay } = await createBench(t);
  const header = Buffer.from('{"alg":"RSA-OAEP-256","enc":"A256GCM"}').toString('base64url');
  const token = `${header}.a2V5.aXY.dGV4dA.dGFn`;
  issuer.say(token, activeAnswer({ scope: 'read' }));
  assert.equal((await relay.get('/x/a/1', token)).status, 200);
  assert.equal(issuer.asked.length, 1);
});

void test('a JWT that claims to be from the opaque issuer is only what that issuer says: 401', async (t) => {
  const { issuer, other, relay } = await createBench(t);
  const token = await other.mint({ iss: issuer.issuer, scope: 'read' });
  const answer = await relay.get('/x/a/1', token);
  assert.equal(answer.status, 401);
  assert.equal(answer.code, 'token_inactive');
  assert.equal(relay.upstream.requests(), 0);
});

void test('a JWT of an issuer that is not trusted goes to nobody: 401 token_issuer', async (t) => {
  const { issuer, relay } = await createBench(t);
  const stranger = await createTestIssuer();
  t.after(() => stranger.close());
  assert.equal((await relay.get('/x/a/1', await stranger.mint())).code, 'token_issuer');
  assert.equal(issuer.asked.length, 0);
  assert.deepEqual(stranger.counts, { discovery: 0, jwks: 0, other: 0 });
});

void test("an active answer for another audience or issuer, or of a refresh token, is refused as the token's fault", async (t) => {
  const { issuer, relay } = await createBench(t);
  issuer.say('aud', activeAnswer({ aud: ['https://other.example.com'] }));
  issuer.say('none', activeAnswer({ aud: undefined }));
  issuer.say('iss', activeAnswer({ iss: 'https://other.example.com' }));
  issuer.say('rt', activeAnswer({ token_type: 'refresh_token' }));
  issuer.say('old', activeAnswer({ exp: 1_600_000_000 }));
  const codes = new Map([
    ['aud', 'token_audience'],
    ['none', 'token_audience'],
    ['iss', 'token_issuer'],
    ['rt', 'token_type'],
    ['old', 'token_expired'],
  ]);
  for (const [token, code] of codes) {
    const answer = await relay.get('/x/a/1', token);
    assert.equal(answer.status, 401);
    assert.equal(answer.code, code);
  }
  assert.equal(relay.upstream.requests(), 0);
});

void test('a bound token without proof is 401 token_binding, kept or not', async (t) => {
  const { issuer, relay } = await createBench(t);
  issuer.say('bound', activeAnswer({ token_type: 'DPoP', cnf: { jkt: 'x'.repeat(43) } }));
  for (let round = 0; round < 2; round += 1)
    assert.equal((await relay.get('/x/a/1', 'bound')).code, 'token_binding');
  assert.equal(relay.upstream.requests(), 0);
});
