import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createProviderBench, inSeconds } from '../../../support/provider-tokens.ts';

const environment = 'aaaabbbb-0000-cccc-1111-dddd2222eeee';
const client = '33334444-dddd-5555-eeee-6666ffff7777';

const pingOne = () => ({
  client_id: client,
  iss: `https://auth.pingone.eu/${environment}/as`,
  iat: inSeconds(-5),
  exp: inSeconds(3600),
  aud: ['https://relay.example.com'],
  scope: 'billing.read billing.write',
  sub: '8376c3b8-2b9c-4e0d-9f3e-1f7a3f8d6b55',
  sid: '14c5d8b1-0a2e-4b27-8f2b-6d6f5e4c3b2a',
  email: 'alice@example.com',
  memberOfGroupNames: ['Finance'],
});

void test('PingOne: client_id, scope as text, aud as a list, with or without typ', async (t) => {
  const { accept } = await createProviderBench(t, 'Ping');
  for (const header of [{}, { typ: 'at+jwt' }]) {
    const principal = await accept(pingOne(), header);
    assert.equal(principal.user, '8376c3b8-2b9c-4e0d-9f3e-1f7a3f8d6b55');
    assert.equal(principal.clientId, client);
    assert.equal(principal.email, 'alice@example.com');
    assert.deepEqual(principal.scopes, ['billing.read', 'billing.write']);
    assert.deepEqual(principal.groups, ['Finance']);
    assert.equal(principal.sid, '14c5d8b1-0a2e-4b27-8f2b-6d6f5e4c3b2a');
  }
});

void test('PingOne: strict where tokens have jti and typ', async (t) => {
  const { accept, refuse } = await createProviderBench(t, 'Ping', {
    change: { profile: 'strict' },
  });
  const header = { typ: 'at+jwt' };
  assert.equal((await accept({ ...pingOne(), jti: 'j' }, header)).jti, 'j');
  assert.equal(await refuse(pingOne(), header), 'token_claims');
});

void test('PingFederate: scope as a list, and headers of its own that mean nothing here', async (t) => {
  const issuer = 'https://sso.example.com';
  const { accept } = await createProviderBench(t, 'Ping', { change: { issuer } });
  const claims = {
    scope: ['openid', 'billing.read'],
    client_id: 'latchkey',
    iss: issuer,
    aud: 'https://relay.example.com',
    jti: 'bMfxGsIuIXHD',
    sub: 'alice',
    exp: inSeconds(7200),
  };
  const principal = await accept(claims, { 'pi.atm': 'jwt1' });
  assert.equal(principal.user, 'alice');
  assert.equal(principal.clientId, 'latchkey');
  assert.deepEqual(principal.scopes, ['openid', 'billing.read']);
});

void test("Ping: ID tokens, tokens for Ping's own API, without a person, or opaque, are refused", async (t) => {
  const { refuse, refuseToken } = await createProviderBench(t, 'Ping');
  const id = { ...pingOne(), aud: client, at_hash: 'x', nonce: 'n', acr: 'Single_Factor' };
  assert.equal(await refuse(id), 'token_type');
  assert.equal(await refuse({ ...id, at_hash: undefined, nonce: undefined }), 'token_audience');
  const own = { ...pingOne(), aud: ['https://api.pingone.eu'], env: environment, org: 'o' };
  assert.equal(await refuse(own), 'token_audience');
  assert.equal(
    await refuse({ ...pingOne(), sub: undefined }),
    'token_claims',
    'client credentials',
  );
  assert.equal(await refuseToken('8dFMnZ0example'), 'token_signature');
});
