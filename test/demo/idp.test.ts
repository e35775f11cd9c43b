import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { after, before, describe, it } from 'node:test';

import {
  createRemoteJWKSet,
  decodeJwt,
  exportJWK,
  generateKeyPair,
  jwtVerify,
  SignJWT,
} from 'jose';

import { createIdentityProvider } from '../../demo/idp.ts';
import type { IdentityProvider } from '../../demo/idp.ts';
import { demoCode } from '../../demo/people.ts';
import { signInWithFetch } from '../support/sign-in.ts';

const resource = 'http://127.0.0.1:18443';
const redirectUri = 'http://127.0.0.1:45123/callback';
const scope = 'openid offline_access profile email billing.read billing.write payroll.read';

interface Tokens {
  readonly access_token: string;
  readonly refresh_token: string;
  readonly id_token: string;
  readonly scope: string;
  readonly expires_in: number;
}

let provider: IdentityProvider;
let metadata: Record<string, unknown>;

before(async () => {
  provider = await createIdentityProvider({ tokenSeconds: 77 });
  const answer = await fetch(`${provider.issuer}/.well-known/openid-configuration`);
  metadata = (await answer.json()) as Record<string, unknown>;
});
after(() => provider.close());

function endpoint(name: string): string {
  const value = metadata[name];
  assert.equal(typeof value, 'string', name);
  return value as string;
}

function authorizationUrl(changes: Record<string, string | undefined> = {}) {
  const verifier = randomBytes(32).toString('base64url');
  const url = new URL(endpoint('authorization_endpoint'));
  const parameters: Record<string, string | undefined> = {
    client_id: 'latchkey-desktop',
    response_type: 'code',
    redirect_uri: redirectUri,
    scope,
    resource,
    state: 'the-state',
    nonce: 'the-nonce',
    prompt: 'consent',
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
    ...changes,
  };
  for (const [name, value] of Object.entries(parameters)) {
    if (value !== undefined) url.searchParams.set(name, value);
  }
  return { url: url.href, verifier };
}

async function post(url: string, fields: Record<string, string>) {
  const response = await fetch(url, { method: 'POST', body: new URLSearchParams(fields) });
  const text = await response.text();
  const body = (text === '' ? {} : JSON.parse(text)) as Tokens & { readonly error?: string };
  return { status: response.status, body };
}

async function signIn(user: string, changes: Record<string, string> = {}): Promise<Tokens> {
  const { url, verifier } = authorizationUrl(changes);
  const { callbackUrl } = await signInWithFetch(url, user, `${user}-demo`, {
    stopAtCallback: true,
  });
  const callback = new URL(callbackUrl);
  assert.equal(`${callback.origin}${callback.pathname}`, redirectUri);
  assert.equal(callback.searchParams.get('state'), 'the-state');
  assert.equal(callback.searchParams.get('iss'), provider.issuer);
  const answer = await post(endpoint('token_endpoint'), {
    grant_type: 'authorization_code',
    client_id: 'latchkey-desktop',
    code: callback.searchParams.get('code') ?? '',
    redirect_uri: redirectUri,
    code_verifier: verifier,
    resource,
  });
  assert.equal(answer.status, 200, JSON.stringify(answer.body));
  return answer.body;
}

const refresh = (token: string) =>
  post(endpoint('token_endpoint'), {
    grant_type: 'refresh_token',
    client_id: 'latchkey-desktop',
    refresh_token: token,
  });

