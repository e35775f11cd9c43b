import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { type TestContext, test } from 'node:test';
import { type IntrospectorDeps, createIntrospector } from '../../../relay/auth/introspect.ts';
import type { IntrospectionEvent, Introspector } from '../../../relay/auth/introspect.ts';
import type { IssuerConfig } from '../../../relay/config/config.ts';
import { RelayError } from '../../../relay/errors.ts';
import {
  type IntrospectionIssuer,
  activeAnswer,
  createIntrospectionIssuer,
  sendJson,
} from '../../support/introspection-issuer.ts';
import { type TestClock, createTestClock } from '../../support/verifier.ts';
import { until } from '../../support/until.ts';

interface Bench {
  readonly issuer: IntrospectionIssuer;
  readonly introspector: Introspector;
  readonly clock: TestClock;
  readonly events: readonly IntrospectionEvent[];
  readonly ask: (token: string) => ReturnType<Introspector['introspect']>;
}

const hashOf = (text: string): string => createHash('sha256').update(text).digest('hex');

async function createBench(
  t: TestContext,
  options: {
    readonly config?: (issuer: IntrospectionIssuer) => IssuerConfig;
    readonly deps?: Partial<IntrospectorDeps>;
  } = {},
): Promise<Bench> {
  const issuer = await createIntrospectionIssuer(t);
  const clock = createTestClock();
  const events: IntrospectionEvent[] = [];
  const config = options.config?.(issuer) ?? issuer.config();
  const { introspection } = config;
  assert.ok(introspection);
  // No test here waits for the time-out.
  const patient = { ...config, introspection: { ...introspection, timeoutMs: 30_000 } };
  const introspector = createIntrospector(patient, {
    now: clock.now,
    fetch,
    log: (event) => events.push(event),
    breaker: { retryMinMs: 20, retryMaxMs: 40 },
    ...options.deps,
  });
  t.after(() => introspector.close());
  const ask = (token: string) => introspector.introspect(token, hashOf(token));
  return { issuer, introspector, clock, events, ask };
}

async function refusedWith(code: string, asked: Promise<unknown>): Promise<RelayError> {
  const error = await asked.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof RelayError, String(error));
  assert.equal(error.code, code);
  return error;
}

void test('an active token becomes a principal with what the issuer says of it', async (t) => {
  const { issuer, ask } = await createBench(t);
  const answer = activeAnswer({
    scope: 'read write',
    username: 'Alice',
    email: 'alice@example.com',
    roles: ['accountant'],
    groups: 'finance',
    jti: 'j-1',
    sid: 's-1',
    auth_time: 1_700_000_000,
    acr: 'mfa',
  });
  issuer.say('opaque', answer);
  const { principal, cached } = await ask('opaque');
  assert.equal(cached, false);
  assert.equal(principal.issuer, issuer.issuer);
  assert.equal(principal.user, 'user-1');
  assert.equal(principal.userName, 'Alice');
  assert.equal(principal.email, 'alice@example.com');
  assert.equal(principal.clientId, 'latchkey-desktop');
  assert.deepEqual(principal.scopes, ['read', 'write']);
  assert.deepEqual(principal.roles, ['accountant']);
  assert.deepEqual(principal.groups, ['finance']);
  assert.equal(principal.sid, 's-1');
  assert.equal(principal.acr, 'mfa');
  assert.equal(principal.authTime, 1_700_000_000);
  assert.equal(principal.tokenId, hashOf('j-1'));
  assert.equal(principal.expiresAtMs, Number(answer['exp']) * 1000);
  assert.equal(principal.claims['active'], undefined);
});

void test('the question is a form post with the token in its body only (RFC 7662 §2.1)', async (t) => {
  const { issuer, ask } = await createBench(t);
  issuer.say('a+b/c==', activeAnswer());
  await ask('a+b/c==');
  const [asked] = issuer.asked;
  assert.deepEqual(asked?.form, { token: 'a+b/c==', token_type_hint: 'access_token' });
  assert.equal(asked.accept, 'application/json');
  assert.equal(asked.contentType, 'application/x-www-form-urlencoded');
});

void test('a token is asked about once, however often and from however many it comes', async (t) => {
  const { issuer, ask, clock } = await createBench(t);
  issuer.say('one', activeAnswer());
  const all = await Promise.all(Array.from({ length: 50 }, () => ask('one')));
  assert.equal(issuer.asked.length, 1);
  assert.ok(all.every(({ principal }) => principal.user === 'user-1'));
  assert.equal((await ask('one')).cached, true);
  clock.advance(29_000);
  assert.equal((await ask('one')).cached, true);
  clock.advance(2_000);
  assert.equal((await ask('one')).cached, false);
  assert.equal(issuer.asked.length, 2);
});

