import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { test } from 'node:test';
import { createProofChecker, proofAlgorithms } from '../../../relay/auth/dpop.ts';
import { createNonces } from '../../../relay/auth/nonces.ts';
import type { Presentation } from '../../../relay/auth/presentation.ts';
import { RelayError } from '../../../relay/errors.ts';
import { createMemoryState } from '../../../relay/state/memory.ts';
import { type ProofKey, createProofKey, proof } from '../../support/dpop.ts';
import { createTestClock } from '../../support/verifier.ts';

const url = 'https://relay.example.com/billing/invoices';
const token = 'an.access.token';
const encode = (text: string): string => Buffer.from(text).toString('base64url');
const key = await createProofKey();

function presentation(
  proofs: readonly string[],
  changes: Partial<Presentation> = {},
): Presentation {
  return { method: 'GET', htu: url, proofs, certificateThumbprint: () => undefined, ...changes };
}

/** A checker with a clock of its own that counts what reaches the memory of used proofs. */
function bench() {
  const clock = createTestClock();
  const nonces = createNonces(Buffer.alloc(32, 7), clock.now);
  const state = createMemoryState(clock.now);
  const asked: { readonly key: string; readonly expiresAtMs: number }[] = [];
  const checker = createProofChecker({
    nonces,
    now: clock.now,
    state: {
      once: (name, expiresAtMs) => {
        asked.push({ key: name, expiresAtMs });
        return state.once(name, expiresAtMs);
      },
    },
  });
  const check = (
    proofs: string | readonly string[],
    expected: { readonly jkt?: string; readonly nonceRequired?: boolean } = {},
    changes: Partial<Presentation> = {},
  ): Promise<void> =>
    checker.check(presentation(typeof proofs === 'string' ? [proofs] : proofs, changes), {
      jkt: key.jkt,
      token,
      nonceRequired: false,
      ...expected,
    });
  return { check, asked, clock, nonces };
}

async function assertRefused(
  checking: Promise<void>,
  what: string,
  code: string,
  detail?: RegExp,
): Promise<void> {
  await assert.rejects(
    checking,
    (error: unknown) => {
      assert.ok(error instanceof RelayError, `${what}: ${String(error)}`);
      assert.equal(error.code, code, what);
      if (detail !== undefined) assert.match(error.message, detail, what);
      return true;
    },
    what,
  );
}

test('each algorithm that the metadata names is accepted with its own kind of key', async () => {
  const { check, asked, clock } = bench();
  // The clock stands still, and RSA keys take their time.
  const iat = Math.floor(clock.now() / 1000);
  for (const alg of proofAlgorithms) {
    const one = await createProofKey(alg);
    // Twice: the second time the key is a kept one.
    for (const jti of [`${alg} 1`, `${alg} 2`])
      await check(await proof({ key: one, url, token, iat, claims: { jti } }), { jkt: one.jkt });
  }
  assert.equal(asked.length, 2 * proofAlgorithms.length);
  assert.ok(asked.every((used) => /^[\w-]{43}$/.test(used.key)));
});

test('a key that shows anything private, is weak or is of another kind is refused', async () => {
  const { check, asked } = bench();
  const rsa = await createProofKey('PS256');
  const weak = generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey;
  const from = (one: ProofKey, jwk: unknown, header: object = {}) =>
    proof({ key: one, url, token, header: { jwk, ...header } });
  const { publicJwk } = key;
  const cases: readonly (readonly [string, string])[] = [
    ['the whole private key', await from(key, key.privateJwk)],
    ['an RSA key with its primes', await from(rsa, rsa.privateJwk)],
    ...(await Promise.all(
      ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k'].map(
        async (name) => [name, await from(key, { ...publicJwk, [name]: 'AQAB' })] as const,
      ),
    )),
    ['symmetric', await from(key, { kty: 'oct', k: 'AQAB' })],
    ['1024 bits', await from(rsa, weak.export({ format: 'jwk' }))],
    ['exponent 1', await from(rsa, { ...rsa.publicJwk, e: 'AQ' })],
    ['for encryption', await from(key, { ...publicJwk, use: 'enc' })],
    ['for signing only', await from(key, { ...publicJwk, key_ops: ['sign'] })],
    ['for another alg', await from(key, { ...publicJwk, alg: 'ES384' })],
    ['another curve', await from(key, { ...publicJwk, crv: 'P-384' })],
    ['another kind', await from(key, rsa.publicJwk)],
    ['without y', await from(key, { ...publicJwk, y: undefined })],
    ['y is a number', await from(key, { ...publicJwk, y: 7 })],
    ['a text', await from(key, JSON.stringify(publicJwk))],
    ['a list', await from(key, [publicJwk])],
    ['null', await from(key, null)],
  ];
  for (const [what, one] of cases)
    for (const jkt of [key.jkt, rsa.jkt])
      await assertRefused(check(one, { jkt }), what, 'dpop_proof');
  assert.deepEqual(asked, []);
});

