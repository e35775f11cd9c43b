import assert from 'node:assert/strict';
import { createHmac, createPublicKey } from 'node:crypto';
import { test } from 'node:test';
import { CompactEncrypt, exportJWK, generateKeyPair } from 'jose';
import type { RelayErrorCode } from '../../relay/errors.ts';
import { createTestIssuer, makeSigningKey, signRaw } from '../support/issuer.ts';
import type { TestIssuer } from '../support/issuer.ts';
import { assertRefused, bearer, createBench } from '../support/verifier.ts';

const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');

async function payloadOf(
  issuer: TestIssuer,
  claims: Readonly<Record<string, unknown>> = {},
): Promise<string> {
  return (await issuer.mint(claims)).split('.')[1] ?? '';
}

void test('alg none, missing or in another case is refused without a signature check', async (t) => {
  const { issuer, verifier, fetched } = await createBench(t);
  const payload = await payloadOf(issuer);
  const { kid } = issuer.key();
  for (const alg of ['none', 'None', 'NONE', 'nOnE', '', 'es256', 'ES256 ', undefined, null, 0, []])
    for (const signature of ['', 'AAAA'])
      await assertRefused(
        verifier,
        `${encode({ alg, kid, typ: 'at+jwt' })}.${payload}.${signature}`,
        'token_algorithm',
        JSON.stringify(alg),
      );
  assert.deepEqual(fetched, []);
});

void test('an HMAC keyed with the public key is refused', async (t) => {
  const { issuer, verifier, fetched } = await createBench(t, { issuer: { algorithms: ['RS256'] } });
  const jwk = issuer.key().publicJwk;
  const key = createPublicKey({ key: { ...jwk }, format: 'jwk' });
  const spki = key.export({ type: 'spki', format: 'pem' }).toString();
  const pkcs1 = key.export({ type: 'pkcs1', format: 'pem' }).toString();
  const secrets = [spki, pkcs1, spki.trim(), ` ${spki}`, JSON.stringify(jwk), String(jwk.n), ''];
  for (const alg of ['HS256', 'HS384', 'HS512'])
    for (const secret of secrets) {
      const signed = `${encode({ alg, kid: jwk.kid, typ: 'at+jwt' })}.${await payloadOf(issuer)}`;
      const hmac = createHmac(`sha${alg.slice(2)}`, secret)
        .update(signed)
        .digest('base64url');
      await assertRefused(verifier, `${signed}.${hmac}`, 'token_algorithm');
    }
  assert.deepEqual(fetched, []);
});

void test('an HMAC stays refused where somebody lists it and publishes a symmetric key', async (t) => {
  const { issuer, verifier } = await createBench(t, {
    config: { algorithms: ['HS256', 'none', 'ES256'] },
  });
  const secret = Buffer.from('0123456789abcdef0123456789abcdef');
  issuer.answer('/jwks', (_, response) =>
    response.end(
      JSON.stringify({
        keys: [
          { kty: 'oct', k: secret.toString('base64url'), kid: 'h', alg: 'HS256' },
          ...issuer.jwks().keys,
        ],
      }),
    ),
  );
  const signed = `${encode({ alg: 'HS256', kid: 'h', typ: 'at+jwt' })}.${await payloadOf(issuer)}`;
  const hmac = createHmac('sha256', secret).update(signed).digest('base64url');
  await assertRefused(verifier, `${signed}.${hmac}`, 'token_algorithm');
  await verifier.verify(bearer(await issuer.mint()));
  assert.equal(verifier.states()[0]?.keys, 1);
});

void test('an algorithm that the issuer may not use, or its key is not for, is refused', async (t) => {
  const { issuer, verifier } = await createBench(t, {
    issuer: { algorithms: ['ES256', 'RS256'] },
    config: { algorithms: ['ES256', 'PS256'] },
  });
  await assertRefused(verifier, await issuer.mint({}, { alg: 'RS256' }), 'token_algorithm');
  const pss = { ...issuer.key('ES256'), alg: 'PS256' as const };
  const other = await makeSigningKey('PS256', pss.kid);
  await assertRefused(verifier, await issuer.mint({}, { key: other }), 'token_algorithm');
});