describe('the demo identity provider', () => {
  it('issues an RFC 9068 access token for the relay, with the claims of the person', async () => {
    const tokens = await signIn('alice');
    const keys = createRemoteJWKSet(new URL(endpoint('jwks_uri')));
    const { payload, protectedHeader } = await jwtVerify(tokens.access_token, keys, {
      issuer: provider.issuer,
      audience: resource,
      typ: 'at+jwt',
      algorithms: ['RS256'],
    });
    assert.equal(protectedHeader.alg, 'RS256');
    assert.equal(payload.sub, 'alice');
    assert.equal(payload['client_id'], 'latchkey-desktop');
    assert.deepEqual(payload['roles'], ['accountant']);
    assert.deepEqual(payload['groups'], ['finance']);
    assert.equal(payload['email'], 'alice@demo.example');
    assert.equal(payload['name'], 'Alice Archer');
    assert.equal(payload['department'], 'finance');
    assert.equal(payload['acr'], 'pwd');
    assert.equal(typeof payload['auth_time'], 'number');
    // The provider looks at its clock for each of the two.
    assert.ok([76, 77].includes((payload.exp ?? 0) - (payload.iat ?? 0)));
    assert.equal(tokens.expires_in, 77);
    const identity = decodeJwt(tokens.id_token);
    assert.equal(identity['email'], 'alice@demo.example');
    assert.equal(identity['nonce'], 'the-nonce');
  });

  it('grants each person only their own scopes', async () => {
    const scopes: Record<string, unknown> = {};
    for (const user of ['alice', 'bob', 'carol']) {
      const tokens = await signIn(user);
      scopes[user] = decodeJwt(tokens.access_token)['scope'];
      assert.equal(tokens.scope, scopes[user]);
    }
    assert.deepEqual(scopes, {
      alice: 'billing.read billing.write',
      bob: 'billing.read',
      carol: 'payroll.read',
    });
  });

  it('rotates refresh tokens and ends the session when an old one comes back', async () => {
    const first = await signIn('bob');
    const second = await refresh(first.refresh_token);
    assert.equal(second.status, 200);
    assert.notEqual(second.body.refresh_token, first.refresh_token);
    const claims = decodeJwt(second.body.access_token);
    assert.equal(claims.aud, resource);
    assert.equal(claims['scope'], 'billing.read');
    assert.equal(claims['acr'], 'pwd');
    assert.equal(claims['auth_time'], decodeJwt(first.access_token)['auth_time']);

    const reused = await refresh(first.refresh_token);
    assert.equal(reused.status, 400);
    assert.equal(reused.body.error, 'invalid_grant');
    const after = await refresh(second.body.refresh_token);
    assert.equal(after.body.error, 'invalid_grant');
  });

  it('revokes a refresh token for the public client', async () => {
    const tokens = await signIn('alice');
    const other = await signIn('alice');
    const revoked = await post(endpoint('revocation_endpoint'), {
      client_id: 'latchkey-desktop',
      token: tokens.refresh_token,
      token_type_hint: 'refresh_token',
    });
    assert.equal(revoked.status, 200, JSON.stringify(revoked.body));
    assert.equal((await refresh(tokens.refresh_token)).body.error, 'invalid_grant');
    assert.equal((await refresh(other.refresh_token)).status, 200);
  });

  it('asks for a second step when acr_values wants one, and says so in the token', async () => {
    const claims = decodeJwt((await signIn('alice', { acr_values: 'mfa' })).access_token);
    assert.equal(claims['acr'], 'mfa');
    assert.deepEqual(claims['amr'], ['pwd', 'otp', 'mfa']);
    assert.deepEqual(metadata['acr_values_supported'], ['pwd', 'mfa']);
    const either = await signIn('alice', { acr_values: 'pwd mfa' });
    assert.equal(decodeJwt(either.access_token)['acr'], 'pwd');
    const unknown = await signIn('alice', { acr_values: 'urn:example:retina' });
    assert.equal(decodeJwt(unknown.access_token)['acr'], 'pwd');
  });

  it('takes no wrong code, and no code without a password', async () => {
    const { url } = authorizationUrl({ acr_values: 'mfa' });
    const start = await fetch(url, { redirect: 'manual' });
    const cookies = start.headers.getSetCookie().map((line) => line.split(';')[0]);
    const page = new URL(start.headers.get('location') ?? '', url);
    const submit = async (fields: Record<string, string>) => {
      const answer = await fetch(page, {
        method: 'POST',
        redirect: 'manual',
        headers: { Cookie: cookies.join('; ') },
        body: new URLSearchParams(fields),
      });
      return { status: answer.status, text: await answer.text() };
    };
    assert.equal((await submit({ code: demoCode })).status, 401);
    const second = await submit({ user: 'alice', password: 'alice-demo' });
    assert.equal(second.status, 200);
    assert.match(second.text, /One-time code/);
    const wrong = await submit({ code: '000000' });
    assert.equal(wrong.status, 401);
    assert.match(wrong.text, /The code is wrong/);
    assert.equal((await submit({ code: demoCode })).status, 303);
  });

  it('binds tokens by DPoP, and asks for a nonce first', async () => {
    const algorithms = metadata['dpop_signing_alg_values_supported'];
    assert.ok(Array.isArray(algorithms) && algorithms.includes('ES256'));
    const { publicKey, privateKey } = await generateKeyPair('ES256');
    const proof = await new SignJWT({ htm: 'POST', htu: endpoint('token_endpoint'), jti: 'a' })
      .setProtectedHeader({ alg: 'ES256', typ: 'dpop+jwt', jwk: await exportJWK(publicKey) })
      .setIssuedAt()
      .sign(privateKey);
    const answer = await fetch(endpoint('token_endpoint'), {
      method: 'POST',
      headers: { DPoP: proof },
      body: new URLSearchParams({
        grant_type: 'refresh_token',
        client_id: 'latchkey-desktop',
        refresh_token: (await signIn('alice')).refresh_token,
      }),
    });
    assert.equal(answer.status, 400);
    assert.equal(((await answer.json()) as { error?: string }).error, 'use_dpop_nonce');
    assert.ok(answer.headers.get('dpop-nonce'));
  });

  it('sends access_denied back when the person refuses', async () => {
    const { url } = authorizationUrl();
    const { callbackUrl } = await signInWithFetch(url, 'alice', 'alice-demo', {
      deny: true,
      stopAtCallback: true,
    });
    const callback = new URL(callbackUrl);
    assert.equal(callback.searchParams.get('error'), 'access_denied');
    assert.equal(callback.searchParams.get('state'), 'the-state');
    assert.equal(callback.searchParams.get('iss'), provider.issuer);
    assert.equal(callback.searchParams.get('code'), null);
  });

  it('refuses a wrong password, without saying which of the two is wrong', async () => {
    const { url } = authorizationUrl();
    await assert.rejects(
      signInWithFetch(url, 'alice', 'bob-demo', { stopAtCallback: true }),
      /401.*user name or the password is wrong/s,
    );
    await assert.rejects(
      signInWithFetch(url, 'mallory', 'x', { stopAtCallback: true }),
      /401.*user name or the password is wrong/s,
    );
  });

  it('requires PKCE, with S256', async () => {
    const { url } = authorizationUrl({
      code_challenge: undefined,
      code_challenge_method: undefined,
    });
    const bare = await signInWithFetch(url, 'alice', 'alice-demo', { stopAtCallback: true });
    assert.equal(new URL(bare.callbackUrl).searchParams.get('error'), 'invalid_request');
    assert.deepEqual(metadata['code_challenge_methods_supported'], ['S256']);
  });

  it('refuses a wrong code_verifier, a foreign redirect and a foreign resource', async () => {
    const { url } = authorizationUrl();
    const { callbackUrl } = await signInWithFetch(url, 'alice', 'alice-demo', {
      stopAtCallback: true,
    });
    const answer = await post(endpoint('token_endpoint'), {
      grant_type: 'authorization_code',
      client_id: 'latchkey-desktop',
      code: new URL(callbackUrl).searchParams.get('code') ?? '',
      redirect_uri: redirectUri,
      code_verifier: randomBytes(32).toString('base64url'),
    });
    assert.equal(answer.body.error, 'invalid_grant');

    const foreign = authorizationUrl({ redirect_uri: 'http://127.0.0.1:45123/other' });
    assert.equal((await fetch(foreign.url, { redirect: 'manual' })).status, 400);
    const elsewhere = authorizationUrl({ resource: 'https://relay.example.com' });
    const refused = await signInWithFetch(elsewhere.url, 'alice', 'alice-demo', {
      stopAtCallback: true,
    });
    assert.equal(new URL(refused.callbackUrl).searchParams.get('error'), 'invalid_target');
  });
});
