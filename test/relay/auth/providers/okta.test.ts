import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createProviderBench, inSeconds } from '../../../support/provider-tokens.ts';

const issuer = 'https://example.okta.com/oauth2/default';

const access = () => ({
  ver: 1,
  jti: 'AT.0mP4JKAZX1iACIT4vbEDF7LpvDVjxypPMf0D7uX39RE',
  iss: issuer,
  aud: 'https://relay.example.com',
  sub: 'alice@example.com',
  iat: inSeconds(-5),
  exp: inSeconds(3600),
  cid: '0oa1example',
  uid: '00u1alice',
  scp: ['openid', 'offline_access', 'billing.read'],
  auth_time: inSeconds(-60),
  groups: ['Everyone', 'Finance'],
});

void test('Okta: an access token of a custom authorization server, without typ', async (t) => {
  const { accept } = await createProviderBench(t, 'Okta');
  const principal = await accept(access());
  assert.equal(principal.issuer, issuer);
  assert.equal(principal.user, '00u1alice');
  assert.equal(principal.subject, 'alice@example.com');
  assert.equal(principal.email, 'alice@example.com');
  assert.equal(principal.clientId, '0oa1example');
  assert.deepEqual(principal.scopes, ['openid', 'offline_access', 'billing.read']);
  assert.deepEqual(principal.groups, ['Everyone', 'Finance']);
  assert.equal(principal.binding, 'none');
});

void test('Okta: tokens of the org server, ID tokens and those of other servers are refused', async (t) => {
  const { refuse, refuseToken } = await createProviderBench(t, 'Okta');
  const internal = { typ: 'application/okta-internal-at+jwt' };
  assert.equal(await refuse(access(), internal), 'token_type');
  const id = {
    sub: '00u1alice',
    name: 'Alice',
    ver: 1,
    iss: issuer,
    aud: '0oa1example',
    iat: inSeconds(-5),
    exp: inSeconds(3600),
    jti: 'ID.4eAWJOCMB3SX8XewDfVR',
    amr: ['pwd'],
    idp: '00o1example',
    auth_time: inSeconds(-60),
    at_hash: 'cpqKfdQA5eH891Ff5oJr_Q',
    uid: '00u1alice',
  };
  assert.equal(await refuse(id), 'token_type');
  assert.equal(await refuse({ ...id, at_hash: undefined }), 'token_audience');
  assert.equal(await refuse({ ...access(), aud: 'api://default' }), 'token_audience');
  assert.equal(await refuse({ ...access(), iss: 'https://example.okta.com' }), 'token_issuer');
  assert.equal(await refuseToken('e1GTbL3Nd2A0e5qFMQpZ0Z'), 'token_signature', 'refresh token');
});
