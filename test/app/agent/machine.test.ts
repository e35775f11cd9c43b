import assert from 'node:assert/strict';
import { generateKeyPairSync, type JsonWebKey, type KeyObject } from 'node:crypto';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { decodeJwt, decodeProtectedHeader } from 'jose';
import { AgentError, type AgentErrorCode } from '../../../app/main/agent/errors.ts';
import { createMachine, type Machine } from '../../../app/main/agent/login/machine.ts';
import { readClientKey } from '../../../app/main/agent/login/machine-key.ts';
import type { ClientKey } from '../../../app/main/agent/login/provider-machine.ts';
import { createProvider } from '../../../app/main/agent/login/provider.ts';
import { createSession, type Session } from '../../../app/main/agent/session/session.ts';
import type { TokenSet } from '../../../app/main/agent/session/token-set.ts';
import { createMemoryVault } from '../../../app/main/agent/session/vault.ts';
import { startGrantsProvider, type GrantsProvider } from '../../support/grants-provider.ts';
import { startSmallRelay, type SmallRelay } from '../../support/small-relay.ts';
import { until } from '../../support/until.ts';

const pairs = {
  ES256: generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  RS256: generateKeyPairSync('rsa', { modulusLength: 2048 }),
  EdDSA: generateKeyPairSync('ed25519'),
} as const;
type Algorithm = keyof typeof pairs;
const algorithms = Object.keys(pairs) as Algorithm[];

const folder = mkdtempSync(join(tmpdir(), 'latchkey-machine-'));
let idp: GrantsProvider;
let relay: SmallRelay;
const never = new AbortController().signal;

before(async () => {
  idp = await startGrantsProvider(
    algorithms.map((algorithm) => ({
      clientId: `ci-${algorithm}`,
      publicJwk: publicJwk(algorithm),
      algorithm,
    })),
  );
  relay = await startSmallRelay(idp.issuer);
});
after(async () => {
  await relay.close();
  await idp.close();
  rmSync(folder, { recursive: true, force: true });
});

function publicJwk(algorithm: Algorithm): JsonWebKey {
  const { publicKey } = pairs[algorithm];
  return { ...publicKey.export({ format: 'jwk' }), kid: `key-${algorithm}` };
}

const pem = (key: KeyObject): string => String(key.export({ format: 'pem', type: 'pkcs8' }));

let files = 0;
function fileOf(content: string, mode = 0o600): string {
  const file = join(folder, `key-${(files += 1)}`);
  writeFileSync(file, content, { mode });
  chmodSync(file, mode);
  return file;
}

function make(clientId: string, key: ClientKey, url = relay.url, now = Date.now): Machine {
  return createMachine({
    relay: new URL(url),
    client: { clientId, key },
    provider: createProvider({ fetch, now, timeoutMs: 60_000 }),
    fetch,
  });
}

async function fails(done: Promise<unknown>, code: AgentErrorCode, words: RegExp): Promise<void> {
  await assert.rejects(done, (error) => {
    assert.ok(error instanceof AgentError, String(error));
    assert.equal(error.code, code, error.message);
    assert.match(error.message, words);
    return true;
  });
}

for (const algorithm of algorithms) {
  test(`${algorithm}: a key as JWK or PEM gets a token for the relay, bound by DPoP, without a refresh token`, async () => {
    relay.describe({ dpop_bound_access_tokens_required: true });
    const jwk = {
      ...pairs[algorithm].privateKey.export({ format: 'jwk' }),
      kid: `key-${algorithm}`,
    };
    for (const content of [JSON.stringify(jwk), pem(pairs[algorithm].privateKey)]) {
      const tokens = await make(`ci-${algorithm}`, await readClientKey(fileOf(content))).login(
        never,
      );
      assert.equal(tokens.tokenType, 'dpop');
      assert.equal(tokens.grant, 'client_credentials');
      assert.equal(tokens.refreshToken, undefined);
      assert.equal(tokens.identity, undefined);
      const claims = decodeJwt(tokens.accessToken);
      assert.equal(claims.aud, relay.url);
      assert.equal(claims['scope'], 'billing.read', 'the scopes of persons are left out');
      assert.ok((claims['cnf'] as { jkt?: string }).jkt);
    }
    relay.describe({});
  });
}

test('a key that others may read is refused by name, whatever it holds', async () => {
  for (const mode of [0o640, 0o604, 0o660, 0o610, 0o601]) {
    const file = fileOf(pem(pairs.ES256.privateKey), mode);
    await fails(readClientKey(file), 'bad_usage', new RegExp(`${file}.*chmod 600`));
  }
  const open = fileOf(pem(pairs.ES256.privateKey), 0o666);
  assert.equal((await readClientKey(open, 'win32')).algorithm, 'ES256', 'Windows keeps no modes');
});

