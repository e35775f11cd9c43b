import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import type { KeySet } from '../../../relay/auth/keys.ts';
import type { Principal } from '../../../relay/auth/principal.ts';
import { createTokenCache } from '../../../relay/auth/token-cache.ts';
import type { VerifiedToken } from '../../../relay/auth/token-cache.ts';

const keys: KeySet = { size: 0, find: () => ({ kind: 'unknown', keys: [] }) };
function verified(subject: string): VerifiedToken {
  const principal: Principal = {
    issuer: 'https://idp.example.com',
    subject,
    user: subject,
    scopes: [],
    roles: [],
    groups: [],
    claims: {},
    expiresAtMs: 0,
    acceptedUntilMs: 0,
    tokenId: subject,
    binding: 'none',
  };
  return { principal, keys };
}

const hashOf = (name: string): string => createHash('sha256').update(name).digest('hex');

void test('the cache never holds more than its capacity and keeps what was used last', () => {
  const byHash = createTokenCache(2);
  const cache = {
    get: (name: string) => byHash.get(hashOf(name)),
    set: (name: string, token: VerifiedToken) => byHash.set(hashOf(name), token),
    delete: (name: string) => byHash.delete(hashOf(name)),
  };
  cache.set('a', verified('a'));
  cache.set('b', verified('b'));
  assert.equal(cache.get('a')?.principal.subject, 'a');
  // Twice: by now a token has to come back to be kept.
  cache.set('c', verified('c'));
  cache.set('c', verified('c'));
  assert.equal(cache.get('b'), undefined);
  assert.equal(cache.get('a')?.principal.subject, 'a');
  assert.equal(cache.get('c')?.principal.subject, 'c');
  cache.set('c', verified('d'));
  assert.equal(cache.get('a')?.principal.subject, 'a', 'replacing an entry evicts none');
  cache.delete('a');
  assert.equal(cache.get('a'), undefined);
});

void test('once it has overflowed, tokens that are used once take nobody’s place', () => {
  const cache = createTokenCache(10);
  const regular = Array.from({ length: 5 }, (_, at) => hashOf(`regular ${at}`));
  for (const hash of regular) cache.set(hash, verified('regular'));
  for (let at = 0; at < 5; at++) cache.set(hashOf(`filler ${at}`), verified('filler'));
  for (const hash of regular) assert.ok(cache.get(hash), 'in the younger half now');
  for (let at = 0; at < 1_000; at++) cache.set(hashOf(`once ${at}`), verified('once'));
  assert.ok(
    regular.every((hash) => cache.get(hash) !== undefined),
    'a flood of new tokens evicts none that is in use',
  );
  const again = hashOf('twice');
  cache.set(again, verified('twice'));
  assert.equal(cache.get(again), undefined);
  cache.set(again, verified('twice'));
  assert.ok(cache.get(again), 'kept from its second use on');
});
