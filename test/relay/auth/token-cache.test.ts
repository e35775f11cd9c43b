import assert from 'node:assert/strict';
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
    tokenId: subject,
    binding: 'none',
  };
  return { principal, keys };
}

void test('the cache never holds more than its capacity and keeps what was used last', () => {
  const cache = createTokenCache(2);
  cache.set('a', verified('a'));
  cache.set('b', verified('b'));
  assert.equal(cache.get('a')?.principal.subject, 'a');
  cache.set('c', verified('c'));
  assert.equal(cache.get('b'), undefined);
  assert.equal(cache.get('a')?.principal.subject, 'a');
  assert.equal(cache.get('c')?.principal.subject, 'c');
  cache.set('c', verified('d'));
  assert.equal(cache.get('a')?.principal.subject, 'a', 'replacing an entry evicts none');
  cache.delete('a');
  assert.equal(cache.get('a'), undefined);
});