test('what is no private key that does is told, and never quoted', async () => {
  const small = generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey;
  const p384 = generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey;
  const locked = pairs.ES256.privateKey.export({
    format: 'pem',
    type: 'pkcs8',
    cipher: 'aes-256-cbc',
    passphrase: 'x',
  });
  const cases: readonly (readonly [string, RegExp])[] = [
    ['SECRET garbage', /no private key/],
    ['{"kty":"EC","d":"SECRET', /no private key/],
    [JSON.stringify(publicJwk('ES256')), /no private key/],
    [String(pairs.ES256.publicKey.export({ format: 'pem', type: 'spki' })), /no private key/],
    [String(locked), /without a passphrase/],
    [pem(small), /2048 bits/],
    [pem(p384), /only P-256/],
    [
      JSON.stringify({ ...pairs.ES256.privateKey.export({ format: 'jwk' }), alg: 'RS256' }),
      /`alg` must be ES256/,
    ],
    [' '.repeat(70_000), /too large/],
  ];
  for (const [content, words] of cases) {
    const error: unknown = await readClientKey(fileOf(content)).catch((e: unknown) => e);
    assert.ok(error instanceof AgentError, content.slice(0, 40));
    assert.equal(error.code, 'bad_usage');
    assert.match(error.message, words);
    assert.ok(!`${error.message}${String(error.cause)}`.includes('SECRET'));
  }
  await fails(readClientKey(join(folder, 'none')), 'bad_usage', /ENOENT/);
  await fails(readClientKey(folder), 'bad_usage', /not a file|EISDIR/);
});

test('a key that is not registered, and an unknown client, are told with what to check', async () => {
  const stranger = await readClientKey(
    fileOf(pem(generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey)),
  );
  await fails(
    make('ci-ES256', stranger).login(never),
    'provider_refused',
    /--client-id.*--client-key/,
  );
  await fails(make('nobody', stranger).login(never), 'provider_refused', /invalid_client/);
});

test('the assertion is for this provider alone, short-lived, used once, and signed by the key', async () => {
  const assertions: string[] = [];
  const provider = createServer((request, response) => void answer(request, response));
  async function answer(
    request: IncomingMessage,
    response: { setHeader(name: string, value: string): unknown; end(text: string): unknown },
  ): Promise<void> {
    response.setHeader('content-type', 'application/json');
    const issuer = `http://${request.headers.host}`;
    if (request.method === 'GET') {
      const authorization_endpoint = `${issuer}/authorize`;
      response.end(
        JSON.stringify({ issuer, authorization_endpoint, token_endpoint: `${issuer}/token` }),
      );
      return;
    }
    let text = '';
    for await (const chunk of request) text += String(chunk);
    const form = new URLSearchParams(text);
    assert.equal(form.get('audience'), 'https://api.example');
    assert.equal(form.get('scope'), 'billing.read');
    assertions.push(form.get('client_assertion') ?? '');
    response.end(
      '{"access_token":"a","token_type":"bearer","expires_in":60,"refresh_token":"unwanted"}',
    );
  }
  provider.listen(0, '127.0.0.1');
  await once(provider, 'listening');
  const issuer = `http://127.0.0.1:${(provider.address() as AddressInfo).port}`;
  const own = await startSmallRelay(issuer);
  own.describe({
    latchkey: {
      client_id: 'latchkey-desktop',
      scopes: ['openid', 'offline_access', 'billing.read'],
      authorization_parameters: { audience: 'https://api.example', prompt: 'consent' },
    },
  });
  try {
    const key = await readClientKey(fileOf(pem(pairs.EdDSA.privateKey)));
    const machine = make('ci', key, own.url);
    const tokens = await machine.login(never);
    assert.equal(tokens.refreshToken, undefined, 'the key is what lasts');
    await machine.refresh(tokens);
    await make('ci', { ...key, audience: `${issuer}/token` }, own.url).login(never);
  } finally {
    await own.close();
    provider.close();
    provider.closeAllConnections();
  }
  const [first, second, third] = assertions.map((text) => decodeJwt(text));
  assert.equal(decodeProtectedHeader(assertions[0] ?? '').alg, 'EdDSA');
  assert.equal(first?.aud, issuer);
  assert.equal(first.sub, 'ci');
  assert.ok((first.exp ?? 0) - (first.iat ?? 0) <= 120);
  assert.notEqual(first.jti, second?.jti);
  assert.equal(third?.aud, `${issuer}/token`);
});

/** A session of a machine with a clock of its own. */
async function seat(): Promise<{ session: Session; clock: { ms: number }; tokens: TokenSet }> {
  const clock = { ms: Date.now() };
  const now = (): number => clock.ms;
  const key = await readClientKey(fileOf(pem(pairs.ES256.privateKey)));
  const machine = make('ci-ES256', key, relay.url, now);
  const session = createSession({
    provider: machine,
    vault: createMemoryVault(),
    now,
    random: () => 0,
    onChange: () => undefined,
  });
  const tokens = await machine.login(never);
  await session.adopt(tokens);
  return { session, clock, tokens };
}

