import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { AgentError } from '../../../app/main/agent/errors.ts';
import { loginByDevice } from '../../../app/main/agent/login/device.ts';
import { createProvider } from '../../../app/main/agent/login/provider.ts';
import { createSession } from '../../../app/main/agent/session/session.ts';
import type { Session, SessionProvider } from '../../../app/main/agent/session/session.ts';
import { parseTokenSet, serializeTokenSet } from '../../../app/main/agent/session/token-set.ts';
import type { TokenSet } from '../../../app/main/agent/session/token-set.ts';
import { createMemoryVault, type Vault } from '../../../app/main/agent/session/vault.ts';
import { createSealedFile } from '../../../app/main/electron/sealed-file.ts';
import { enterCode, startGrantsProvider } from '../../support/grants-provider.ts';
import type { GrantsProvider } from '../../support/grants-provider.ts';
import { startSmallRelay, type SmallRelay } from '../../support/small-relay.ts';
import { until } from '../../support/until.ts';
import { makeTokens } from './session-tokens.ts';

const folder = mkdtempSync(join(tmpdir(), 'latchkey-session-'));
let idp: GrantsProvider;
let relay: SmallRelay;
const sessions: Session[] = [];

before(async () => {
  idp = await startGrantsProvider();
  relay = await startSmallRelay(idp.issuer);
});
after(async () => {
  for (const session of sessions) session.close();
  await relay.close();
  await idp.close();
  rmSync(folder, { recursive: true, force: true });
});

const over = new AgentError('session_expired', 'It ended your session (invalid_grant).');
let made = 0;

/** The file that every process of this person opens. */
function makeFile(): () => Vault {
  const file = join(folder, `session-${(made += 1)}`);
  const seal = {
    encrypt: (text: string) => Buffer.from(text),
    decrypt: (sealed: Buffer) => sealed.toString(),
  };
  return () => createSealedFile(file, seal, () => assert.fail('unreadable'));
}

const kept = async (vault: Vault): Promise<TokenSet | undefined> =>
  parseTokenSet((await vault.load()) ?? '');

function open(vault: Vault, provider: SessionProvider, clock: { ms: number }): Session {
  const session = createSession({
    provider,
    vault,
    now: () => clock.ms,
    random: () => 0,
    onChange: () => undefined,
  });
  sessions.push(session);
  return session;
}

/** A person's tokens from a real provider that rotates refresh tokens and detects their reuse. */
function signIn(from: SmallRelay): Promise<TokenSet> {
  let page = '';
  return loginByDevice({
    relay: new URL(from.url),
    provider: createProvider({ fetch, now: Date.now }),
    fetch,
    onCode: (code) => (page = code.completeUrl ?? ''),
    signal: new AbortController().signal,
    wait: () => enterCode(page, 'alice'),
  });
}

test('two processes share one vault: neither ever shows a refresh token that the other has spent', async () => {
  const clock = { ms: Date.now() };
  const now = (): number => clock.ms;
  const file = makeFile();
  const tokens = await signIn(relay);
  const first = open(file(), createProvider({ fetch, now }), clock);
  await first.adopt(tokens);
  const second = open(file(), createProvider({ fetch, now }), clock);
  assert.equal(await second.restore(relay.url), true);
  const before = idp.grants.length;
  for (const [one, other] of [
    [first, second],
    [second, first],
    [first, second],
  ] as const) {
    clock.ms += 300_001;
    const { token } = await one.access();
    assert.equal((await other.access()).token, token);
  }
  assert.equal(idp.grants.length - before, 3, 'one refresh each time, not two');
  // The provider would have ended the whole grant at the first reuse.
  const last = await kept(file());
  await createProvider({ fetch, now }).refresh(last ?? tokens);
  await assert.rejects(createProvider({ fetch, now }).refresh(tokens), { code: 'session_expired' });
});

test('invalid_grant reads the vault again before giving up: another process has rotated meanwhile', async () => {
  const clock = { ms: 1_000_000 };
  const file = makeFile();
  const asked: (string | undefined)[] = [];
  const session = open(
    file(),
    {
      async refresh(tokens) {
        asked.push(tokens.refreshToken);
        await file().save(serializeTokenSet(makeTokens('b', clock.ms)));
        throw over;
      },
      revoke: () => assert.fail('nothing is to be revoked'),
    },
    clock,
  );
  await session.adopt(makeTokens('a', clock.ms));
  clock.ms += 300_001;
  assert.equal((await session.access()).token, 'b');
  assert.equal(session.state().kind, 'active');
  assert.deepEqual(asked, ['refresh-of-a']);
  assert.equal((await kept(file()))?.accessToken, 'b');
});

