import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { createProofKey, proof as proofOf, type ProofKey } from '../support/dpop.ts';
import { codeOf, createRawUpstream, sendRaw, statusOf, type RawUpstream } from '../support/raw.ts';
import { createRelayBench, type RelayBench } from '../support/relay.ts';

/** Claims as given; one set to undefined is left out. */
function makeProof(
  key: ProofKey,
  given: {
    readonly htm: string;
    readonly htu: string;
    readonly token: string;
    [name: string]: unknown;
  },
  header: Readonly<Record<string, unknown>> = {},
): Promise<string> {
  const { htm, htu, token, ...claims } = given;
  return proofOf({ key, method: htm, url: htu, token, claims, header });
}

interface Bound {
  readonly bench: RelayBench;
  readonly key: ProofKey;
  readonly token: string;
  readonly htu: string;
  /** Sends GET /x/a with these fields; Host is the relay's own. */
  readonly send: (fields: readonly string[], target?: string) => Promise<string>;
}

const PUBLIC = 'https://relay.test';

async function bound(
  t: TestContext,
  issuer = '    dpop: optional',
  more: { readonly upstream?: RawUpstream } = {},
): Promise<Bound> {
  const bench = await createRelayBench(t, { issuer, top: `publicUrl: ${PUBLIC}`, ...more });
  const key = await createProofKey();
  const token = await bench.token({ cnf: { jkt: key.jkt } });
  return {
    bench,
    key,
    token,
    htu: `${PUBLIC}/x/a`,
    send: (fields, target = '/x/a') =>
      sendRaw(
        bench.relay.url,
        [
          `GET ${target} HTTP/1.1`,
          `Host: ${new URL(bench.relay.url).host}`,
          'Connection: close',
          ...fields,
          '',
          '',
        ].join('\r\n'),
      ),
  };
}

const challengesOf = (answer: string): string =>
  [...answer.matchAll(/^www-authenticate: (.*)$/gim)].map(([, value]) => value).join('\n');

function assertRefused(answer: string, code: string, challenge: RegExp, what: string): void {
  assert.equal(statusOf(answer), 401, what);
  assert.equal(codeOf(answer), code, what);
  assert.match(challengesOf(answer), challenge, what);
  assert.match(answer, /^cache-control: no-store\r$/im, what);
  assert.match(answer, /^dpop-nonce: [A-Za-z0-9_-]{43}\r$/im, what);
}

const PROOF =
  /^DPoP realm="latchkey", error="invalid_dpop_proof", algs="ES256 [^"]*", resource_metadata="https:\/\/relay\.test\/\.well-known\/oauth-protected-resource"\r?$/;

test('a bound token with its proof is let through, without the proof reaching the API', async (t) => {
  const { bench, key, token, htu, send } = await bound(t);
  const proof = await makeProof(key, { htm: 'GET', htu, token });
  const answer = await send([`Authorization: DPoP ${token}`, `DPoP: ${proof}`], '/x/a?b=1');
  assert.equal(statusOf(answer), 200);
  assert.match(answer, /^dpop-nonce: /im, 'a nonce is offered');
  assert.equal(bench.upstream.requests(), 1);
  assert.doesNotMatch(bench.upstream.received().join(''), /dpop|authorization/i);
});

test('case 26: a bound token sent as Bearer is refused, and DPoP is offered', async (t) => {
  const { bench, token, send } = await bound(t);
  const answer = await send([`Authorization: Bearer ${token}`]);
  assertRefused(answer, 'token_binding', /^Bearer .*error="invalid_token"/m, 'bearer');
  assert.match(challengesOf(answer), /^DPoP realm="latchkey", algs=/m);
  assert.equal(bench.upstream.requests(), 0);
});