test('a point that is on no curve is refused, though its thumbprint is the one wanted', async () => {
  const { check } = bench();
  const { x } = key.publicJwk;
  const off = { ...key, publicJwk: { ...key.publicJwk, y: x ?? '' } };
  const { calculateJwkThumbprint } = await import('jose');
  const jkt = await calculateJwkThumbprint(off.publicJwk);
  await assertRefused(check(await proof({ key: off, url, token }), { jkt }), 'off', 'dpop_proof');
});

test('a header or payload that two parsers could read in two ways is refused', async () => {
  const { check, asked } = bench();
  const [header = '', payload = '', signature = ''] = (await proof({ key, url, token })).split('.');
  const text = (part: string): string => Buffer.from(part, 'base64url').toString();
  const cases: readonly (readonly [string, string])[] = [
    ['htm twice', `${header}.${encode(text(payload).replace('{', '{"htm":"POST",'))}.${signature}`],
    ['alg twice', `${encode(text(header).replace('{', '{"alg":"none",'))}.${payload}.${signature}`],
    ['a list', `${header}.${encode(`[${text(payload)}]`)}.${signature}`],
    ['padding', `${header}.${payload}=.${signature}`],
    ['other alphabet', `${header}.${payload}.${signature.replaceAll('-', '+')}+`],
    [
      'spare bits',
      `${header}.${payload}.${signature.slice(0, -1)}${signature.endsWith('A') ? 'B' : 'x'}`,
    ],
    ['four parts', `${header}.${payload}.${signature}.`],
    ['two parts', `${header}.${payload}`],
    ['detached', `${header}..${signature}`],
    ['blanks', `${header}. ${payload}.${signature}`],
  ];
  for (const [what, one] of cases) await assertRefused(check(one), what, 'dpop_proof');
  for (const [what, members] of [
    ['crit', { crit: ['b64'], b64: true }],
    ['typ in capitals', { typ: 'DPoP+JWT' }],
    ['typ as a media type', { typ: 'application/dpop+jwt' }],
    ['an access token', { typ: 'at+jwt' }],
    ['no typ', { typ: undefined }],
  ] as const)
    await assertRefused(
      check(await proof({ key, url, token, header: members })),
      what,
      'dpop_proof',
    );
  assert.deepEqual(asked, [], 'only good proofs are remembered');
});

test('alg none and HMAC are refused, whatever key they show', async () => {
  const { check } = bench();
  const payload = (await proof({ key, url, token })).split('.')[1] ?? '';
  for (const alg of ['none', 'None', '', 'HS256', 'HS512', 'es256', 'ES256K', 'RSA1_5', 0, null]) {
    const header = encode(JSON.stringify({ typ: 'dpop+jwt', alg, jwk: key.publicJwk }));
    for (const signature of ['', 'AAAA'])
      await assertRefused(check(`${header}.${payload}.${signature}`), String(alg), 'dpop_proof');
  }
});