test('what the vault holds is renewed itself when it is due; and it, too, may be over', async () => {
  for (const isOver of [false, true]) {
    const clock = { ms: 1_000_000 };
    const file = makeFile();
    const asked: (string | undefined)[] = [];
    const session = open(
      file(),
      {
        async refresh({ refreshToken }) {
          asked.push(refreshToken);
          if (refreshToken === 'refresh-of-b' && !isOver) return makeTokens('c', clock.ms);
          if (refreshToken === 'refresh-of-a') {
            await file().save(serializeTokenSet(makeTokens('b', clock.ms - 290_000)));
          }
          throw over;
        },
        revoke: () => Promise.resolve(),
      },
      clock,
    );
    await session.adopt(makeTokens('a', clock.ms));
    clock.ms += 300_001;
    if (isOver) await assert.rejects(session.access(), { code: 'session_expired' });
    else assert.equal((await session.access()).token, 'c');
    assert.deepEqual(asked, ['refresh-of-a', 'refresh-of-b']);
    assert.equal((await kept(file()))?.accessToken, isOver ? undefined : 'c');
  }
});

test('compare and store: what another process stored during a refresh is not overwritten', async () => {
  const clock = { ms: 1_000_000 };
  const file = makeFile();
  const session = open(
    file(),
    {
      async refresh() {
        await file().save(serializeTokenSet(makeTokens('theirs', clock.ms)));
        return makeTokens('ours', clock.ms);
      },
      revoke: () => assert.fail('theirs may be of the same grant'),
    },
    clock,
  );
  await session.adopt(makeTokens('a', clock.ms));
  clock.ms += 300_001;
  assert.equal((await session.access()).token, 'theirs');
  assert.equal((await kept(file()))?.accessToken, 'theirs');
});

test('tokens of another person, client, provider or relay, older ones and damage are not taken up', async () => {
  const clock = { ms: 1_000_000 };
  const later = (): TokenSet => makeTokens('b', clock.ms);
  for (const foreign of [
    () => ({ ...later(), identity: { subject: 'mallory' } }),
    () => ({ ...later(), identity: undefined }),
    () => ({ ...later(), clientId: 'd' }),
    () => ({ ...later(), issuer: 'https://evil.example' }),
    () => ({ ...later(), resource: 'https://other.example' }),
    () => ({ ...later(), grant: 'client_credentials' as const }),
    () => ({ ...makeTokens('b', 5), expiresAtMs: 9e12 }),
    () => undefined,
  ]) {
    const file = makeFile();
    const session = open(
      file(),
      {
        refresh: () => Promise.reject(over),
        revoke: () => Promise.resolve(),
      },
      clock,
    );
    await session.adopt(makeTokens('a', clock.ms));
    clock.ms += 300_001;
    const tokens = foreign();
    await file().save(tokens ? serializeTokenSet(tokens) : 'garbage');
    await assert.rejects(session.access(), { code: 'session_expired' });
  }
});

test('a rotation that ends after close is kept all the same: the old refresh token is spent', async () => {
  const clock = { ms: 1_000_000 };
  const file = makeFile();
  let release = (): void => undefined;
  const asked = new Promise<void>((resolve) => {
    const session = open(
      file(),
      {
        async refresh() {
          resolve();
          await new Promise<void>((go) => {
            release = go;
          });
          return makeTokens('b', clock.ms);
        },
        revoke: () => assert.fail('the session goes on at the next start'),
      },
      clock,
    );
    void session.adopt(makeTokens('a', clock.ms)).then(async () => {
      clock.ms += 300_001;
      const waiting = session.access();
      await asked;
      session.close();
      release();
      await assert.rejects(waiting, { code: 'signed_out' });
    });
  });
  await asked;
  await until('the rotated tokens are kept', async () => (await kept(file()))?.accessToken === 'b');
});

test('a sign-out while the rotated tokens are being stored revokes them as well, and leaves nothing', async () => {
  const clock = { ms: 1_000_000 };
  const memory = createMemoryVault();
  const revoked: string[] = [];
  let signOut: Promise<void> | undefined;
  const session = open(
    {
      ...memory,
      async save(text) {
        if (parseTokenSet(text)?.accessToken === 'b') signOut = session.signOut();
        await memory.save(text);
      },
    },
    {
      refresh: () => Promise.resolve(makeTokens('b', clock.ms)),
      revoke: (tokens) => Promise.resolve(void revoked.push(tokens.accessToken)),
    },
    clock,
  );
  await session.adopt(makeTokens('a', clock.ms));
  clock.ms += 300_001;
  await assert.rejects(session.access(), { code: 'signed_out' });
  await signOut;
  assert.deepEqual(revoked.sort(), ['a', 'b']);
  assert.equal(await memory.load(), undefined);
  assert.equal(session.state().kind, 'none');
});

