import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { calculateJwkThumbprint, decodeJwt } from 'jose';
import { createSealedFile } from '../../app/main/electron/sealed-file.ts';
import { login } from '../../app/main/agent/login/login.ts';
import { createProvider } from '../../app/main/agent/login/provider.ts';
import { createAccess } from '../../app/main/agent/session/access.ts';
import { parseTokenSet, type TokenSet } from '../../app/main/agent/session/token-set.ts';
import { startCompany } from '../../demo/company.ts';
import { settledRecords } from '../audit/ledger-dir.ts';
import { startAgent } from '../support/agent.ts';
import { useCompany } from '../support/company.ts';
import { signInWithFetch } from '../support/sign-in.ts';
import { seatAgent } from '../support/step-up-company.ts';

const run = promisify(execFile);
const provider = createProvider({ fetch, now: Date.now });

async function signIn(relayUrl: string): Promise<TokenSet> {
  return await login({
    relay: new URL(relayUrl),
    provider,
    fetch,
    openBrowser: (url) => {
      signInWithFetch(url, 'alice', 'alice-demo').catch(() => undefined);
      return Promise.resolve();
    },
    onUrl: () => undefined,
    signal: AbortSignal.timeout(60_000),
  });
}

function headersOf(fields: readonly string[]): Headers {
  const headers = new Headers();
  for (let at = 0; at + 1 < fields.length; at += 2)
    headers.append(fields[at] ?? '', fields[at + 1] ?? '');
  return headers;
}

async function ask(url: string, headers: Headers): Promise<[number, unknown]> {
  const answer = await fetch(url, { headers });
  const text = await answer.text();
  const code = answer.ok ? undefined : (JSON.parse(text) as { code?: unknown }).code;
  return [answer.status, code];
}

describe('tokens bound to the computer, from the sign-in to the relay', () => {
  const company = useCompany();
  const invoices = (): string => `${company().relayUrl}/billing/invoices`;

  test('the app binds its tokens by itself: curl works, and the relay records it', async (t) => {
    const agent = await startAgent(company().relayUrl);
    t.after(() => agent.close());
    await agent.signIn('alice');
    const { stdout } = await run('curl', ['-sS', '-i', `${agent.url}/billing/invoices?page=1`]);
    assert.match(stdout, /^HTTP\/1\.1 200 /);
    assert.doesNotMatch(stdout, /^dpop-nonce/im, 'the nonce is the app’s, not the tool’s');
    const id = /^x-request-id: (\S+)/im.exec(stdout)?.[1];
    const record = (await settledRecords(company().auditDir)).find(
      ({ requestId, kind }) => requestId === id && kind === 'request',
    );
    assert.equal(record?.binding, 'dpop');
  });

  test('the token names the key; stolen, it is worth nothing without it', async () => {
    const tokens = await signIn(company().relayUrl);
    assert.equal(tokens.tokenType, 'dpop');
    assert.ok(tokens.dpopKey);
    const { d: _private, ...publicJwk } = tokens.dpopKey;
    assert.deepEqual(decodeJwt(tokens.accessToken)['cnf'], {
      jkt: await calculateJwkThumbprint(publicJwk),
    });
    const access = createAccess(Date.now)(tokens);
    const shown = headersOf(access.headers('GET', invoices()));
    assert.deepEqual(await ask(invoices(), shown), [200, undefined]);
    const bearer = new Headers({ authorization: `Bearer ${tokens.accessToken}` });
    assert.deepEqual(await ask(invoices(), bearer), [401, 'token_binding']);
    const other = createAccess(Date.now)({
      ...tokens,
      dpopKey: (await signIn(company().relayUrl)).dpopKey,
    });
    const foreign = headersOf(other.headers('GET', invoices()));
    assert.deepEqual(await ask(invoices(), foreign), [401, 'token_binding']);
    assert.deepEqual(await ask(invoices(), shown), [401, 'dpop_proof'], 'a stolen proof');
    const elsewhere = access.headers('GET', `${company().relayUrl}/payroll/payslips`);
    assert.deepEqual(await ask(invoices(), headersOf(elsewhere)), [401, 'dpop_proof']);
    const late = createAccess(() => Date.now() - 120_000)(tokens);
    const old = headersOf(late.headers('GET', invoices()));
    assert.deepEqual(await ask(invoices(), old), [401, 'dpop_proof']);
  });

  test('a refresh rotates the tokens and keeps the key; another key gets nothing', async () => {
    const tokens = await signIn(company().relayUrl);
    const fresh = await provider.refresh(tokens);
    assert.equal(fresh.tokenType, 'dpop');
    assert.deepEqual(fresh.dpopKey, tokens.dpopKey);
    assert.notEqual(fresh.accessToken, tokens.accessToken);
    assert.notEqual(fresh.refreshToken, tokens.refreshToken);
    const shown = createAccess(Date.now)(fresh).headers('GET', invoices());
    assert.deepEqual(await ask(invoices(), headersOf(shown)), [200, undefined]);
    const stolen = { ...fresh, dpopKey: (await signIn(company().relayUrl)).dpopKey };
    await assert.rejects(provider.refresh(stolen), { code: 'session_expired' });
    await assert.rejects(provider.refresh({ ...fresh, dpopKey: undefined }), {
      code: 'session_expired',
    });
  });

  test('a computer that is five minutes late works all the same', async (t) => {
    const now = (): number => Date.now() - 300_000;
    const seat = await seatAgent(company().relayUrl, { deps: { now } });
    t.after(() => seat.close());
    assert.equal(seat.agent.snapshot().fault, undefined);
    assert.equal((await fetch(`${seat.url}/billing/invoices`)).status, 200);
  });

  test('no key is in any snapshot, log line or audit', async (t) => {
    const lines: string[] = [];
    const agent = await startAgent(company().relayUrl);
    t.after(() => agent.close());
    await agent.signIn('alice');
    await (await fetch(`${agent.url}/billing/invoices`)).text();
    const status = await (await fetch(`${agent.url}/.latchkey/status`)).text();
    lines.push(status, JSON.stringify(agent.events), company().logs().join('\n'));
    lines.push(JSON.stringify(await settledRecords(join(agent.dataDir, 'audit'))));
    lines.push(JSON.stringify(await settledRecords(company().auditDir)));
    assert.doesNotMatch(lines.join('\n'), /eyJ[A-Za-z0-9_-]{10,}\.|"d":"|P-256|dpopKey/);
  });
});

/** Encrypts for show: what matters is that the session survives its process. */
const seal = {
  encrypt: (text: string) => Buffer.from(Buffer.from(text, 'utf8').toReversed()),
  decrypt: (sealed: Buffer) => Buffer.from(sealed.toReversed()).toString('utf8'),
};

/** The demo's relay.yaml, changed. */
async function changedConfig(t: TestContext, from: string, to: string): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'latchkey-dpop-'));
  t.after(() => rm(dir, { recursive: true, force: true }));
  const text = await readFile('demo/relay.yaml', 'utf8');
  assert.ok(text.includes(from));
  const file = join(dir, 'relay.yaml');
  await writeFile(file, text.replace(from, to));
  return file;
}

