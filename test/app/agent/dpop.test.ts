import assert from 'node:assert/strict';
import { createHash, webcrypto } from 'node:crypto';
import { before, test } from 'node:test';
import { decodeJwt, decodeProtectedHeader, EmbeddedJWK, jwtVerify } from 'jose';
import { createAccess } from '../../../app/main/agent/session/access.ts';
import type { DpopKey } from '../../../app/main/agent/session/proof.ts';
import { parseTokenSet, serializeTokenSet } from '../../../app/main/agent/session/token-set.ts';
import type { TokenSet } from '../../../app/main/agent/session/token-set.ts';

const url = 'https://relay.example/billing/invoices';
let tokens: TokenSet;

before(async () => {
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256' };
  const pair = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const { x = '', y = '', d = '' } = await webcrypto.subtle.exportKey('jwk', pair.privateKey);
  const dpopKey: DpopKey = { kty: 'EC', crv: 'P-256', x, y, d };
  tokens = {
    accessToken: 'the-token',
    refreshToken: 'the-refresh-token',
    obtainedAtMs: 0,
    expiresAtMs: 300_000,
    issuer: 'https://idp.example',
    clientId: 'c',
    resource: 'https://relay.example',
    tokenType: 'dpop',
    dpopKey,
  };
});

const proofOf = (fields: readonly string[]): string => fields[fields.indexOf('DPoP') + 1] ?? '';
const refusal = (code: string, ...more: string[]): string[] => ['X-Latchkey-Code', code, ...more];

test('a proof is what RFC 9449 §4.2 asks for, and verifies with the key that it shows', async () => {
  const fields = createAccess(Date.now)(tokens).headers('POST', `${url}?page=2#x`);
  assert.deepEqual(fields.slice(0, 3), ['Authorization', 'DPoP the-token', 'DPoP']);
  const { payload, protectedHeader } = await jwtVerify(proofOf(fields), EmbeddedJWK, {
    typ: 'dpop+jwt',
    algorithms: ['ES256'],
    maxTokenAge: '60 s',
  });
  const { x, y } = tokens.dpopKey as DpopKey;
  assert.deepEqual(protectedHeader.jwk, { kty: 'EC', crv: 'P-256', x, y });
  assert.equal(payload['htm'], 'POST');
  assert.equal(payload['htu'], url);
  assert.equal(payload['ath'], createHash('sha256').update('the-token').digest('base64url'));
  assert.equal(typeof payload.jti, 'string');
  assert.equal('nonce' in payload, false);
});

test('each try has a proof of its own, for its own token', () => {
  const show = createAccess(Date.now);
  const access = show(tokens);
  const [first, second] = [1, 2].map(() => decodeJwt(proofOf(access.headers('GET', url))));
  assert.notEqual(first?.jti, second?.jti);
  const renewed = show({ ...tokens, accessToken: 'another' });
  assert.notEqual(decodeJwt(proofOf(renewed.headers('GET', url)))['ath'], first?.['ath']);
});

test('the private key is never shown', () => {
  const fields = createAccess(Date.now)(tokens).headers('GET', url);
  const { d } = tokens.dpopKey as DpopKey;
  const proof = proofOf(fields);
  assert.equal(decodeProtectedHeader(proof).jwk && 'd' in decodeProtectedHeader(proof).jwk!, false);
  const parts = proof.split('.').map((part) => Buffer.from(part, 'base64url').toString('latin1'));
  assert.ok(![...fields, ...parts].some((text) => text.includes(d)));
});

test('a token that is not bound is shown as it is, even where its refresh token is bound', () => {
  const bearer = createAccess(Date.now)({ ...tokens, tokenType: 'bearer' });
  assert.deepEqual(bearer.headers('GET', url), ['Authorization', 'Bearer the-token']);
});

test('a nonce is taken from every answer, used for every token, and worth a retry when it was asked for', () => {
  const show = createAccess(Date.now);
  const [one, two] = [show(tokens), show(tokens)];
  const nonceOf = (access: typeof one): unknown =>
    decodeJwt(proofOf(access.headers('GET', url)))['nonce'];
  assert.equal(one.offered(401, refusal('dpop_nonce', 'DPoP-Nonce', 'n1')), true);
  assert.equal(nonceOf(one), 'n1');
  // Two requests were on their way when the nonce was asked for: both are worth another try.
  assert.equal(two.offered(401, refusal('dpop_nonce', 'DPoP-Nonce', 'n1')), true);
  assert.equal(two.offered(200, ['DPoP-Nonce', 'n2']), false);
  assert.equal(nonceOf(show({ ...tokens, accessToken: 'renewed' })), 'n2');
  assert.equal(one.offered(401, refusal('dpop_nonce')), false, 'nothing is offered');
  assert.equal(one.offered(401, refusal('dpop_nonce', 'DPoP-Nonce', 'bad nonce"')), false);
  assert.equal(one.offered(401, refusal('token_expired', 'DPoP-Nonce', 'n3')), false);
  assert.equal(one.offered(403, refusal('dpop_nonce', 'DPoP-Nonce', 'n4')), false);
  assert.equal(nonceOf(one), 'n4');
});

test('a computer whose clock is wrong goes by the relay’s, once a proof was refused', () => {
  const clock = { ms: 1_000_000_000_000 };
  const relayMs = clock.ms + 300_000;
  const show = createAccess(() => clock.ms);
  const [one, two] = [show(tokens), show(tokens)];
  const date = ['Date', new Date(relayMs).toUTCString()];
  const iat = (): number => decodeJwt(proofOf(one.headers('GET', url))).iat ?? 0;
  assert.equal(one.offered(200, date), false, 'an API may say what it likes');
  assert.equal(iat() * 1000, clock.ms);
  assert.equal(one.offered(401, refusal('dpop_proof', ...date)), true);
  assert.equal(iat() * 1000, relayMs);
  assert.equal(two.offered(401, refusal('dpop_proof', ...date)), true, 'it was on its way');
  clock.ms = relayMs;
  assert.equal(one.offered(401, refusal('dpop_proof', ...date)), true, 'the clock was put right');
  assert.equal(iat() * 1000, relayMs);
  assert.equal(one.offered(401, refusal('dpop_proof', ...date)), false, 'time is not the reason');
  assert.equal(one.offered(401, refusal('dpop_proof')), false);
  assert.equal(one.offered(401, refusal('dpop_proof', 'Date', 'never')), false);
});

test('the key is kept with the tokens; without it bound tokens are none; old entries go on', () => {
  assert.deepEqual(parseTokenSet(serializeTokenSet(tokens)), tokens);
  const keyless: TokenSet = { ...tokens, dpopKey: undefined };
  assert.equal(parseTokenSet(serializeTokenSet(keyless)), undefined);
  const old: TokenSet = { ...keyless, tokenType: 'bearer' };
  assert.equal(parseTokenSet(serializeTokenSet(old))?.accessToken, 'the-token');
});
