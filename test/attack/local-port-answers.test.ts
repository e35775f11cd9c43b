import assert from 'node:assert/strict';
import { once } from 'node:events';
import { METHODS } from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { createMemoryVault } from '../../app/main/agent/session/vault.ts';
import type { AuditRecord } from '../../audit/record.ts';
import { allRecords } from '../audit/ledger-dir.ts';
import { seed, startHeardRelay, startProfiles } from '../support/profile-bench.ts';
import { codeOf, sendRaw, statusOf } from '../support/raw.ts';
import { until } from '../support/until.ts';

const LISTED = 'https://tools.example.com';
const OTHER = 'https://evil.example';

/** An agent, signed in or out, and a way to send it bytes as they are. */
async function start(t: TestContext, isSignedIn: boolean, guard: object = {}) {
  const relay = await startHeardRelay(t, 'acme');
  const vault = createMemoryVault();
  if (isSignedIn) await seed(vault, relay.url, 'token');
  const bench = await startProfiles(
    t,
    {
      relays: [{ name: 'Acme', url: relay.url }],
      signIn: { auto: false },
      guard: { allowedOrigins: [LISTED], ...guard },
    },
    { vaultAt: () => vault },
  );
  const send = (bytes: string | readonly string[]): Promise<string> =>
    sendRaw(`http://${bench.authority}`, bytes, { quietMs: 200 });
  const ask = (target: string, ...fields: readonly string[]): Promise<string> =>
    send(
      `GET ${target} HTTP/1.1\r\n${[`Host: ${bench.authority}`, ...fields].join('\r\n')}\r\n\r\n`,
    );
  return { ...bench, relay, send, ask };
}

const fieldOf = (answer: string, name: string): string | undefined =>
  new RegExp(`^${name}: (.*)\r$`, 'im').exec(answer)?.[1];

/** Waits for the refusal with this id, or this code, in the audit of the agent. */
async function recorded(dataDir: string, fits: Partial<AuditRecord>): Promise<AuditRecord> {
  let found: AuditRecord | undefined;
  await until(`${JSON.stringify(fits)} is recorded`, async () => {
    const records = await allRecords(join(dataDir, 'audit'));
    found = records.find((record) =>
      Object.entries(fits).every(([name, value]) => record[name as keyof AuditRecord] === value),
    );
    return found;
  });
  return found as AuditRecord;
}

test('CONNECT and TRACE are 405 with Allow and an id under which the refusal is recorded', async (t) => {
  const { authority, dataDir, send } = await start(t, true);
  for (const [method, target] of [
    ['CONNECT', 'billing.test:443'],
    ['TRACE', '/billing/x'],
  ] as const) {
    const answer = await send(`${method} ${target} HTTP/1.1\r\nHost: ${authority}\r\n\r\n`);
    assert.equal(statusOf(answer), 405);
    const others = METHODS.filter((one) => one !== 'CONNECT' && one !== 'TRACE');
    assert.equal(fieldOf(answer, 'Allow'), others.join(', '));
    assert.equal(fieldOf(answer, 'Cache-Control'), 'no-store');
    const requestId = fieldOf(answer, 'X-Request-Id');
    assert.match(requestId ?? '', /^[0-9A-Z]{26}$/);
    assert.ok(answer.endsWith('}'), 'the body is whole');
    const record = await recorded(dataDir, { requestId: requestId ?? '', kind: 'request' });
    assert.deepEqual([record.method, record.decision, record.code], [method, 'deny', 'method']);
  }
});

test('401 names the relay’s metadata by a scheme for which no tool has a sign-in of its own', async (t) => {
  const { ask, relay } = await start(t, false);
  const answer = await ask('/billing/x');
  assert.equal(statusOf(answer), 401);
  assert.equal(
    fieldOf(answer, 'WWW-Authenticate'),
    `Latchkey error="signed_out", resource_metadata="${relay.url}/.well-known/oauth-protected-resource"`,
  );
});

test('what the parser refuses is told in the body, and recorded', async (t) => {
  const { authority, dataDir, send } = await start(t, true);
  const host = `Host: ${authority}`;
  const umlaut = Buffer.from('ü').toString('latin1');
  for (const [request, status, code, words] of [
    [`GET /billing/x?q=M${umlaut}ller HTTP/1.1\r\n${host}\r\n\r\n`, 400, 'bad_request', /Percent-/],
    [`GET /billing/x HTTP/1.1\r\n${host}\r\nA b: c\r\n\r\n`, 400, 'bad_request', /HTTP\/1\.1/],
    [
      `GET / HTTP/1.1\r\n${host}\r\nA: ${'a'.repeat(70_000)}\r\n\r\n`,
      431,
      'headers_too_large',
      /64 KB/,
    ],
  ] as const) {
    const answer = await send(request);
    assert.equal(statusOf(answer), status, answer);
    assert.equal(codeOf(answer), code);
    assert.match(answer, words);
    assert.equal(fieldOf(answer, 'Content-Type'), 'application/problem+json');
    assert.equal(fieldOf(answer, 'Connection'), 'close');
    const record = await recorded(dataDir, { code, kind: 'request' });
    assert.equal(record.decision, 'deny');
  }
});

