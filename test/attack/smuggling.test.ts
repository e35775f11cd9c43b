import assert from 'node:assert/strict';
import { METHODS } from 'node:http';
import { test } from 'node:test';
import { allRecords } from '../audit/ledger-dir.ts';
import { readMetrics } from '../support/operator.ts';
import { codeOf, sendRaw, statusOf } from '../support/raw.ts';
import { createRelayBench } from '../support/relay.ts';
import { until } from '../support/until.ts';

const RELAYED = METHODS.filter((method) => method !== 'TRACE' && method !== 'CONNECT');
const INNER = 'GET /x/stolen HTTP/1.1\r\nHost: internal\r\n\r\n';

test('a chunked DELETE does not hide a second request (CVE-2026-29057)', async (t) => {
  const bench = await createRelayBench(t);
  const head = `DELETE /x/1 HTTP/1.1\r\nHost: ${new URL(bench.relay.url).host}\r\nAuthorization: Bearer ${await bench.token()}\r\n`;
  const answer = await sendRaw(
    bench.relay.url,
    `${head}Transfer-Encoding: chunked\r\n\r\n${INNER.length.toString(16)}\r\n${INNER}\r\n0\r\n\r\n`,
  );
  assert.equal(statusOf(answer), 200);
  const received = bench.upstream.received().join('');
  assert.match(received, /^DELETE \/1 HTTP\/1\.1\r\n/);
  assert.match(received, /\r\ntransfer-encoding: chunked\r\n/i);
  assert.ok(
    received.includes(`${INNER.length.toString(16)}\r\n${INNER}\r\n`),
    'the body arrives as one chunk of the same request',
  );
});

test('a chunked OPTIONS does not hide a second request', async (t) => {
  const bench = await createRelayBench(t);
  const head = `OPTIONS /x/1 HTTP/1.1\r\nHost: ${new URL(bench.relay.url).host}\r\nAuthorization: Bearer ${await bench.token()}\r\n`;
  await sendRaw(
    bench.relay.url,
    `${head}Transfer-Encoding: chunked\r\n\r\n${INNER.length.toString(16)}\r\n${INNER}\r\n0\r\n\r\n`,
  );
  assert.match(bench.upstream.received().join(''), /\r\ntransfer-encoding: chunked\r\n/i);
});

const FRAMINGS: readonly [string, string, string][] = [
  [
    'Content-Length with Transfer-Encoding',
    'Content-Length: 4\r\nTransfer-Encoding: chunked\r\n',
    '0\r\n\r\n',
  ],
  [
    'Transfer-Encoding then Content-Length',
    'Transfer-Encoding: chunked\r\nContent-Length: 4\r\n',
    '0\r\n\r\n',
  ],
  ['two Content-Length fields', 'Content-Length: 4\r\nContent-Length: 4\r\n', 'abcd'],
  ['two different Content-Length fields', 'Content-Length: 4\r\nContent-Length: 5\r\n', 'abcde'],
  ['a list-valued Content-Length', 'Content-Length: 4, 4\r\n', 'abcd'],
  ['a signed Content-Length', 'Content-Length: +4\r\n', 'abcd'],
  ['a hexadecimal Content-Length', 'Content-Length: 0x4\r\n', 'abcd'],
  ['Transfer-Encoding: chunked, x', 'Transfer-Encoding: chunked, x\r\n', '0\r\n\r\n'],
  ['Transfer-Encoding: x, chunked', 'Transfer-Encoding: x, chunked\r\n', '0\r\n\r\n'],
  ['Transfer-Encoding: identity', 'Transfer-Encoding: identity\r\n', ''],
  [
    'two Transfer-Encoding fields',
    'Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n',
    '0\r\n\r\n',
  ],
  ['a space before the colon', 'Transfer-Encoding : chunked\r\n', '0\r\n\r\n'],
  ['a space before the field name', ' Transfer-Encoding: chunked\r\n', '0\r\n\r\n'],
  ['obs-fold', 'X-A: b\r\n c\r\n', ''],
  ['a bare LF', 'X-A: b\nX-B: c\r\n', ''],
  ['a bare CR', 'X-A: b\rX-B: c\r\n', ''],
  ['an empty field name', ': x\r\n', ''],
  ['a NUL in a value', 'X-A: b\0c\r\n', ''],
];

