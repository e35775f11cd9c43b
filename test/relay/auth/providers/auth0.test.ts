import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createProviderBench, inSeconds } from '../../../support/provider-tokens.ts';

const issuer = 'https://example.eu.auth0.com/';

const common = () => ({
  iss: issuer,
  sub: 'auth0|6553da60a54af58e29493993',
  aud: ['https://relay.example.com', 'https://example.eu.auth0.com/userinfo'],
  iat: inSeconds(-5),
  exp: inSeconds(86_400),
  scope: 'openid profile billing.read offline_access',
  permissions: ['read:invoices'],
  'https://example.com/groups': ['finance'],
  'https://example.com/email': 'alice@example.com',
});
const rfc9068 = () => ({ ...common(), client_id: 'awZexample', jti: '73WakrfVbNJBaAmhQtEeDv' });

void test('Auth0: the RFC 9068 token profile, with permissions and claims named by URLs', async (t) => {
  const { accept, config } = await createProviderBench(t, 'Auth0');
  assert.equal(config.profile, 'strict');
  const principal = await accept(rfc9068(), { typ: 'at+jwt' });
  assert.equal(principal.issuer, issuer);
  assert.equal(principal.user, 'auth0|6553da60a54af58e29493993');
  assert.equal(principal.email, 'alice@example.com');
  assert.equal(principal.clientId, 'awZexample');
  assert.deepEqual(principal.scopes, ['openid', 'profile', 'billing.read', 'offline_access']);
  assert.deepEqual(principal.roles, ['read:invoices']);
  assert.deepEqual(principal.groups, ['finance']);
});

void test('Auth0: its own token profile needs compat, and is refused by strict', async (t) => {
  const own = { ...common(), azp: 'awZexample' };
  const strict = await createProviderBench(t, 'Auth0');
  assert.equal(await strict.refuse(own, { typ: 'JWT' }), 'token_type');
  const compat = await createProviderBench(t, 'Auth0', { change: { profile: 'compat' } });
  const principal = await compat.accept(own, { typ: 'JWT' });
  assert.equal(principal.clientId, 'awZexample');
  assert.deepEqual(principal.roles, ['read:invoices']);
});

void test('Auth0: ID, opaque, refresh and management tokens, and an issuer without the slash, are refused', async (t) => {
  const { refuse, refuseToken } = await createProviderBench(t, 'Auth0');
  const id = { ...common(), aud: 'awZexample', nonce: 'n', sid: 's', scope: undefined };
  assert.equal(await refuse(id, { typ: 'JWT' }), 'token_type');
  const compat = await createProviderBench(t, 'Auth0', { change: { profile: 'compat' } });
  assert.equal(await compat.refuse(id, { typ: 'JWT' }), 'token_type');
  assert.equal(await compat.refuse({ ...id, nonce: undefined }, { typ: 'JWT' }), 'token_audience');
  const management = { ...rfc9068(), aud: 'https://example.eu.auth0.com/api/v2/' };
  assert.equal(await refuse(management, { typ: 'at+jwt' }), 'token_audience');
  const slashless = { ...rfc9068(), iss: 'https://example.eu.auth0.com' };
  assert.equal(await refuse(slashless, { typ: 'at+jwt' }), 'token_issuer');
  assert.equal(await refuseToken('4mJ9Jr0example'), 'token_signature', 'opaque: no audience asked');
  const encrypted = 'eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2R0NNIn0..aXY.Y3Q.dGFn';
  assert.equal(await refuseToken(encrypted), 'token_signature', 'encrypted: no audience asked');
});
