import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { test, type TestContext } from 'node:test';
import { allRecords } from '../audit/ledger-dir.ts';
import { signRaw, type MintOptions } from '../support/issuer.ts';
import { codeOf, sendRaw, statusOf } from '../support/raw.ts';
import {
  assertRefused,
  bearer,
  challengesOf,
  invalid,
  send,
  type Expected,
} from '../support/refused.ts';
import { createRelayBench, type RelayBench } from '../support/relay.ts';

// Cases of docs/attack-cases.md over raw sockets: what the caller gets, that the API got nothing, and
// that the audit has it.

const RULES = `      - { name: strong, allow: { paths: [/strong], scopes: [read], acr: [mfa], maxAge: 15m } }
      - { name: role, allow: { paths: [/role], scopes: [read], roles: [admin] } }
      - { name: admin, allow: { paths: [/admin], scopes: [admin] } }
      - { name: any, allow: { paths: ['/a'], scopes: [read] } }`;

const badRequest: Expected = { status: 400, code: 'bad_credentials', error: 'invalid_request' };

type Make = (bench: RelayBench) => Promise<readonly string[]> | readonly string[];
const minted =
  (claims: Readonly<Record<string, unknown>>, how: MintOptions = {}): Make =>
  async ({ issuer }) =>
    bearer(await issuer.mint({ aud: 'https://relay.test', scope: 'read', ...claims }, how));
const signed =
  (header: (kid: string) => string, payload: (good: string) => string): Make =>
  async ({ issuer }) => {
    const key = issuer.key();
    const now = Math.floor(Date.now() / 1000);
    const good = { iss: issuer.issuer, aud: 'https://relay.test', sub: 'u', client_id: 'c' };
    const claims = JSON.stringify({ ...good, jti: 'j', iat: now, exp: now + 60, scope: 'read' });
    return bearer(await signRaw(key, header(key.kid), payload(claims)));
  };
const plainHeader = (kid: string): string => JSON.stringify({ alg: 'ES256', typ: 'at+jwt', kid });
const inFuture = Math.floor(Date.now() / 1000) + 3600;

const cases: readonly (readonly [name: string, make: Make, expected: Expected])[] = [
  ['case 1: no credentials', () => [], { status: 401, code: 'token_missing', error: null }],
  [
    'case 1: an unknown scheme',
    () => ['Authorization: Basic YTpi'],
    { status: 401, code: 'token_missing', error: null },
  ],
  ['case 2: a scheme without a token', () => ['Authorization: Bearer'], badRequest],
  ['case 2: no space', () => ['Authorization: Bearer:abc'], badRequest],
  ['case 2: illegal characters', () => ['Authorization: Bearer a"b'], badRequest],
  ['case 2: a token of 20 KB', () => bearer('a'.repeat(20_000)), badRequest],
  [
    'case 3: two Authorization fields',
    async ({ issuer }) => {
      const token = await issuer.mint();
      return [...bearer(token), ...bearer(token)];
    },
    badRequest,
  ],
  [
    'case 5: alg none',
    signed(
      () => '{"alg":"none","typ":"at+jwt"}',
      (good) => good,
    ),
    invalid('token_algorithm'),
  ],
  [
    'case 5: alg nOnE',
    signed(
      () => '{"alg":"nOnE","typ":"at+jwt"}',
      (good) => good,
    ),
    invalid('token_algorithm'),
  ],
  [
    'case 6: HS256 keyed with the public key',
    async ({ issuer }) => {
      const part = (text: string): string => Buffer.from(text).toString('base64url');
      const key = JSON.stringify(issuer.key().publicJwk);
      const head = part(`{"alg":"HS256","typ":"at+jwt","kid":"${issuer.key().kid}"}`);
      const [, payload = ''] = (await issuer.mint()).split('.');
      const mac = createHmac('sha256', key).update(`${head}.${payload}`).digest('base64url');
      return bearer(`${head}.${payload}.${mac}`);
    },
    invalid('token_algorithm'),
  ],
  [
    'case 7: unknown crit',
    signed(
      (kid) => JSON.stringify({ alg: 'ES256', typ: 'at+jwt', kid, crit: ['x'], x: 1 }),
      (good) => good,
    ),
    invalid('token_signature'),
  ],
  [
    'case 8: a key of its own',
    minted({}, { header: { jku: 'http://127.0.0.1:1/k' }, kid: 'mine' }),
    { status: 200, code: '' },
  ],
  [
    'case 9: a kid that is a path and a query',
    minted({}, { kid: "../../etc/passwd' OR 1=1\r\n" }),
    { status: 200, code: '' },
  ],
  ['case 14: exp missing', minted({ exp: undefined }), invalid('token_claims')],
  ['case 14: exp as text', minted({ exp: '9999999999' }), invalid('token_claims')],
  ['case 14: exp 1e300', minted({ exp: 1e300 }), invalid('token_claims')],
  ['case 14: exp in the past', minted({ exp: 1 }), invalid('token_expired')],
  ['case 14: nbf in the future', minted({ nbf: inFuture }), invalid('token_not_yet_valid')],
  [
    'case 14: iat in the future',
    minted({ iat: inFuture, exp: inFuture + 60 }),
    invalid('token_claims'),
  ],
  ['case 15: aud missing', minted({ aud: undefined }), invalid('token_audience')],
  [
    'case 15: aud of another API',
    minted({ aud: ['https://a.test', 'https://b.test'] }),
    invalid('token_audience'),
  ],
  [
    'case 16: iss with a slash more',
    async ({ issuer }) => bearer(await issuer.mint({ iss: `${issuer.issuer}/` })),
    invalid('token_issuer'),
  ],
  ['case 17: an ID token', minted({ nonce: 'n' }, { typ: 'JWT' }), invalid('token_type')],
  ['case 17: a logout token', minted({ events: {} }, { typ: 'logout+jwt' }), invalid('token_type')],
  ['case 18: an encrypted token', () => bearer('e30.e30.e30.e30.e30'), invalid('token_signature')],
  [
    'case 19: a member twice',
    signed(plainHeader, (good) => good.replace('{', '{"sub":"admin",')),
    invalid('token_claims'),
  ],
  ['case 19: a list', signed(plainHeader, () => '[]'), invalid('token_claims')],
  [
    'case 19: spare bits',
    async ({ token }) => bearer(`${await token()}=`),
    invalid('token_claims'),
  ],
];