test('faulty framing is refused and the connection closed (RFC 9112 §5 and §6)', async (t) => {
  const bench = await createRelayBench(t);
  const { host } = new URL(bench.relay.url);
  const token = await bench.token();
  for (const [name, fields, body] of FRAMINGS) {
    await t.test(name, async () => {
      const before = bench.upstream.requests();
      const head = `POST /x/1 HTTP/1.1\r\nHost: ${host}\r\nAuthorization: Bearer ${token}\r\n`;
      const answer = await sendRaw(bench.relay.url, `${head}${fields}\r\n${body}${INNER}`);
      assert.equal(statusOf(answer), 400, answer.slice(0, 200));
      assert.equal(answer.match(/HTTP\/1\.1 [0-9]{3}/g)?.length, 1, 'one answer, then closed');
      assert.equal(bench.upstream.requests(), before, 'nothing reached the upstream');
    });
  }
});

test('other HTTP versions are refused', async (t) => {
  const bench = await createRelayBench(t);
  const { host } = new URL(bench.relay.url);
  const token = await bench.token();
  for (const version of ['0.9', '1.2', '2.0', '3.0']) {
    const answer = await sendRaw(
      bench.relay.url,
      `GET /x/1 HTTP/${version}\r\nHost: ${host}\r\nAuthorization: Bearer ${token}\r\n\r\n`,
    );
    assert.equal(statusOf(answer), 400, version);
  }
  assert.equal(bench.upstream.requests(), 0);
});