void test('crit is refused, whatever it names', async (t) => {
  const { issuer, verifier, fetched } = await createBench(t);
  const payload = JSON.stringify({ iss: issuer.issuer });
  for (const crit of [['exp'], ['b64'], ['x'], [], 'x', null, 1]) {
    const header = JSON.stringify({
      alg: 'ES256',
      kid: issuer.key().kid,
      typ: 'at+jwt',
      crit,
      x: 1,
      b64: false,
    });
    const token = await signRaw(issuer.key(), header, payload);
    await assertRefused(verifier, token, 'token_signature', JSON.stringify(crit));
  }
  assert.deepEqual(fetched, []);
});

void test('keys and addresses of keys inside the token are ignored: nothing is asked of them', async (t) => {
  const evil = await createTestIssuer();
  t.after(evil.close);
  const { issuer, verifier, fetched } = await createBench(t);
  const forged = evil.key();
  const headers: readonly Readonly<Record<string, unknown>>[] = [
    { jwk: forged.publicJwk },
    { jku: `${evil.issuer}/jwks` },
    { x5u: `${evil.issuer}/certificate.pem` },
    { x5c: ['MIIB'] },
    { jwk: forged.publicJwk, jku: `${evil.issuer}/jwks`, x5u: evil.issuer, x5c: [] },
  ];
  for (const header of headers)
    for (const kid of [issuer.key().kid, forged.kid, `${evil.issuer}/jwks`, null])
      await assertRefused(
        verifier,
        await issuer.mint({}, { key: forged, kid, header }),
        'token_signature',
      );
  assert.deepEqual(evil.counts, { discovery: 0, jwks: 0, other: 0 });
  assert.ok(fetched.every((url) => url.startsWith(`${issuer.issuer}/`)));
  assert.ok(fetched.length <= 3);
  await verifier.verify(bearer(await issuer.mint({}, { header: { jku: evil.issuer } })));
  assert.equal(evil.counts.other, 0);
});

void test('a kid is looked up and nothing more, whatever is in it', async (t) => {
  const { issuer, verifier, fetched } = await createBench(t);
  const stranger = await makeSigningKey('ES256');
  const kids = [
    '../../../../etc/passwd',
    '/dev/null',
    "' OR 1=1 --",
    'a\r\nX-Injected: 1',
    'https://evil.example/jwks',
    '__proto__',
    'constructor',
    'x'.repeat(100_000),
    '\u0000',
    '',
  ];
  for (const kid of kids)
    await assertRefused(
      verifier,
      await issuer.mint({}, { key: stranger, kid }),
      'token_signature',
      kid.slice(0, 40),
    );
  for (const kid of [5, null, {}, ['x'], true]) {
    const token = await issuer.mint({}, { header: { kid } });
    await assertRefused(verifier, token, 'token_claims', JSON.stringify(kid));
  }
  assert.ok(fetched.length <= 3);
  assert.ok(fetched.every((url) => url.startsWith(`${issuer.issuer}/`)));
});

void test('encrypted tokens are refused unopened, bombs and all', async (t) => {
  const { issuer, verifier, fetched } = await createBench(t);
  const { publicKey } = await generateKeyPair('RSA-OAEP-256');
  const jwe = await new CompactEncrypt(Buffer.from('{}'))
    .setProtectedHeader({ alg: 'RSA-OAEP-256', enc: 'A256GCM' })
    .encrypt(publicKey);
  const pbes2 = encode({ alg: 'PBES2-HS512+A256KW', enc: 'A256GCM', p2c: 2 ** 31, p2s: 'AAAA' });
  const zip = encode({ alg: 'dir', enc: 'A256GCM', zip: 'DEF' });
  for (const token of [jwe, `${pbes2}.AAAA.AAAA.AAAA.AAAA`, `${zip}..AAAA.AAAA.AAAA`])
    await assertRefused(verifier, token, 'token_signature');
  const nested = await signRaw(
    issuer.key(),
    JSON.stringify({ alg: 'ES256', cty: 'JWT', typ: 'at+jwt', kid: issuer.key().kid }),
    await issuer.mint(),
  );
  await assertRefused(verifier, nested, 'token_signature');
  assert.deepEqual(fetched, []);
});