void test('tokens that differ in one letter never share an answer', async (t) => {
  const { issuer, ask } = await createBench(t);
  issuer.say('token-a', activeAnswer({ sub: 'alice' }));
  issuer.say('token-A', activeAnswer({ sub: 'mallory' }));
  for (let round = 0; round < 2; round += 1) {
    assert.equal((await ask('token-a')).principal.user, 'alice');
    assert.equal((await ask('token-A')).principal.user, 'mallory');
    await refusedWith('token_inactive', ask('token-aa'));
  }
});

void test('an answer serves no longer than the token lives', async (t) => {
  const { issuer, ask, clock } = await createBench(t);
  issuer.say('short', activeAnswer({ exp: Math.floor(clock.now() / 1000) + 10 }));
  await ask('short');
  clock.advance(8_000);
  assert.equal((await ask('short')).cached, true);
  clock.advance(3_000);
  issuer.say('short', undefined);
  await refusedWith('token_inactive', ask('short'));
});

void test('an answer does not serve for longer because the clock was set back', async (t) => {
  const { issuer, ask, clock } = await createBench(t);
  issuer.say('one', activeAnswer());
  await ask('one');
  clock.advance(-3_600_000);
  issuer.say('one', undefined);
  await refusedWith('token_inactive', ask('one'));
});

void test('with cache 0 every request asks', async (t) => {
  const { issuer, ask } = await createBench(t, {
    config: (issuer) => issuer.config({}, { cacheMs: 0, negativeCacheMs: 0 }),
  });
  issuer.say('one', activeAnswer());
  for (let round = 0; round < 3; round += 1) assert.equal((await ask('one')).cached, false);
  for (let round = 0; round < 3; round += 1) await refusedWith('token_inactive', ask('none'));
  assert.equal(issuer.asked.length, 6);
});

void test('that a token is not active is remembered for a moment only', async (t) => {
  const { issuer, ask, clock } = await createBench(t);
  await refusedWith('token_inactive', ask('new'));
  issuer.say('new', activeAnswer());
  clock.advance(4_000);
  await refusedWith('token_inactive', ask('new'));
  assert.equal(issuer.asked.length, 1);
  clock.advance(2_000);
  assert.equal((await ask('new')).principal.user, 'user-1');
});

void test('a flood of tokens that are not active evicts no good one', async (t) => {
  const { issuer, ask } = await createBench(t, { deps: { limits: { kept: 3 } } });
  issuer.say('good', activeAnswer());
  await ask('good');
  for (let index = 0; index < 20; index += 1) await refusedWith('token_inactive', ask(`x${index}`));
  assert.equal((await ask('good')).cached, true);
  for (const name of ['a', 'b', 'c']) issuer.say(name, activeAnswer());
  for (const name of ['a', 'b', 'c']) await ask(name);
  assert.equal((await ask('good')).cached, false, 'the oldest of four has gone');
});

void test('without exp a token counts as good for five minutes, and is asked about as often as any', async (t) => {
  const { issuer, ask, clock } = await createBench(t);
  issuer.say('eternal', activeAnswer({ exp: undefined }));
  const { principal } = await ask('eternal');
  assert.ok(Math.abs(principal.expiresAtMs - clock.now() - 300_000) <= 1_000);
  clock.advance(31_000);
  assert.equal((await ask('eternal')).cached, false);
});

const refusals: readonly (readonly [string, Readonly<Record<string, unknown>>, string])[] = [
  ['another audience', { aud: 'https://other.example.com' }, 'token_audience'],
  ['no audience', { aud: undefined }, 'token_audience'],
  ['an audience that is no text', { aud: [42, 'https://relay.example.com'] }, 'token_audience'],
  ['another issuer', { iss: 'https://other.example.com' }, 'token_issuer'],
  ['an issuer that is no text', { iss: ['x'] }, 'token_issuer'],
  ['a refresh token', { token_type: 'refresh_token' }, 'token_type'],
  ['a refresh token of Keycloak', { typ: 'Refresh' }, 'token_type'],
  ['a refresh token of Hydra', { token_use: 'refresh_token' }, 'token_type'],
  ['an ID token', { nonce: 'n' }, 'token_type'],
  ['a type that is no text', { token_type: 1 }, 'token_type'],
  ['an end that has passed', { exp: 1_600_000_000 }, 'token_expired'],
  ['a beginning that has not come', { nbf: 4_000_000_000 }, 'token_not_yet_valid'],
  ['exp as text', { exp: '4000000000' }, 'token_claims'],
  ['exp beyond all dates', { exp: 1e300 }, 'token_claims'],
  ['exp null', { exp: null }, 'token_claims'],
  ['iat in the future', { iat: 4_000_000_000 }, 'token_claims'],
  ['no subject', { sub: undefined }, 'token_claims'],
  ['a subject that is no text', { sub: { name: 'x' } }, 'token_claims'],
  ['no subject but a user name', { sub: undefined, username: 'alice' }, 'token_claims'],
  ['roles that are no list', { roles: { admin: true } }, 'token_claims'],
  ['an unknown binding', { cnf: { jwk: {} } }, 'token_binding'],
];