test('a refresh token that ran out while the computer slept: expired, told once, and nothing is left', async () => {
  const short = await startGrantsProvider([], 1);
  const own = await startSmallRelay(short.issuer);
  try {
    const clock = { ms: Date.now() };
    const vault = makeFile()();
    const provider = createProvider({ fetch, now: () => clock.ms });
    const session = open(vault, provider, clock);
    await session.adopt(await signIn(own));
    await sleep(1100);
    clock.ms += 8 * 3_600_000;
    session.wake();
    await assert.rejects(session.access(), { code: 'session_expired', message: /invalid_grant/ });
    assert.equal(session.state().kind, 'expired');
    assert.equal(await vault.load(), undefined);
    assert.deepEqual(
      short.grants.filter((grant) => grant === 'refresh_token'),
      [],
    );
  } finally {
    await own.close();
    await short.close();
  }
});

test('30 s without a network: offline, the tokens are kept, the valid one is used, then it goes on', async () => {
  const clock = { ms: Date.now() };
  const vault = makeFile()();
  const session = open(vault, createProvider({ fetch, now: () => clock.ms }), clock);
  const tokens = await signIn(relay);
  await session.adopt(tokens);
  await idp.down();
  try {
    clock.ms = tokens.expiresAtMs - 4000;
    assert.equal((await session.access()).token, tokens.accessToken, 'good for another 4 s');
    assert.equal(session.state().kind, 'offline');
    for (let n = 0; n < 10; n += 1) {
      clock.ms += 3000;
      const outcome = await session.access().catch((error: unknown) => error);
      if (n === 0) assert.equal((outcome as { token?: string }).token, tokens.accessToken);
      else assert.equal((outcome as AgentError).code, 'provider_unreachable');
      assert.equal(session.state().kind, 'offline');
    }
    assert.equal((await kept(vault))?.refreshToken, tokens.refreshToken);
  } finally {
    await idp.up();
  }
  // The relay is reached again, or the computer woke up: the back-off is not waited for.
  session.wake();
  await until('the session is active', () => session.state().kind === 'active');
  assert.notEqual((await session.access()).token, tokens.accessToken);
});

test('a captive portal in the provider’s place: offline, never expired; the tokens are kept and used again', async () => {
  let portal: ((path: string) => readonly [number, string]) | undefined;
  const server = createServer((request, response) => {
    const issuer = `http://${request.headers.host}`;
    const [status, location] = portal?.(request.url ?? '') ?? [0, ''];
    if (status !== 0) {
      response.writeHead(status, { 'content-type': 'text/html', ...(location && { location }) });
      return response.end('<html>Welcome to Hotel WiFi</html>');
    }
    response.setHeader('content-type', 'application/json');
    const authorization_endpoint = `${issuer}/authorize`;
    return response.end(
      JSON.stringify(
        request.url === '/token'
          ? { access_token: 'b', token_type: 'Bearer', expires_in: 300 }
          : { issuer, authorization_endpoint, token_endpoint: `${issuer}/token` },
      ),
    );
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  try {
    const portals: readonly (readonly [string, NonNullable<typeof portal>])[] = [
      ['200 to everything', () => [200, '']],
      ['200 to the token request', (path) => (path === '/token' ? [200, ''] : [0, ''])],
      ['a redirect', () => [302, 'http://portal.example/']],
      ['a redirect of the token request', (path) => (path === '/token' ? [302, '/x'] : [0, ''])],
      ['511', () => [511, '']],
    ];
    for (const [name, behaviour] of portals) {
      const clock = { ms: 1_000_000 };
      const vault = makeFile()();
      const session = open(vault, createProvider({ fetch, now: () => clock.ms }), clock);
      await session.adopt({ ...makeTokens('a', clock.ms), issuer });
      clock.ms += 300_001;
      portal = behaviour;
      const error: unknown = await session.access().catch((e: unknown) => e);
      // Before the session's own timer can ask again: a second failure would double its back-off.
      portal = undefined;
      assert.ok(error instanceof AgentError && error.code.startsWith('provider_'), name);
      assert.equal(session.state().kind, 'offline', name);
      assert.equal((await kept(vault))?.refreshToken, 'refresh-of-a', name);
      clock.ms += 1500;
      assert.equal((await session.access()).token, 'b', name);
    }
  } finally {
    server.close();
    server.closeAllConnections();
  }
});