test('method, address, token and dates must fit', async () => {
  const { check, asked, clock } = bench();
  const now = Math.floor(clock.now() / 1000);
  const cases: readonly (readonly [string, Readonly<Record<string, unknown>>, RegExp])[] = [
    ['htm', { htm: 'POST' }, /htm/],
    ['htm in lower case', { htm: 'get' }, /htm/],
    ['no htm', { htm: undefined }, /htm/],
    ['htm as a list', { htm: ['GET'] }, /htm/],
    ['another path', { htu: `${url}/1` }, /htu/],
    ['a slash more', { htu: `${url}/` }, /htu/],
    ['path in capitals', { htu: url.replace('billing', 'BILLING') }, /htu/],
    ['another host', { htu: url.replace('relay', 'evil') }, /htu/],
    ['a longer host', { htu: url.replace('.com', '.com.evil.test') }, /htu/],
    ['another scheme', { htu: url.replace('https', 'http') }, /htu/],
    ['another port', { htu: url.replace('.com', '.com:8443') }, /htu/],
    ['userinfo', { htu: url.replace('//', '//relay.example.com@') }, /htu/],
    ['backslash', { htu: url.replace('/billing', '\\billing') }, /htu/],
    ['relative', { htu: '/billing/invoices' }, /htu/],
    ['without slashes', { htu: url.replace('//', '') }, /htu/],
    ['a list', { htu: [url] }, /htu/],
    ['no htu', { htu: undefined }, /htu/],
    ['61 s old', { iat: now - 62 }, /60 seconds/],
    ['61 s ahead', { iat: now + 62 }, /60 seconds/],
    ['in milliseconds', { iat: now * 1000 }, /60 seconds/],
    ['as text', { iat: String(now) }, /date/],
    ['1e300', { iat: 1e300 }, /60 seconds/],
    ['no iat', { iat: undefined }, /date/],
    ['expired', { exp: now - 62 }, /expired/],
    ['exp as text', { exp: String(now + 60) }, /expired/],
    ['nbf ahead', { nbf: now + 62 }, /valid yet/],
    ['ath of another token', { ath: 'A'.repeat(43) }, /ath/],
    ['no ath', { ath: undefined }, /ath/],
    ['no jti', { jti: undefined }, /jti/],
    ['an empty jti', { jti: '' }, /jti/],
    ['a jti that is a number', { jti: 7 }, /jti/],
  ];
  for (const [what, claims, detail] of cases)
    await assertRefused(
      check(await proof({ key, url, token, claims })),
      what,
      'dpop_proof',
      detail,
    );
  assert.deepEqual(asked, []);
  for (const iat of [now - 55, now + 55, now + 0.5])
    await check(await proof({ key, url, token, claims: { iat, exp: now + 10, nbf: now } }));
});

test('addresses compare by what they mean', async () => {
  const { check } = bench();
  for (const htu of [
    'HTTPS://Relay.Example.COM:443/billing/invoices',
    `${url}?page=1`,
    `${url}#top`,
    'https://relay.example.com/%62illing/in%76oices',
  ])
    await check(await proof({ key, url: htu, token }));
  const escaped = { htu: 'https://relay.example.com/a%2Fb%C3%A9' };
  await check(
    await proof({ key, url: 'https://relay.example.com/a%2fb%c3%a9', token }),
    {},
    escaped,
  );
  const root = { htu: 'https://relay.example.com/' };
  await check(await proof({ key, url: 'https://relay.example.com', token }), {}, root);
  // What cannot be normalised is equal to itself only, never to something else of that kind.
  const odd = { htu: 'https://relay.example.com/a"b' };
  await check(await proof({ key, url: odd.htu, token }), {}, odd);
  for (const htu of ['', 'x', 'https://evil.test/a"b', undefined])
    await assertRefused(
      check(await proof({ key, url, token, claims: { htu } }), {}, odd),
      String(htu),
      'dpop_proof',
    );
});

