import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { test, type TestContext } from 'node:test';
import { allRecords, settledRecords } from '../audit/ledger-dir.ts';
import { freePort } from '../support/free-port.ts';
import { codeOf, createRawUpstream, sendRaw, statusOf } from '../support/raw.ts';
import { assertRecorded, assertRefused, bearer, send } from '../support/refused.ts';
import { createRelayBench, type RelayBench } from '../support/relay.ts';

test('case 36: forwarded addresses, paths and methods from outside decide nothing', async (t) => {
  const rules = `      - { name: inside, allow: { from: [10.0.0.0/8], paths: [/inside] } }
      - { name: read, allow: { methods: [GET], paths: [/a], scopes: [read] } }`;
  const bench = await createRelayBench(t, { rules });
  const token = bearer(await bench.token());
  for (const field of [
    'X-Forwarded-For: 10.1.1.1',
    'Forwarded: for=10.1.1.1',
    'X-Real-IP: 10.1.1.1',
    'X_Forwarded_For: 10.1.1.1',
  ]) {
    const answer = await send(bench, [...token, field], '/x/inside');
    await assertRefused(bench, answer, { status: 403, code: 'network' });
  }
  const noRule = { status: 403, code: 'no_rule' };
  for (const field of ['X-Original-URL: /x/a', 'X-Rewrite-URL: /x/a'])
    await assertRefused(bench, await send(bench, [...token, field], '/x/other'), noRule);
  const override = [...token, 'X-HTTP-Method-Override: GET', 'Content-Length: 0'];
  await assertRefused(bench, await send(bench, override, '/x/a', 'POST'), noRule);
  const host = [...token, 'X-Forwarded-Host: evil.test', 'X-Forwarded-Proto: ftp'];
  assert.equal(statusOf(await send(bench, host)), 200);
  assert.doesNotMatch(bench.upstream.received().join(''), /evil\.test|ftp/);
});

async function post(bench: RelayBench, fields: string, body: string): Promise<string> {
  const { host } = new URL(bench.relay.url);
  const head = `POST /x/a HTTP/1.1\r\nHost: ${host}\r\nAuthorization: Bearer ${await bench.token()}\r\n`;
  return await sendRaw(bench.relay.url, `${head}${fields}\r\n\r\n${body}`, { timeoutMs: 60_000 });
}

test('case 42: too large a body is 413, announced or not; slow headers 408', async (t) => {
  const bench = await createRelayBench(t, { api: '    limits: { body: 1KB }' });
  const body = 'x'.repeat(2_000);
  const declared = await post(bench, `Content-Length: ${body.length}`, body);
  assert.equal(statusOf(declared), 413, declared);
  assert.equal(codeOf(declared), 'too_large');
  assert.equal(bench.upstream.requests(), 0);
  await assertRecorded(bench, 'too_large', 'allow');
  const chunk = `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`;
  const chunked = await post(bench, 'Transfer-Encoding: chunked', chunk);
  assert.equal(statusOf(chunked), 413, chunked);
  assert.ok(!bench.upstream.received().join('').includes('\r\n0\r\n\r\n'), 'never whole');
  const { relay } = await createRelayBench(t, { top: 'limits: { headersTimeout: 1s }' });
  const half = `GET /x/a HTTP/1.1\r\nHost: ${new URL(relay.url).host}\r\nX-A:`;
  const slow = await sendRaw(relay.url, half, { timeoutMs: 60_000 });
  assert.equal(statusOf(slow), 408);
});

test('case 42: too many fields, too long a field or URL', async (t) => {
  const bench = await createRelayBench(t);
  const token = bearer(await bench.token());
  const fields = Array.from({ length: 5_000 }, (_, at) => `X-${at}: 1`);
  assert.equal(statusOf(await send(bench, [...token, ...fields])), 431);
  assert.equal(statusOf(await send(bench, [...token, `X-A: ${'a'.repeat(40_000)}`])), 431);
  assert.equal(codeOf(await send(bench, token, `/x/${'a'.repeat(9_000)}`)), 'url_too_long');
  assert.equal(bench.upstream.requests(), 0);
});

