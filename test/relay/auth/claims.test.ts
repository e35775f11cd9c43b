import assert from 'node:assert/strict';
import { test } from 'node:test';
import { claimAt, principalFromClaims } from '../../../relay/auth/claims.ts';
import type { Principal } from '../../../relay/auth/principal.ts';
import type { IssuerConfig } from '../../../relay/config/config.ts';
import { RelayError } from '../../../relay/errors.ts';

const issuer: IssuerConfig = {
  issuer: 'https://idp.example.com',
  audience: ['https://relay.example.com'],
  profile: 'strict',
  algorithms: ['RS256'],
  clockToleranceMs: 30_000,
  maxStaleMs: 86_400_000,
  tokens: 'jwt',
  dpop: 'off',
  dpopNonce: false,
  claims: { user: 'sub', email: 'email', roles: 'realm_access.roles', groups: 'groups' },
  metadata: {},
};
const compat: IssuerConfig = { ...issuer, profile: 'compat' };

function principal(
  claims: Readonly<Record<string, unknown>>,
  config: IssuerConfig = issuer,
): Principal {
  return principalFromClaims({ sub: 's', exp: 100.5, ...claims }, config, 'id');
}

function assertRefused(
  claims: Readonly<Record<string, unknown>>,
  config: IssuerConfig = issuer,
): void {
  assert.throws(
    () => principal(claims, config),
    (error) => error instanceof RelayError && error.code === 'token_claims',
    JSON.stringify(claims),
  );
}

void test('a principal has all that the claims say', () => {
  const found = principal({
    name: 'Ann',
    email: 'ann@example.com',
    client_id: 'app',
    scope: 'a b  a',
    realm_access: { roles: ['accountant', 'admin'] },
    groups: 'finance',
    auth_time: 7,
    acr: 'mfa',
  });
  assert.equal(found.user, 's');
  assert.equal(found.userName, 'Ann');
  assert.equal(found.email, 'ann@example.com');
  assert.equal(found.clientId, 'app');
  assert.deepEqual(found.scopes, ['a', 'b']);
  assert.deepEqual(found.roles, ['accountant', 'admin']);
  assert.deepEqual(found.groups, ['finance']);
  assert.equal(found.authTime, 7);
  assert.equal(found.acr, 'mfa');
  assert.equal(found.expiresAtMs, 100_500);
  assert.equal(found.tokenId, 'id');
});

void test('absent claims leave members out', () => {
  const found = principal({});
  assert.deepEqual(
    [found.email, found.userName, found.clientId, found.authTime, found.acr],
    [undefined, undefined, undefined, undefined, undefined],
  );
  assert.deepEqual([found.scopes, found.roles, found.groups], [[], [], []]);
  for (const none of ['yesterday', -5, 1e300, null])
    assert.equal(principal({ auth_time: none, acr: 3 }).authTime, undefined, String(none));
});

void test('a claim is found by its literal name before the path, never in a prototype', () => {
  assert.equal(claimAt({ 'https://x.com/roles': 1 }, 'https://x.com/roles'), 1);
  assert.equal(claimAt({ 'a.b': 1, a: { b: 2 } }, 'a.b'), 1);
  assert.equal(claimAt({ a: { b: { c: 3 } } }, 'a.b.c'), 3);
  for (const path of ['a.b', 'constructor', '__proto__', 'a.constructor.name', 'toString.name', ''])
    assert.equal(claimAt({ a: 1 }, path), undefined, path);
  assert.equal(claimAt({ a: ['x'] }, 'a.0'), undefined);
  assert.equal(claimAt({ a: null }, 'a.b'), undefined);
});

void test('a role that is a string is one role, however many words it has', () => {
  assert.deepEqual(principal({ realm_access: { roles: 'admin accountant' } }).roles, [
    'admin accountant',
  ]);
  assert.deepEqual(principal({ realm_access: { roles: '' } }).roles, []);
  assert.deepEqual(principal({ realm_access: { roles: null } }).roles, []);
});

void test('lists with anything but strings are refused whole', () => {
  for (const bad of [[1], ['a', null], [['a']], { admin: true }, 5, true]) {
    assertRefused({ realm_access: { roles: bad } });
    assertRefused({ groups: bad });
    assertRefused({ scope: bad }, compat);
    assertRefused({ scp: bad }, compat);
  }
});

void test('scopes: a string under strict, scope and scp as string or list under compat', () => {
  assertRefused({ scope: ['a'] });
  assertRefused({ scope: null });
  assert.deepEqual(principal({ scp: ['a'], scope: 'b' }).scopes, ['b']);
  assert.deepEqual(principal({ scp: ['a', 'b c'] }, compat).scopes, ['a', 'b c']);
  assert.deepEqual(principal({ scp: 'a b' }, compat).scopes, ['a', 'b']);
  assert.deepEqual(principal({ scope: ['a'], scp: 'a b' }, compat).scopes, ['a', 'b']);
});

void test('the client is client_id under strict, also azp or cid under compat', () => {
  assert.equal(principal({ azp: 'z', cid: 'c' }).clientId, undefined);
  assert.equal(principal({ client_id: 'i', azp: 'z' }, compat).clientId, 'i');
  assert.equal(principal({ azp: 'z', cid: 'c' }, compat).clientId, 'z');
  assert.equal(principal({ cid: 'c' }, compat).clientId, 'c');
});

void test('the user is the configured claim, and a token without it is refused', () => {
  const byEmail: IssuerConfig = { ...issuer, claims: { ...issuer.claims, user: 'email' } };
  assert.equal(principal({ email: 'ann@example.com' }, byEmail).user, 'ann@example.com');
  for (const email of [undefined, null, '', 5, ['ann@example.com']])
    assertRefused({ email }, byEmail);
  assertRefused({ sub: '' });
  assertRefused({ sub: 5 });
  assertRefused({ exp: '100' });
});