async function bench(t: TestContext): Promise<RelayBench> {
  return await createRelayBench(t, { rules: RULES, issuer: '    dpop: off' });
}

for (const [name, make, expected] of cases.filter(([, , { status }]) => status !== 200))
  test(name, async (t) => {
    const relay = await bench(t);
    await assertRefused(relay, await send(relay, await make(relay)), expected);
  });

test('case 4: a token in the query is refused and in no record; one in a body is not read', async (t) => {
  const relay = await bench(t);
  const token = await relay.token();
  const query = await send(relay, [], `/x/a?access_token=${token}`);
  await assertRefused(relay, query, badRequest);
  const body = `access_token=${token}`;
  const form = `POST /x/a HTTP/1.1\r\nHost: ${new URL(relay.relay.url).host}\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
  const answer = await sendRaw(relay.relay.url, form);
  await assertRefused(relay, answer, { status: 401, code: 'token_missing', error: null });
  const kept = JSON.stringify(await allRecords(relay.auditDir)) + relay.log.join('');
  assert.ok(!kept.includes(token.slice(-40)), 'the token was written down');
});

test('case 8 and 9: keys and addresses inside a token, and a strange kid, cause no request but one refetch', async (t) => {
  const relay = await bench(t);
  const before = { ...relay.issuer.counts };
  for (const [, make] of cases.filter(([, , { status }]) => status === 200)) {
    // The only key of its kind is tried for a kid that is not known, and the signature holds.
    assert.equal(statusOf(await send(relay, await make(relay))), 200);
  }
  assert.equal(relay.issuer.counts.other, before.other);
  assert.ok(relay.issuer.counts.jwks - before.jwks <= 1);
});

test('case 24: scopes and roles compare whole; only a scope is named to the caller', async (t) => {
  const relay = await bench(t);
  const admin = await send(
    relay,
    bearer(await relay.token({ scope: 'read nonadmin' })),
    '/x/admin',
  );
  await assertRefused(relay, admin, { status: 403, code: 'scope', error: 'insufficient_scope' });
  assert.match(challengesOf(admin), /scope="admin"/);
  for (const roles of ['superadmin', ['superadmin', 'admins'], 'admin other']) {
    const answer = await send(relay, bearer(await relay.token({ roles })), '/x/role');
    await assertRefused(relay, answer, { status: 403, code: 'role' });
  }
});

test('case 25: a weak or old sign-in is told what is wanted (RFC 9470 §3)', async (t) => {
  const relay = await bench(t);
  const now = Math.floor(Date.now() / 1000);
  for (const claims of [
    {},
    { acr: 'pwd', auth_time: now },
    { acr: 'mfa', auth_time: now - 1000 },
    { acr: 'mfa' },
  ]) {
    const answer = await send(relay, bearer(await relay.token(claims)), '/x/strong');
    const error = 'insufficient_user_authentication';
    await assertRefused(relay, answer, { status: 401, code: 'step_up', error });
    assert.match(challengesOf(answer), /acr_values="mfa", max_age="900"/);
  }
  const fresh = await relay.token({ acr: 'mfa', auth_time: now });
  assert.equal(statusOf(await send(relay, bearer(fresh), '/x/strong')), 200);
});

test('case 47: no agent and no path is let through without a token', async (t) => {
  const relay = await bench(t);
  for (const target of ['/metrics', '/debug', '/healthz', '/readyz', '/config', '/ping'])
    for (const agent of ['kube-probe/1.30', 'GoogleHC/1.0', 'ELB-HealthChecker/2.0']) {
      const answer = await send(relay, [`User-Agent: ${agent}`], target);
      await assertRefused(relay, answer, { status: 401, code: 'token_missing', error: null });
    }
  const known = await send(relay, bearer(await relay.token()), '/metrics');
  assert.equal(statusOf(known), 404);
  assert.equal(codeOf(known), 'unknown_api');
});

test('case 48: line breaks and escapes in names stay inside one record', async (t) => {
  const relay = await bench(t);
  const sub = 'eve"}\n{"user":"alice\u001b[2J';
  const token = await relay.token({ sub });
  assert.equal(statusOf(await send(relay, bearer(token))), 200);
  const records = await allRecords(relay.auditDir);
  assert.ok(records.some(({ user }) => user === sub));
  assert.ok(!records.some(({ user }) => user === 'alice'));
  assert.ok(relay.log.every((line) => line.trimEnd().split('\n').length === 1));
});

test('case 50: people are told apart by issuer and sub, whatever their email says', async (t) => {
  const relay = await bench(t);
  for (const email of ['a@b@company.test', 'alice@company.test'])
    await send(relay, bearer(await relay.token({ sub: 'mallory', email })));
  const people = (await allRecords(relay.auditDir)).flatMap(({ user }) => user ?? []);
  assert.deepEqual([...new Set(people)].sort(), ['mallory']);
});