test('there must be exactly one proof, of bounded size', async () => {
  const { check } = bench();
  const one = await proof({ key, url, token });
  await assertRefused(check([]), 'none', 'dpop_proof', /there is none/);
  await assertRefused(check([one, one]), 'two', 'dpop_proof', /several/);
  await assertRefused(check(`${one}, ${one}`), 'a list', 'dpop_proof');
  await assertRefused(check(`${one},`), 'a comma', 'dpop_proof');
  const large = await proof({ key, url, token, claims: { pad: 'x'.repeat(8_000) } });
  await assertRefused(check(large), 'large', 'dpop_proof', /8 KB/);
  await check(one);
});

test('a proof by another key than the one that the token names is token_binding', async () => {
  const { check, asked } = bench();
  const thief = await createProofKey();
  await assertRefused(check(await proof({ key: thief, url, token })), 'thief', 'token_binding');
  const [header, payload] = (await proof({ key, url, token })).split('.');
  const [, , signature] = (await proof({ key: thief, url, token })).split('.');
  await assertRefused(
    check(`${header}.${payload}.${signature}`),
    'forged',
    'dpop_proof',
    /signature/,
  );
  await check(await proof({ key, url, token }));
  await assertRefused(
    check(`${header}.${payload}.${signature}`),
    'kept key',
    'dpop_proof',
    /signature/,
  );
  assert.equal(asked.length, 1);
});

test('a jti serves once a key until no relay could take its proof any more', async () => {
  const { check, asked, clock } = bench();
  const claims = { jti: 'j'.repeat(4_000), iat: Math.floor(clock.now() / 1000) + 50 };
  const first = await proof({ key, url, token, claims });
  await check(first);
  await assertRefused(check(first), 'again', 'dpop_proof', /used before/);
  const elsewhere = { htu: `${url}/1` };
  const second = await proof({ key, url: elsewhere.htu, token, claims });
  await assertRefused(check(second, {}, elsewhere), 'elsewhere', 'dpop_proof', /used before/);
  const other = await createProofKey();
  await check(await proof({ key: other, url, token, claims }), { jkt: other.jkt });
  clock.advance(109_000);
  await assertRefused(check(first), 'at the end of its time', 'dpop_proof', /used before/);
  clock.advance(4_000);
  await assertRefused(check(first), 'after its time', 'dpop_proof', /60 seconds/);
  for (const { expiresAtMs } of asked) assert.ok(expiresAtMs >= claims.iat * 1000 + 60_000);
});

test('where used proofs cannot be remembered, none is accepted', async () => {
  const { nonces, clock } = bench();
  const failing = createProofChecker({
    nonces,
    now: clock.now,
    state: { once: () => Promise.reject(new RelayError('state_unavailable', 'Redis is gone.')) },
  });
  const good = presentation([await proof({ key, url, token })]);
  const expected = { jkt: key.jkt, token, nonceRequired: false };
  await assertRefused(failing.check(good, expected), 'outage', 'state_unavailable');
});

test('a nonce is needed where it is required, and must be fresh wherever it is', async () => {
  const { check, nonces, clock } = bench();
  const needed = { nonceRequired: true };
  await assertRefused(check(await proof({ key, url, token }), needed), 'without', 'dpop_nonce');
  const nonce = nonces.current();
  await check(await proof({ key, url, token, nonce }), needed);
  for (const one of ['', 'n'.repeat(43), `${nonce}A`, 7, null])
    for (const expected of [needed, {}])
      await assertRefused(
        check(await proof({ key, url, token, claims: { nonce: one } }), expected),
        String(one),
        'dpop_nonce',
      );
  clock.advance(601_000);
  const late = await proof({ key, url, token, nonce, iat: Math.floor(clock.now() / 1000) });
  await assertRefused(check(late, needed), 'stale', 'dpop_nonce', /too old/);
});

test('what it costs is told', async (t) => {
  const { check } = bench();
  const proofs = await Promise.all(Array.from({ length: 1_000 }, () => proof({ key, url, token })));
  const startMs = performance.now();
  for (const one of proofs) await check(one);
  const eachUs = ((performance.now() - startMs) / proofs.length) * 1000;
  t.diagnostic(`one ES256 proof: ${eachUs.toFixed(0)} µs, one after the other`);
});
