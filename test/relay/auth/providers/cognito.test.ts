import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createProviderBench, inSeconds } from '../../../support/provider-tokens.ts';

const issuer = 'https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_EXAMPLE';

const access = () => ({
  sub: 'aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee',
  'cognito:groups': ['finance'],
  iss: issuer,
  version: 2,
  client_id: '1example23456789',
  origin_jti: 'aaaaaaaa-bbbb-cccc-dddd-ffffffffffff',
  aud: 'https://relay.example.com',
  event_id: 'bbbbbbbb-bbbb-cccc-dddd-eeeeeeeeeeee',
  token_use: 'access',
  scope: 'openid https://relay.example.com/billing.read',
  auth_time: inSeconds(-60),
  exp: inSeconds(3600),
  iat: inSeconds(-60),
  jti: 'cccccccc-bbbb-cccc-dddd-eeeeeeeeeeee',
  username: 'alice',
});

void test('Cognito: an access token bound to the relay, without typ', async (t) => {
  const { accept } = await createProviderBench(t, 'Amazon Cognito');
  const principal = await accept(access());
  assert.equal(principal.user, 'aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee');
  assert.equal(principal.userName, 'alice');
  assert.equal(principal.clientId, '1example23456789');
  assert.deepEqual(principal.groups, ['finance']);
  assert.deepEqual(principal.scopes, ['openid', 'https://relay.example.com/billing.read']);
});

void test('Cognito: without resource binding there is no aud, and client_id is no substitute', async (t) => {
  const { refuse, config } = await createProviderBench(t, 'Amazon Cognito');
  assert.equal(await refuse({ ...access(), aud: undefined }), 'token_audience');
  const named = await createProviderBench(t, 'Amazon Cognito', {
    change: { audience: [...config.audience, '1example23456789'] },
  });
  assert.equal(await named.refuse({ ...access(), aud: undefined }), 'token_audience');
});

void test('Cognito: ID tokens are refused by token_use alone, whoever their audience is', async (t) => {
  const { refuse } = await createProviderBench(t, 'Amazon Cognito');
  const id = {
    sub: 'aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee',
    'cognito:groups': ['finance'],
    'cognito:username': 'alice',
    email: 'alice@example.com',
    email_verified: true,
    iss: issuer,
    aud: 'https://relay.example.com',
    event_id: 'bbbbbbbb-bbbb-cccc-dddd-eeeeeeeeeeee',
    token_use: 'id',
    auth_time: inSeconds(-60),
    exp: inSeconds(3600),
    iat: inSeconds(-60),
    jti: 'dddddddd-bbbb-cccc-dddd-eeeeeeeeeeee',
  };
  assert.equal(await refuse(id), 'token_type');
  assert.equal(await refuse({ ...id, aud: '1example23456789' }), 'token_type');
});

void test('Cognito: other pools, other resources and encrypted refresh tokens are refused', async (t) => {
  const { refuse, refuseToken } = await createProviderBench(t, 'Amazon Cognito');
  const pool = 'https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_OTHER';
  assert.equal(await refuse({ ...access(), iss: pool }), 'token_issuer');
  assert.equal(await refuse({ ...access(), aud: 'https://other.example.com' }), 'token_audience');
  const header = Buffer.from('{"cty":"JWT","enc":"A256GCM","alg":"RSA-OAEP"}').toString(
    'base64url',
  );
  assert.equal(await refuseToken(`${header}.a2V5.aXY.Y3Q.dGFn`), 'token_signature');
});