void test('a wrong number of parts is token_signature', async (t) => {
  const { issuer, verifier, fetched } = await createBench(t);
  const token = await issuer.mint();
  for (const text of [
    '',
    '.',
    '..',
    '...',
    'opaque',
    'a.b',
    `${token}.`,
    `${token}.x`,
    `.${token}`,
  ])
    await assertRefused(verifier, text, 'token_signature', text);
  await assertRefused(verifier, '.'.repeat(16_000), 'token_signature');
  assert.deepEqual(fetched, []);
});

void test('two spellings of one token: only the canonical one is taken', async (t) => {
  const { issuer, verifier } = await createBench(t);
  const token = await issuer.mint();
  await verifier.verify(bearer(token));
  const [header = '', payload = '', signature = ''] = token.split('.');
  // 64 bytes of an ES256 signature leave four spare bits in the last character.
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  const last = alphabet.indexOf(signature.at(-1) ?? '');
  const twin = `${signature.slice(0, -1)}${alphabet[last + 1]}`;
  assert.ok(Buffer.from(twin, 'base64url').equals(Buffer.from(signature, 'base64url')));
  for (const other of [
    `${header}.${payload}.${twin}`,
    `${header}.${payload}.${signature}=`,
    `${header}.${payload}.${signature}==`,
    `${header}=.${payload}.${signature}`,
    `${header}.${payload}.${signature}+`,
    `${header}.${payload}/.${signature}`,
    `${header}.${payload}.${signature}~`,
    `a.${payload}.${signature}`,
  ])
    await assertRefused(verifier, other, 'token_claims', other.slice(-8));
});

void test('duplicate members, lists and bad text are refused although they are signed', async (t) => {
  const { issuer, verifier } = await createBench(t);
  const key = issuer.key();
  const header = `{"alg":"ES256","typ":"at+jwt","kid":"${key.kid}"}`;
  const body = Buffer.from(await payloadOf(issuer), 'base64url').toString();
  const more = (members: string): string => `${body.slice(0, -1)},${members}}`;
  await verifier.verify(bearer(await signRaw(key, header, body)));
  const cases: readonly (readonly [string, string | Uint8Array, RelayErrorCode])[] = [
    [header, more('"sub":"admin"'), 'token_claims'],
    [header, more('"s\\u0075b":"admin"'), 'token_claims'],
    [header, more('"a":{"b":1,"b":2}'), 'token_claims'],
    [`{"alg":"none",${header.slice(1)}`, body, 'token_claims'],
    [header, `[${body}]`, 'token_claims'],
    [header, '"text"', 'token_claims'],
    [header, 'null', 'token_claims'],
    [`[${header}]`, body, 'token_claims'],
    [header, '', 'token_signature'],
    [header, '{', 'token_signature'],
    [header, `${body} x`, 'token_signature'],
    [
      header,
      Buffer.concat([Buffer.from(body.slice(0, -2)), Buffer.from([0xff]), Buffer.from('"}')]),
      'token_signature',
    ],
  ];
  for (const [head, payload, code] of cases)
    await assertRefused(
      verifier,
      await signRaw(key, head, payload),
      code,
      String(payload).slice(-30),
    );
});

void test('a private key that an issuer publishes by mistake verifies nothing', async (t) => {
  const { issuer, verifier } = await createBench(t);
  const leaked = await makeSigningKey('RS256', 'leaked');
  const jwk = { ...(await exportJWK(leaked.privateKey)), kid: 'leaked' };
  issuer.answer('/jwks', (_, response) =>
    response.end(JSON.stringify({ keys: [jwk, ...issuer.jwks().keys] })),
  );
  await verifier.verify(bearer(await issuer.mint()));
  await assertRefused(verifier, await issuer.mint({}, { key: leaked }), 'token_signature');
});