for (const [name, changes, code] of refusals)
  void test(`active, but refused: ${name}`, async (t) => {
    const { issuer, ask } = await createBench(t);
    issuer.say('token', activeAnswer(changes));
    await refusedWith(code, ask('token'));
    await refusedWith(code, ask('token'));
    assert.equal(issuer.asked.length, 1, 'the refusal is remembered for a moment');
  });

void test('an issuer without audiences is accepted only where the administrator says so', async (t) => {
  const { issuer, ask } = await createBench(t, {
    config: (issuer) => issuer.config({ audience: [] }),
  });
  issuer.say('token', activeAnswer({ aud: undefined }));
  assert.equal((await ask('token')).principal.user, 'user-1');
});

void test('where people are named by username, an answer without sub is one of theirs', async (t) => {
  const claims = { user: 'username', email: 'email', roles: 'roles', groups: 'groups' };
  const { issuer, ask } = await createBench(t, { config: (issuer) => issuer.config({ claims }) });
  issuer.say('token', activeAnswer({ sub: undefined, username: 'alice' }));
  const { principal } = await ask('token');
  assert.equal(principal.subject, 'alice');
  assert.equal(principal.user, 'alice');
});

void test('bindings are read, so that possession is asked for', async (t) => {
  const { issuer, ask } = await createBench(t);
  issuer.say('dpop', activeAnswer({ cnf: { jkt: 'x' }, token_type: 'DPoP' }));
  issuer.say('mtls', activeAnswer({ cnf: { 'x5t#S256': 'x' } }));
  assert.equal((await ask('dpop')).principal.binding, 'dpop');
  assert.equal((await ask('mtls')).principal.binding, 'mtls');
});

void test('the endpoint comes from discovery, or from the configuration', async (t) => {
  const discovered = await createBench(t);
  discovered.issuer.say('one', activeAnswer());
  await discovered.ask('one');
  assert.equal(discovered.issuer.counts.discovery, 1);
  for (const how of ['endpoint', 'metadata']) {
    const configured = await createBench(t, {
      config: (issuer) => {
        const endpoint = `${issuer.issuer}/introspect`;
        return how === 'endpoint'
          ? issuer.config({}, { endpoint })
          : issuer.config({ metadata: { introspection_endpoint: endpoint } });
      },
    });
    configured.issuer.say('one', activeAnswer());
    await configured.ask('one');
    assert.equal(configured.issuer.counts.discovery, 0);
  }
});

void test('start reaches the endpoint without asking it anything', async (t) => {
  const { issuer, introspector } = await createBench(t);
  assert.equal(introspector.state().ready, false);
  introspector.start();
  await until('introspection is ready', () => introspector.state().ready);
  assert.equal(introspector.state().problem, undefined);
  assert.equal(issuer.asked.length, 0);
});

void test('an answer may be replaced while the issuer moves its endpoint', async (t) => {
  const { issuer, ask, clock } = await createBench(t);
  issuer.say('one', activeAnswer());
  await ask('one');
  issuer.describe({ issuer: issuer.issuer, introspection_endpoint: `${issuer.issuer}/gone` });
  clock.advance(3_600_001);
  issuer.say('one', activeAnswer({ exp: Math.floor(clock.now() / 1000) + 60 }));
  assert.equal(
    (await ask('one')).cached,
    false,
    'the known endpoint serves while it is looked for',
  );
  await until('the discovery is read again', () => issuer.counts.discovery === 2);
});

void test('connections are used again, and one that the issuer closed is replaced', async (t) => {
  const { issuer, ask } = await createBench(t);
  const ports = new Set<number | undefined>();
  issuer.answer((request, response) => {
    ports.add(request.socket.remotePort);
    sendJson(response, activeAnswer());
  });
  await ask('one');
  await ask('two');
  assert.equal(ports.size, 1);
  issuer.down();
  issuer.up();
  await ask('three');
  assert.equal(ports.size, 2);
});