test('case 27: proofs that prove nothing', async (t) => {
  const { bench, key, token, htu, send } = await bound(t);
  const rsa = await createProofKey('RS256');
  const good = { htm: 'GET', htu, token };
  const now = Math.floor(Date.now() / 1000);
  const [head, body, signature] = (await makeProof(key, good)).split('.') as [
    string,
    string,
    string,
  ];
  const proofs: readonly (readonly [what: string, proof: string])[] = [
    ['another method', await makeProof(key, { ...good, htm: 'POST' })],
    ['method in lower case', await makeProof(key, { ...good, htm: 'get' })],
    ['another path', await makeProof(key, { ...good, htu: `${PUBLIC}/x/b` })],
    ['another host', await makeProof(key, { ...good, htu: 'https://evil.test/x/a' })],
    ['no address', await makeProof(key, { ...good, htu: undefined as unknown as string })],
    ['userinfo', await makeProof(key, { ...good, htu: 'https://a@relay.test/x/a' })],
    ['hash of another token', await makeProof(key, { ...good, token: `${token}x` })],
    ['no hash', await makeProof(key, { ...good, ath: undefined })],
    ['too old', await makeProof(key, { ...good, iat: now - 90 })],
    ['from the future', await makeProof(key, { ...good, iat: now + 300 })],
    ['a date that is text', await makeProof(key, { ...good, iat: String(now) })],
    ['no jti', await makeProof(key, { ...good, jti: undefined })],
    ['typ JWT', await makeProof(key, good, { typ: 'JWT' })],
    ['no jwk', await makeProof(key, good, { jwk: undefined })],
    ['a private jwk', await makeProof(key, good, { jwk: { ...key.publicJwk, d: 'AQAB' } })],
    ['a symmetric jwk', await makeProof(key, good, { jwk: { kty: 'oct', k: 'AQAB' } })],
    ['a header that is cut', `${head.slice(0, -1)}.${body}.${signature}`],
    ['key of another kind than alg', await makeProof(key, good, { jwk: rsa.publicJwk })],
    ['signature of another proof', `${head}.${body}.${(await makeProof(key, good)).split('.')[2]}`],
    ['no signature', `${head}.${body}.`],
    ['not a JWT', 'abc'],
    ['nothing', ''],
    ['longer than 8 KB', await makeProof(key, { ...good, pad: 'x'.repeat(9000) })],
  ];
  for (const [what, proof] of proofs) {
    const answer = await send([`Authorization: DPoP ${token}`, `DPoP: ${proof}`]);
    assertRefused(answer, 'dpop_proof', PROOF, what);
  }
  const hmac = `${Buffer.from(JSON.stringify({ typ: 'dpop+jwt', alg: 'HS256', jwk: key.publicJwk })).toString('base64url')}.${body}.AAAA`;
  assertRefused(
    await send([`Authorization: DPoP ${token}`, `DPoP: ${hmac}`]),
    'dpop_proof',
    PROOF,
    'HMAC',
  );
  assertRefused(await send([`Authorization: DPoP ${token}`]), 'dpop_proof', PROOF, 'no proof');
  assert.equal(bench.upstream.requests(), 0);
});

test('case 27: two proofs, in two fields or one, are refused', async (t) => {
  const { bench, key, token, htu, send } = await bound(t);
  const one = await makeProof(key, { htm: 'GET', htu, token });
  const two = await makeProof(key, { htm: 'GET', htu, token });
  const scheme = `Authorization: DPoP ${token}`;
  assertRefused(
    await send([scheme, `DPoP: ${one}`, `DPoP: ${two}`]),
    'dpop_proof',
    PROOF,
    'fields',
  );
  assertRefused(await send([scheme, `DPoP: ${one}, ${two}`]), 'dpop_proof', PROOF, 'list');
  assert.equal(bench.upstream.requests(), 0);
});