async function behind(
  t: TestContext,
  answer: (socket: Socket) => void,
  headers = '60s',
): Promise<{ readonly bench: RelayBench; readonly answer: string }> {
  const bench = await createRelayBench(t, {
    upstream: await createRawUpstream(answer),
    api: `    timeouts: { connect: 60s, headers: ${headers}, idle: 60s }`,
  });
  const token = bearer(await bench.token());
  const { host } = new URL(bench.relay.url);
  const head = ['GET /x/a HTTP/1.1', `Host: ${host}`, ...token, '', ''].join('\r\n');
  return { bench, answer: await sendRaw(bench.relay.url, head, { timeoutMs: 60_000 }) };
}

const FAILURES: readonly [string, (socket: Socket) => void, number, string][] = [
  ['no answer in time', () => undefined, 504, 'upstream_timeout'],
  ['no HTTP', (socket) => socket.end('SSH-2.0-x\r\n'), 502, 'upstream_protocol'],
  [
    'a bad field',
    (socket) => socket.end('HTTP/1.1 200 OK\r\nBad Name: x\r\n\r\n'),
    502,
    'upstream_protocol',
  ],
  [
    'two lengths',
    (socket) => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nok'),
    502,
    'upstream_protocol',
  ],
];

for (const [name, answerWith, status, code] of FAILURES)
  test(`case 43: an API that gives ${name}`, async (t) => {
    const { bench, answer } = await behind(t, answerWith, status === 504 ? '1s' : undefined);
    assert.equal(statusOf(answer), status, answer);
    assert.equal(codeOf(answer), code);
    await assertRecorded(bench, code, 'allow');
  });

test('case 43: an API that is not there', async (t) => {
  const bench = await createRelayBench(t, { upstreams: [`http://127.0.0.1:${await freePort()}`] });
  const answer = await send(bench, bearer(await bench.token()));
  assert.equal(statusOf(answer), 502);
  assert.equal(codeOf(answer), 'upstream_unreachable');
  await assertRecorded(bench, 'upstream_unreachable', 'allow');
});

test('case 43: an API that stops in the middle never passes for whole', async (t) => {
  const { bench, answer } = await behind(t, (socket) => {
    socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n');
    setTimeout(() => socket.destroy(), 50);
  });
  assert.equal(statusOf(answer), 200);
  assert.doesNotMatch(answer, /\r\n0\r\n\r\n/, 'the last chunk was made up');
  const records = await settledRecords(bench.auditDir);
  const outcome = records.find(({ kind }) => kind === 'outcome');
  assert.deepEqual([outcome?.closedBy, outcome?.code], ['upstream', 'upstream_protocol']);
});

test('case 48: quotes, escapes and broken JSON in the path and the agent stay inside one record', async (t) => {
  const bench = await createRelayBench(t);
  const token = bearer(await bench.token());
  const ansi = await send(bench, [...token, 'User-Agent: \u001b[2J']);
  assert.equal(statusOf(ansi), 400, 'control characters are no field value');
  assert.equal(bench.upstream.requests(), 0);
  const fields = [
    ...token,
    'X-Latchkey-Client: 1; tool="a\\"},{\\"user\\":\\"root"',
    'User-Agent: "},{"user":"root"}',
  ];
  const broken = await send(bench, fields, '/x/a%0a%7B%22user%22');
  await assertRefused(bench, broken, { status: 400, code: 'ambiguous_target' });
  const path = '/x/%22%7D,%7B%22user%22:%22root%22';
  assert.equal(statusOf(await send(bench, fields, path)), 200);
  const records = await allRecords(bench.auditDir);
  assert.equal(records.filter((record) => record.path === path).length, 1);
  assert.ok(!records.some((record) => record.user === 'root'));
  for (const line of bench.log) assert.ok(JSON.parse(line), line);
});
