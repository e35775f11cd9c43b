import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createProviderBench, inSeconds } from '../../../support/provider-tokens.ts';

const issuer = 'https://keycloak.example.com/realms/company';
const header = { typ: 'JWT' };

const access = () => ({
  exp: inSeconds(300),
  iat: inSeconds(-5),
  auth_time: inSeconds(-60),
  jti: 'onrtac:7a3b1e5c-0d0c-4c3f-9a61-2c1b6a0f6b1d',
  iss: issuer,
  aud: ['https://relay.example.com', 'account'],
  sub: 'f3a1c9d2-3a44-4a0e-8a6f-0a1b2c3d4e5f',
  typ: 'Bearer',
  azp: 'latchkey-desktop',
  sid: '3c2a4a9e-6f3d-4b0a-9f5e-1d2c3b4a5f6e',
  acr: '1',
  'allowed-origins': ['http://127.0.0.1'],
  realm_access: { roles: ['accountant', 'offline_access', 'uma_authorization'] },
  resource_access: { account: { roles: ['manage-account', 'view-profile'] } },
  scope: 'openid profile email offline_access billing.read',
  email_verified: true,
  name: 'Alice Archer',
  preferred_username: 'alice',
  given_name: 'Alice',
  family_name: 'Archer',
  email: 'alice@example.com',
  groups: ['/finance'],
});

void test('Keycloak: realm roles, groups, azp, one audience of two', async (t) => {
  const { accept } = await createProviderBench(t, 'Keycloak');
  const principal = await accept(access(), header);
  assert.equal(principal.user, 'f3a1c9d2-3a44-4a0e-8a6f-0a1b2c3d4e5f');
  assert.equal(principal.userName, 'Alice Archer');
  assert.equal(principal.email, 'alice@example.com');
  assert.equal(principal.clientId, 'latchkey-desktop');
  assert.deepEqual(principal.roles, ['accountant', 'offline_access', 'uma_authorization']);
  assert.deepEqual(principal.groups, ['/finance']);
  assert.ok(principal.scopes.includes('billing.read'));
  assert.equal(principal.sid, '3c2a4a9e-6f3d-4b0a-9f5e-1d2c3b4a5f6e');
  assert.equal(principal.acr, '1');
});

void test('Keycloak: client roles by path, a nonce of versions before 25, at+jwt in the header', async (t) => {
  const claims = {
    user: 'sub',
    email: 'email',
    roles: 'resource_access.account.roles',
    groups: 'groups',
  };
  const { accept } = await createProviderBench(t, 'Keycloak', { change: { claims } });
  const principal = await accept({ ...access(), nonce: 'n' }, header);
  assert.deepEqual(principal.roles, ['manage-account', 'view-profile']);
  assert.equal((await accept(access(), { typ: 'at+jwt' })).clientId, 'latchkey-desktop');
  assert.deepEqual((await accept({ ...access(), resource_access: undefined }, header)).roles, []);
});

void test('Keycloak: without an audience mapper, and for every other kind of token: refused', async (t) => {
  const { refuse } = await createProviderBench(t, 'Keycloak');
  assert.equal(await refuse({ ...access(), aud: 'account' }, header), 'token_audience');
  assert.equal(await refuse({ ...access(), aud: undefined }, header), 'token_audience');
  for (const typ of ['ID', 'Refresh', 'Offline', 'Logout'])
    assert.equal(await refuse({ ...access(), typ }, header), 'token_type', typ);
  const id = { ...access(), typ: 'ID', aud: 'latchkey-desktop', at_hash: 'x' };
  assert.equal(await refuse(id, header), 'token_type');
  const other = 'https://keycloak.example.com/realms/other';
  assert.equal(await refuse({ ...access(), iss: other }, header), 'token_issuer');
  assert.equal(await refuse(access(), { typ: 'logout+jwt' }), 'token_type');
});