test('a relay that requires bound tokens and nonces is served without anybody noticing', async (t) => {
  const configFile = await changedConfig(t, 'dpop: optional', 'dpop: required');
  const company = await startCompany({ configFile });
  t.after(() => company.close());
  const seat = await seatAgent(company.relayUrl);
  t.after(() => seat.close());
  assert.equal(seat.agent.snapshot().status, 'ready');
  assert.deepEqual(
    seat.agent.snapshot().apis.map(({ name }) => name),
    ['billing'],
  );
  const answers = await Promise.all(
    Array.from({ length: 20 }, () => fetch(`${seat.url}/billing/invoices`)),
  );
  assert.deepEqual([...new Set(answers.map(({ status }) => status))], [200]);
  const codes = (await settledRecords(company.auditDir)).map(({ code }) => code);
  assert.ok(codes.includes('dpop_nonce'), 'it did ask for one');
});

test('a sealed session goes on after a restart, and is refreshed, with the same key', async (t) => {
  const company = await startCompany({ tokenSeconds: 10 });
  t.after(() => company.close());
  const dir = await mkdtemp(join(tmpdir(), 'latchkey-sealed-'));
  t.after(() => rm(dir, { recursive: true, force: true }));
  const vault = createSealedFile(join(dir, 'session.sealed'), seal, () => undefined);
  const keyOf = async (): Promise<unknown> => parseTokenSet((await vault.load()) ?? '')?.dpopKey;
  const first = await seatAgent(company.relayUrl, { deps: { vaultAt: () => vault } });
  const key = await keyOf();
  assert.ok(key);
  await first.close();
  const second = await seatAgent(company.relayUrl, { deps: { vaultAt: () => vault } });
  t.after(() => second.close());
  assert.equal((await fetch(`${second.url}/billing/invoices`)).status, 200);
  await sleep(10_500);
  assert.equal((await fetch(`${second.url}/billing/invoices`)).status, 200);
  assert.deepEqual(second.tabs, [], 'nobody was asked');
  assert.deepEqual(await keyOf(), key);
});