test('a proof of another key than the token is bound to is no proof', async (t) => {
  const { bench, token, htu, send } = await bound(t);
  const thief = await createProofKey();
  const proof = await makeProof(thief, { htm: 'GET', htu, token });
  const answer = await send([`Authorization: DPoP ${token}`, `DPoP: ${proof}`]);
  assertRefused(answer, 'token_binding', /^DPoP .*error="invalid_token"/m, 'thief');
  assert.equal(bench.upstream.requests(), 0);
});

test('case 28: a proof serves once, even in parallel', async (t) => {
  const { bench, key, token, htu, send } = await bound(t);
  const proof = await makeProof(key, { htm: 'GET', htu, token, jti: 'j'.repeat(4000) });
  const fields = [`Authorization: DPoP ${token}`, `DPoP: ${proof}`];
  const answers = await Promise.all([1, 2, 3, 4, 5].map(() => send(fields)));
  assert.equal(answers.filter((answer) => statusOf(answer) === 200).length, 1);
  assertRefused(await send(fields), 'dpop_proof', PROOF, 'replay');
  assert.equal(bench.upstream.requests(), 1);
});

test('case 28: where a nonce is required, a proof without one or with an old one is sent back', async (t) => {
  const { bench, key, token, htu, send } = await bound(t, '    dpop: required');
  const scheme = `Authorization: DPoP ${token}`;
  const without = await send([scheme, `DPoP: ${await makeProof(key, { htm: 'GET', htu, token })}`]);
  const wanted = /^DPoP realm="latchkey", error="use_dpop_nonce", algs=/m;
  assertRefused(without, 'dpop_nonce', wanted, 'without');
  const stale = await makeProof(key, { htm: 'GET', htu, token, nonce: 'n'.repeat(43) });
  assertRefused(await send([scheme, `DPoP: ${stale}`]), 'dpop_nonce', wanted, 'stale');
  const [, nonce] = /^dpop-nonce: (\S+)/im.exec(without) ?? [];
  const fresh = await makeProof(key, { htm: 'GET', htu, token, nonce });
  assert.equal(statusOf(await send([scheme, `DPoP: ${fresh}`])), 200);
  assert.equal(bench.upstream.requests(), 1);
});

test('case 29: what the request says of its host never makes an address match', async (t) => {
  const { bench, key, token, send } = await bound(t);
  const { host } = new URL(bench.relay.url);
  const scheme = `Authorization: DPoP ${token}`;
  for (const origin of [`http://${host}`, 'https://evil.test'])
    for (const extra of [
      'X-Forwarded-Host: evil.test',
      'Forwarded: host=evil.test;proto=https',
      'X-A: b',
    ]) {
      const proof = await makeProof(key, { htm: 'GET', htu: `${origin}/x/a`, token });
      assertRefused(await send([scheme, extra, `DPoP: ${proof}`]), 'dpop_proof', PROOF, origin);
    }
  assert.equal(bench.upstream.requests(), 0);
});

test('spellings of one address are one address', async (t) => {
  const { bench, key, token, send } = await bound(t);
  const spelled = ['HTTPS://RELAY.TEST:443/x/%61', `${PUBLIC}/x/a?c=d`, `${PUBLIC}/x/a#e`];
  for (const htu of spelled) {
    const proof = await makeProof(key, { htm: 'GET', htu, token });
    const answer = await send([`Authorization: DPoP ${token}`, `DPoP: ${proof}`], '/x/a?b');
    assert.equal(statusOf(answer), 200, htu);
  }
  assert.equal(bench.upstream.requests(), spelled.length);
});

test('bound tokens are refused where DPoP is off, unbound ones where it is required', async (t) => {
  const off = await bound(t, '    dpop: off');
  const proof = await makeProof(off.key, { htm: 'GET', htu: off.htu, token: off.token });
  const refused = await off.send([`Authorization: DPoP ${off.token}`, `DPoP: ${proof}`]);
  assert.equal(codeOf(refused), 'token_binding');
  assert.doesNotMatch(refused, /^dpop-nonce|^www-authenticate: DPoP/im);
  const other = await bound(t, '    dpop: optional');
  const unbound = await other.bench.token();
  assert.equal(statusOf(await other.send([`Authorization: Bearer ${unbound}`])), 200);
  const asDpop = await other.send([`Authorization: DPoP ${unbound}`]);
  assertRefused(asDpop, 'token_binding', /^DPoP .*error="invalid_token"/m, 'unbound as DPoP');
});

