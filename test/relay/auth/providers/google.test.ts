import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  createProviderBench,
  documentedIssuer,
  inSeconds,
} from '../../../support/provider-tokens.ts';

/** No block is documented for Google: what is asserted is that nothing of it works by accident. */
const change = {
  issuer: 'https://accounts.google.com',
  audience: ['https://relay.example.com'],
  profile: 'compat',
} as const;

const id = () => ({
  iss: 'https://accounts.google.com',
  azp: '1234987819200.apps.googleusercontent.com',
  aud: '1234987819200.apps.googleusercontent.com',
  sub: '10769150350006150715113082367',
  at_hash: 'HK6E_P6Dh8Y93mRNtsDB1Q',
  hd: 'example.com',
  email: 'alice@example.com',
  email_verified: true,
  iat: inSeconds(-5),
  exp: inSeconds(3600),
  nonce: '0394852-3190485-2490358',
});

void test('Google: opaque access tokens cannot be verified', async (t) => {
  const { refuseToken } = await createProviderBench(t, 'Keycloak', { change });
  assert.equal(await refuseToken('ya29.a0AfB_byExample-Token_0123456789'), 'token_signature');
});

void test('Google: ID tokens are refused, even where somebody names the client as the audience', async (t) => {
  const header = { typ: 'JWT' };
  const { refuse } = await createProviderBench(t, 'Keycloak', { change });
  assert.equal(await refuse(id(), header), 'token_type');
  assert.equal(
    await refuse({ ...id(), at_hash: undefined, nonce: undefined }, header),
    'token_audience',
  );
  const lax = { ...change, audience: ['1234987819200.apps.googleusercontent.com'] };
  const careless = await createProviderBench(t, 'Keycloak', { change: lax });
  assert.equal(await careless.refuse(id(), header), 'token_type');
  const strict = { ...lax, profile: 'strict' } as const;
  const careful = await createProviderBench(t, 'Keycloak', { change: strict });
  assert.equal(
    await careful.refuse({ ...id(), at_hash: undefined, nonce: undefined }, header),
    'token_type',
  );
});

void test('the documented block for opaque tokens loads, with its defaults spelled out', async (t) => {
  const { tokens, introspection } = await documentedIssuer(t, 'Opaque tokens');
  assert.equal(tokens, 'introspection');
  assert.deepEqual(introspection, {
    clientId: 'relay',
    authentication: { kind: 'client_secret_basic', secret: 'secret' },
    cacheMs: 30_000,
    negativeCacheMs: 5_000,
    timeoutMs: 5_000,
  });
});