test('HTTP/1.0 with Transfer-Encoding is refused', async (t) => {
  const bench = await createRelayBench(t);
  const answer = await sendRaw(
    bench.relay.url,
    `POST /x/1 HTTP/1.0\r\nHost: ${new URL(bench.relay.url).host}\r\nAuthorization: Bearer ${await bench.token()}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
  );
  assert.equal(statusOf(answer), 400);
  assert.equal(bench.upstream.requests(), 0);
});

test('bytes sent before the switch of protocols are discarded (CVE-2025-64763)', async (t) => {
  const bench = await createRelayBench(t);
  const answer = await sendRaw(
    bench.relay.url,
    `GET /x/ws HTTP/1.1\r\nHost: ${new URL(bench.relay.url).host}\r\nAuthorization: Bearer ${await bench.token()}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n${INNER}`,
  );
  assert.equal(statusOf(answer), 200, 'the upstream did not switch; its answer is passed on');
  assert.equal(bench.upstream.requests(), 1);
  assert.ok(!bench.upstream.received().join('').includes('stolen'));
});

test('an upgrade without a token is refused before the upstream hears of it', async (t) => {
  const bench = await createRelayBench(t);
  const answer = await sendRaw(
    bench.relay.url,
    `GET /x/ws HTTP/1.1\r\nHost: ${new URL(bench.relay.url).host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n`,
  );
  assert.equal(statusOf(answer), 401);
  assert.equal(codeOf(answer), 'token_missing');
  assert.equal(bench.upstream.received().length, 0);
});

test('an upgrade with a body is refused: what passes for a body here may be a request there', async (t) => {
  const bench = await createRelayBench(t);
  const head = `GET /x HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer ${await bench.token()}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n`;
  for (const framing of [
    'Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n',
    'Content-Length: 3\r\n\r\nabc',
  ]) {
    const answer = await sendRaw(bench.relay.url, head + framing);
    assert.equal(statusOf(answer), 400);
    assert.equal(codeOf(answer), 'bad_request');
  }
  assert.equal(bench.upstream.requests(), 0);
});

test('an h2c upgrade is served as HTTP/1.1, its fields dropped', async (t) => {
  const bench = await createRelayBench(t);
  const answer = await sendRaw(
    bench.relay.url,
    `POST /x/1 HTTP/1.1\r\nHost: ${new URL(bench.relay.url).host}\r\nAuthorization: Bearer ${await bench.token()}\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\nContent-Length: 4\r\n\r\nabcd`,
  );
  assert.equal(statusOf(answer), 200);
  const received = bench.upstream.received().join('');
  assert.doesNotMatch(received, /upgrade|http2-settings/i);
  assert.match(received, /\r\n\r\nabcd$/);
});

test('a WebSocket asked for by HTTP/1.0 is served as a plain request (RFC 9110 §7.8)', async (t) => {
  const bench = await createRelayBench(t);
  const answer = await sendRaw(
    bench.relay.url,
    `GET /x/ws HTTP/1.0\r\nHost: ${new URL(bench.relay.url).host}\r\nAuthorization: Bearer ${await bench.token()}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n`,
  );
  assert.equal(statusOf(answer), 200);
  const received = bench.upstream.received().join('');
  assert.match(received, /^GET \/ws HTTP\/1\.1\r\n/);
  assert.doesNotMatch(received, /^(?:upgrade|connection: .*upgrade)/im);
  await until('it is recorded as one', async () =>
    (await allRecords(bench.auditDir)).some(
      ({ kind, status }) => kind === 'outcome' && status === 200,
    ),
  );
});

test('each method but TRACE and CONNECT reaches the API', async (t) => {
  const bench = await createRelayBench(t);
  const { host } = new URL(bench.relay.url);
  const token = await bench.token();
  for (const method of RELAYED) {
    const answer = await sendRaw(
      bench.relay.url,
      `${method} /x/${method} HTTP/1.1\r\nHost: ${host}\r\nAuthorization: Bearer ${token}\r\nConnection: close\r\n\r\n`,
    );
    assert.equal(statusOf(answer), 200, method);
    const line = `${method} /${method} HTTP/1.1\r\n`;
    assert.ok(bench.upstream.received().join('').includes(line), line);
  }
});

test('TRACE and CONNECT are refused', async (t) => {
  const bench = await createRelayBench(t);
  const { host } = new URL(bench.relay.url);
  const token = await bench.token();
  for (const line of ['TRACE /x/1', `CONNECT ${host}`]) {
    const answer = await sendRaw(
      bench.relay.url,
      `${line} HTTP/1.1\r\nHost: ${host}\r\nAuthorization: Bearer ${token}\r\n\r\n`,
    );
    assert.equal(statusOf(answer), 405, line);
    assert.equal(codeOf(answer), 'method');
    assert.match(answer, /\r\nX-Request-Id: [0-9A-Z]{26}\r\n/i);
    assert.ok(answer.includes(`\r\nAllow: ${RELAYED.join(', ')}\r\n`), answer);
    assert.match(answer, /\r\nCache-Control: no-store\r\n/i);
  }
  await until('both are recorded', async () => {
    const records = await allRecords(bench.auditDir);
    const refused = records.filter(({ kind, code }) => kind === 'request' && code === 'method');
    return refused.map(({ method }) => method).join() === 'TRACE,CONNECT';
  });
  await until('both are counted', async () => {
    const metrics = await readMetrics(bench);
    return [...metrics].find(([name]) => name.includes('code="method"'))?.[1] === 2;
  });
  assert.equal(bench.upstream.received().length, 0);
});

test('a CONNECT behind the last answer of its connection gets none, and ends nothing else', async (t) => {
  const bench = await createRelayBench(t);
  const { host } = new URL(bench.relay.url);
  const last = `GET /x/1 HTTP/1.1\r\nHost: ${host}\r\nAuthorization: Bearer ${await bench.token()}\r\nConnection: close\r\n\r\n`;
  for (let time = 0; time < 20; time++) {
    const answer = await sendRaw(
      bench.relay.url,
      `${last}CONNECT ${host} HTTP/1.1\r\nHost: ${host}\r\n\r\n`,
    );
    assert.ok(answer.split('HTTP/1.1 ').length <= 3, answer);
  }
  assert.equal(statusOf(await sendRaw(bench.relay.url, last)), 200);
});