test('case 1 and 3: both schemes are offered when none, or two, were used', async (t) => {
  const { bench, token, send } = await bound(t);
  const none = await send([]);
  assertRefused(none, 'token_missing', /^Bearer realm="latchkey", resource_metadata=/m, 'none');
  assert.match(challengesOf(none), /^DPoP realm="latchkey", algs="ES256/m);
  assert.doesNotMatch(challengesOf(none), /error=/);
  const two = await send([`Authorization: Bearer ${token}`, `Authorization: DPoP ${token}`]);
  assert.equal(statusOf(two), 400);
  assert.match(challengesOf(two), /^Bearer .*error="invalid_request"/m);
  assert.match(challengesOf(two), /^DPoP .*error="invalid_request"/m);
  assert.equal(bench.upstream.requests(), 0);
});

test('an upgrade needs its proof like any other request', async (t) => {
  const { bench, key, token, htu } = await bound(t);
  const upgrade = (fields: readonly string[]): Promise<string> =>
    sendRaw(
      bench.relay.url,
      [
        'GET /x/a HTTP/1.1',
        `Host: ${new URL(bench.relay.url).host}`,
        'Connection: Upgrade',
        'Upgrade: websocket',
        'Sec-WebSocket-Version: 13',
        'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==',
        ...fields,
        '',
        '',
      ].join('\r\n'),
    );
  const asBearer = await upgrade([`Authorization: Bearer ${token}`]);
  assertRefused(asBearer, 'token_binding', /^Bearer .*error="invalid_token"/m, 'bearer');
  const without = await upgrade([`Authorization: DPoP ${token}`]);
  assertRefused(without, 'dpop_proof', PROOF, 'no proof');
  const one = await makeProof(key, { htm: 'GET', htu, token });
  assert.equal(bench.upstream.requests(), 0);
  await upgrade([`Authorization: DPoP ${token}`, `DPoP: ${one}`]);
  assert.equal(bench.upstream.requests(), 1);
  const replayed = await upgrade([`Authorization: DPoP ${token}`, `DPoP: ${one}`]);
  assertRefused(replayed, 'dpop_proof', PROOF, 'replay');
  assert.equal(bench.upstream.requests(), 1);
});

test('an API cannot pass a nonce of its own for the one of the relay', async (t) => {
  const upstream = await createRawUpstream((socket) => {
    socket.write(
      'HTTP/1.1 200 OK\r\nDPoP-Nonce: evil\r\ndpop_nonce: evil\r\nContent-Length: 0\r\n\r\n',
    );
  });
  const { key, token, htu, send } = await bound(t, '    dpop: optional', { upstream });
  const proof = await makeProof(key, { htm: 'GET', htu, token });
  const answer = await send([`Authorization: DPoP ${token}`, `DPoP: ${proof}`]);
  assert.equal(statusOf(answer), 200);
  assert.deepEqual(answer.match(/^dpop.nonce: .*/gim)?.length, 1);
  assert.doesNotMatch(answer, /evil/);
});

test('neither a token nor a proof is in the log or in the refusal', async (t) => {
  const { bench, key, token, htu, send } = await bound(t);
  const proof = await makeProof(key, { htm: 'GET', htu: `${htu}b`, token });
  const answer = await send([`Authorization: DPoP ${token}`, `DPoP: ${proof}`]);
  assert.equal(codeOf(answer), 'dpop_proof');
  for (const secret of [...token.split('.'), ...proof.split('.')])
    assert.ok(!(answer + bench.log.join('')).includes(secret));
});