test('a machine’s session asks again ahead of its end, without a refresh token', async () => {
  const { session, clock, tokens } = await seat();
  clock.ms += 250_000;
  assert.equal((await session.access()).token, tokens.accessToken, 'still good for 50 s');
  await until(
    'the next token is used',
    async () => (await session.access()).token !== tokens.accessToken,
  );
  clock.ms += 3_600_000;
  assert.ok((await session.access()).token, 'after a sleep, too');
  assert.equal(session.state().kind, 'active');
  session.close();
});

test('a provider that is down makes a machine offline, and it goes on; a refused key ends the session with the reason', async () => {
  const { session, clock } = await seat();
  await idp.down();
  clock.ms += 300_001;
  await fails(session.access(), 'provider_unreachable', /cannot be reached/);
  assert.equal(session.state().kind, 'offline');
  await idp.up();
  clock.ms += 2000;
  assert.ok((await session.access()).token);
  session.close();

  const stranger = await readClientKey(
    fileOf(pem(generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey)),
  );
  const now = (): number => clock.ms;
  const other = createSession({
    provider: make('ci-ES256', stranger, relay.url, now),
    vault: createMemoryVault(),
    now,
    onChange: () => undefined,
  });
  const { tokens } = await seat();
  await other.adopt({ ...tokens, expiresAtMs: clock.ms - 1 });
  await fails(other.access(), 'session_expired', /refused this machine's key/);
  assert.equal(other.state().kind, 'expired');
  other.close();
});

test('a person’s stored session is never renewed by a machine’s key', async () => {
  const { tokens } = await seat();
  const key = await readClientKey(fileOf(pem(pairs.ES256.privateKey)));
  const { grant: _machine, ...person } = { ...tokens, refreshToken: 'r' };
  await fails(make('ci-ES256', key).refresh(person), 'session_expired', /--client-key.*person/);
});

test('an issuer that the relay does not name gets no assertion', async () => {
  const key = await readClientKey(fileOf(pem(pairs.ES256.privateKey)));
  const at = (issuer: string): Machine =>
    createMachine({
      relay: new URL(relay.url),
      client: { clientId: 'ci-ES256', key, issuer },
      provider: createProvider({ fetch, now: Date.now }),
      fetch,
    });
  await fails(at('https://idp.example').login(never), 'bad_usage', /--issuer must be one of/);
  assert.equal((await at(idp.issuer).login(never)).grant, 'client_credentials');
});

test('a machine needs no client of the app’s, and asks for the scopes of its own issuer', async () => {
  const key = await readClientKey(fileOf(pem(pairs.ES256.privateKey)));
  const other = 'https://idp.example';
  const desktop = { client_id: 'latchkey-desktop', scopes: ['openid', 'hr.read'] };
  const scopeAt = async (latchkey: object): Promise<unknown> => {
    relay.describe({ authorization_servers: [other, idp.issuer], latchkey });
    const machine = createMachine({
      relay: new URL(relay.url),
      client: { clientId: 'ci-ES256', key, issuer: idp.issuer },
      provider: createProvider({ fetch, now: Date.now }),
      fetch,
    });
    return decodeJwt((await machine.login(never)).accessToken)['scope'];
  };
  try {
    assert.equal(await scopeAt({ version: '0.1.0' }), undefined);
    const issuers = { [other]: desktop, [idp.issuer]: { scopes: ['billing.read'] } };
    assert.equal(await scopeAt({ ...desktop, issuers }), 'billing.read');
  } finally {
    relay.describe({});
  }
});

test('a machine that signs out shows its key at revocation as well', async () => {
  const asked: URLSearchParams[] = [];
  const key = await readClientKey(fileOf(pem(pairs.ES256.privateKey)));
  const machine = createMachine({
    relay: new URL(relay.url),
    client: { clientId: 'ci-ES256', key },
    provider: createProvider({
      fetch(url, init) {
        if (url.endsWith('/revocation')) asked.push(new URLSearchParams(init?.body as string));
        return fetch(url, init);
      },
      now: Date.now,
    }),
    fetch,
  });
  const tokens = await machine.login(never);
  await machine.revoke(tokens).catch((error: unknown) => {
    // Tokens that the provider does not keep (JWT) cannot be revoked there; the client was believed.
    assert.match(String(error), /unsupported_token_type/);
  });
  assert.equal(asked.length, 1);
  assert.equal(asked[0]?.get('token'), tokens.accessToken);
  assert.equal(decodeJwt(asked[0].get('client_assertion') ?? '').sub, 'ci-ES256');
});
