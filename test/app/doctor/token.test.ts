import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { calculateJwkThumbprint, exportJWK, generateKeyPair } from 'jose';
import type { RelayMetadata } from '../../../app/main/agent/login/relay-metadata.ts';
import { dpopKey } from '../../../app/main/agent/session/proof.ts';
import { tokenFacts } from '../../../app/main/agent/session/token-facts.ts';
import type { TokenSet } from '../../../app/main/agent/session/token-set.ts';
import { tokenProblems } from '../../../app/main/doctor/token-claims.ts';

const pair = await generateKeyPair('ES256', { extractable: true });
const key = dpopKey.parse(await exportJWK(pair.privateKey));
const jkt = await calculateJwkThumbprint(key);

const relay: RelayMetadata = {
  resource: 'https://relay.example.com',
  issuer: 'https://idp.example.com/',
  clientId: 'latchkey-desktop',
  scopes: ['openid', 'offline_access', 'billing.read', 'api://relay/people.read'],
  authorizationParameters: {},
  redirectUri: 'http://127.0.0.1/callback',
  redirectPorts: [],
  dpop: 'required',
  endpoints: {},
};

const fitting = {
  iss: relay.issuer,
  aud: ['https://relay.example.com/'],
  scope: 'billing.read people.read',
  cnf: { jkt },
  sub: 'helen',
  email: 'helen@example.com',
  name: 'Helen Troy',
};

const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
const jwt = (claims: object): string =>
  `${part({ alg: 'ES256', typ: 'at+jwt' })}.${part(claims)}.c2ln`;

function tokens(accessToken: string, changes: Partial<TokenSet> = {}): TokenSet {
  return {
    accessToken,
    identity: { subject: 'helen', name: 'Helen Troy' },
    obtainedAtMs: 0,
    expiresAtMs: 3_600_000,
    issuer: relay.issuer,
    clientId: relay.clientId,
    resource: relay.resource,
    tokenType: 'dpop',
    dpopKey: key,
    ...changes,
  };
}

/** The outcome and the words of each problem of a token with these claims in place of fitting ones. */
function problems(
  claims: object,
  options: {
    readonly set?: Partial<TokenSet>;
    readonly relay?: Partial<RelayMetadata>;
    readonly isTaken?: boolean;
  } = {},
): readonly string[] {
  const facts = tokenFacts(tokens(jwt({ ...fitting, ...claims }), options.set));
  const found = tokenProblems(facts, { ...relay, ...options.relay }, options.isTaken ?? false);
  for (const { todo } of found) assert.match(todo, /\.$/u);
  return found.map(({ outcome, detail }) => `${outcome}: ${detail}`);
}

describe('what the doctor finds in an access token', () => {
  test('nothing, where all fits', () => {
    assert.deepEqual(problems({}), []);
    assert.deepEqual(
      problems({ aud: relay.resource, scope: undefined, scp: ['billing.read', 'people.read'] }),
      [],
    );
  });

  test('a key that it should be bound to and is not', () => {
    const bearer = { tokenType: 'bearer', dpopKey: undefined } as const;
    assert.match(
      problems({ cnf: undefined }, { set: bearer }).join(),
      /^fail: it is bound to no key/u,
    );
    assert.match(problems({ cnf: undefined }).join(), /^fail: .* claims name none \(cnf\.jkt\)/u);
    assert.match(problems({ cnf: { jkt: 'x' } }).join(), /^fail: it is bound to another key/u);
    assert.match(problems({}, { set: bearer }).join(), /^fail: it is bound to another key/u);
    assert.match(
      problems({ cnf: { 'x5t#S256': 'x' } }).join(),
      /^fail: it is bound to a certificate/u,
    );
    assert.deepEqual(
      problems({ cnf: undefined }, { set: bearer, relay: { dpop: 'optional' } }),
      [],
    );
  });

  test('another issuer or audience, unless the relay takes it all the same', () => {
    const iss = { iss: 'https://idp.example.com' };
    assert.deepEqual(problems(iss), [
      'warn: it names https://idp.example.com as its issuer (iss), not https://idp.example.com/',
    ]);
    const aud = { aud: ['api://1', 'https://relay.example.com.evil.example'] };
    assert.match(
      problems(aud).join(),
      /^warn: it is meant for api:\/\/1, .* not for https:\/\/relay/u,
    );
    assert.match(problems({ aud: undefined }).join(), /^warn: it is meant for nobody \(aud\)/u);
    const moved = { set: { issuer: 'https://old.example.com' } };
    assert.match(
      problems({}, moved).join(),
      /given out by https:\/\/old\.example\.com, and the relay now names/u,
    );
    assert.deepEqual(problems({ ...iss, ...aud }, { isTaken: true }), []);
  });

  test('scopes that were asked for and not granted', () => {
    assert.deepEqual(problems({ scope: 'openid people.read' }), [
      'warn: the relay asks for billing.read, which was not granted',
    ]);
    const unsaid = { scope: undefined };
    assert.deepEqual(problems(unsaid), []);
    const said = { set: { scope: 'openid billing.read' } };
    assert.match(problems(unsaid, said).join(), /asks for api:\/\/relay\/people\.read, which/u);
    assert.deepEqual(problems({ scope: 'x' }, { relay: { scopes: ['api://relay/.default'] } }), []);
  });

  test('a life that is very short or very long', () => {
    assert.deepEqual(problems({}, { set: { expiresAtMs: 10_000 } }), ['warn: it lives 10 s']);
    const days = { set: { expiresAtMs: 7 * 86_400_000 } };
    assert.deepEqual(problems({}, days), ['warn: it lives 168 hours']);
  });

  test('the gravest comes first', () => {
    const found = problems({ cnf: undefined, aud: 'x' }, { set: { expiresAtMs: 10_000 } });
    assert.deepEqual(
      found.map((one) => one.slice(0, 4)),
      ['fail', 'warn', 'warn'],
    );
  });
});

test('attack: neither the token nor who somebody is leaves the app, whatever the claims are', () => {
  const secretive = [
    jwt({ ...fitting, aud: ['relay', { email: 'helen@example.com' }, 7] }),
    jwt({ ...fitting, scope: { name: 'Helen' }, cnf: 'helen', iss: ['helen'] }),
    jwt({ ...fitting, aud: 'x'.repeat(100_000) }),
    'opaque-helen-token',
    'a.b.helen',
    `${part({ enc: 'A256GCM' })}.helen.a.b.c`,
    jwt([] as object),
  ];
  for (const accessToken of secretive) {
    const facts = tokenFacts(tokens(accessToken));
    const told = JSON.stringify(facts);
    assert.doesNotMatch(told, /helen/iu);
    assert.ok(!told.includes(accessToken) && told.length < 1000, told);
    assert.ok(Array.isArray(tokenProblems(facts, relay, false)));
  }
  assert.equal(tokenFacts(tokens('opaque-helen-token')).form, 'opaque');
  assert.equal(tokenFacts(tokens(`${part({})}.helen.a.b.c`)).form, 'opaque');
});