test('fields that are held back are 408, a connection that brings nothing is closed without a word', async (t) => {
  const { authority, dataDir, port } = await start(t, true);
  const silent = connect(port, '127.0.0.1');
  let unasked = 0;
  silent.on('data', (chunk: Buffer) => (unasked += chunk.length));
  const closed = once(silent, 'close');
  const half = `GET / HTTP/1.1\r\nHost: ${authority}\r\nA:`;
  const answer = await sendRaw(`http://${authority}`, half, { quietMs: 200, timeoutMs: 60_000 });
  assert.deepEqual([statusOf(answer), codeOf(answer)], [408, 'too_slow']);
  await closed;
  assert.equal(unasked, 0);
  await recorded(dataDir, { code: 'too_slow', kind: 'request' });
  const records = await allRecords(join(dataDir, 'audit'));
  const { count } = records.find(({ code }) => code === 'too_slow') ?? {};
  assert.equal(count, 1, 'the silent one is no request');
});

/** Sends two requests on one connection, the second, which is none, at the time given. */
async function sendTwo(
  { authority, port }: { readonly authority: string; readonly port: number },
  isTime: (answer: string) => boolean,
): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  let answer = '';
  socket.on('data', (chunk: Buffer) => (answer += chunk.toString('latin1')));
  const closed = once(socket, 'close');
  socket.write(`GET /billing/x HTTP/1.1\r\nHost: ${authority}\r\n\r\n`);
  await until('it is time for the second request', () => isTime(answer));
  socket.write(`GET /\u00fc HTTP/1.1\r\nHost: ${authority}\r\n\r\n`);
  await closed;
  return answer;
}

test('what the parser refuses behind a request whose answer is owed gets none', async (t) => {
  const bench = await start(t, true);
  const { dataDir, relay } = bench;
  relay.answer(() => undefined);
  assert.equal(await sendTwo(bench, () => relay.seen.length > 0), '');
  await recorded(dataDir, { code: 'bad_request', kind: 'request' });
  await recorded(dataDir, { closedBy: 'client', kind: 'outcome' });
});

test('what the parser refuses in the middle of an answer adds nothing to it', async (t) => {
  const bench = await start(t, true);
  bench.relay.answer((_request, response) => {
    response.writeHead(200, { 'Content-Length': 1_000 });
    response.write('begun');
  });
  const answer = await sendTwo(bench, (text) => text.endsWith('begun'));
  assert.match(answer, /^HTTP\/1\.1 200 [^]*begun$/);
});

test('a listed origin may read Latchkey’s own answers, another one none', async (t) => {
  const out = await start(t, false);
  const locked = await start(t, true, { requireToolKeys: true });
  for (const [bench, target, status] of [
    [out, '/billing/x', 401],
    [out, '/billing//x', 400],
    [out, '/.latchkey/status', 200],
    [out, '/', 200],
    [locked, '/billing/x', 403],
  ] as const) {
    const answer = await bench.ask(target, `Origin: ${LISTED}`, 'Sec-Fetch-Site: cross-site');
    assert.equal(statusOf(answer), status, target);
    assert.equal(fieldOf(answer, 'Access-Control-Allow-Origin'), LISTED, target);
    assert.equal(fieldOf(answer, 'Vary'), 'Origin');
    const exposed = fieldOf(answer, 'Access-Control-Expose-Headers') ?? '';
    for (const name of ['X-Request-Id', 'X-Latchkey-Code', 'Retry-After', 'WWW-Authenticate'])
      assert.ok(exposed.includes(name), `${target}: ${exposed}`);
    const other = await bench.ask(target, `Origin: ${OTHER}`, 'Sec-Fetch-Site: cross-site');
    assert.doesNotMatch(other, /access-control-/i, target);
    assert.doesNotMatch(await bench.ask(target), /access-control-/i, target);
  }
});

test('a listed origin reads nothing where the guard has not let it in', async (t) => {
  const { port, send } = await start(t, true);
  for (const [target, ...fields] of [
    ['/billing/x', `Host: evil.example:${port}`],
    ['/billing//x', `Host: evil.example:${port}`],
    ['/billing//x', `Host: localhost:${port}`, `Origin: ${OTHER}`],
    ['/billing//x', `Host: localhost:${port}`, 'Sec-Fetch-Mode: navigate'],
    ['/billing//x', `Host: localhost:${port}`, `Host: localhost:${port}`],
  ]) {
    const lines = [...fields, `Origin: ${LISTED}`].join('\r\n');
    const answer = await send(`GET ${target} HTTP/1.1\r\n${lines}\r\n\r\n`);
    assert.ok(statusOf(answer) >= 400, answer);
    assert.doesNotMatch(answer, /access-control-/i, `${target} ${lines}`);
  }
});

test('HEAD of our own pages is answered as GET, without the body', async (t) => {
  const { ask, authority, send } = await start(t, true);
  for (const target of ['/', '/.latchkey/status']) {
    const head = await send(`HEAD ${target} HTTP/1.1\r\nHost: ${authority}\r\n\r\n`);
    const get = await ask(target);
    assert.equal(statusOf(head), 200);
    assert.ok(head.endsWith('\r\n\r\n'), 'no body');
    for (const name of ['Content-Length', 'Content-Type'])
      assert.equal(fieldOf(head, name), fieldOf(get, name));
  }
});
