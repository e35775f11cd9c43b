import assert from 'node:assert/strict';
import { test } from 'node:test';
import { editConfig } from '../support/operator.ts';
import { sendRaw, statusOf } from '../support/raw.ts';
import { createRelayBench, type RelayBench } from '../support/relay.ts';

const PAGES = ['/healthz', '/readyz', '/metrics', '/config'];

async function send(
  bench: RelayBench,
  requestLine: string,
  headers: Readonly<Record<string, string>>,
): Promise<string> {
  const management = String(bench.relay.management);
  const fields = Object.entries({
    Host: new URL(management).host,
    Connection: 'close',
    ...headers,
  });
  const head = fields.map(([name, value]) => `${name}: ${value}\r\n`).join('');
  return await sendRaw(management, `${requestLine} HTTP/1.1\r\n${head}\r\n`);
}

test('a rebound DNS name reads nothing of the management listener', async (t) => {
  const bench = await createRelayBench(t);
  for (const page of [...PAGES, '/revocations', '/nowhere']) {
    const answer = await send(bench, `GET ${page}`, { Host: 'evil.example' });
    assert.equal(statusOf(answer), 403, page);
    assert.doesNotMatch(answer, /latchkey_|"hash"|"checks"/);
  }
  const forms = ['localhost.evil.example', '127.0.0.1.evil.example', 'localhost@evil.example', ''];
  for (const host of forms)
    assert.equal(statusOf(await send(bench, 'GET /config', { Host: host })), 403, host);
  assert.equal(statusOf(await send(bench, 'GET /config', { Host: 'localhost' })), 200);
});

test('a page of another origin gets nothing, and no leave to read', async (t) => {
  const bench = await createRelayBench(t);
  const own = new URL(String(bench.relay.management)).host;
  for (const origin of ['https://evil.example', 'null', 'http://localhost:1', `https://${own}`]) {
    for (const page of PAGES) {
      const answer = await send(bench, `GET ${page}`, { Origin: origin });
      assert.equal(statusOf(answer), 403, `${origin} ${page}`);
      assert.doesNotMatch(answer, /access-control-allow/i);
    }
    const asked = await send(bench, 'OPTIONS /reload', {
      Origin: origin,
      'Access-Control-Request-Method': 'POST',
      'Access-Control-Request-Headers': 'content-type',
    });
    assert.equal(statusOf(asked), 403);
    assert.doesNotMatch(asked, /access-control-allow/i);
  }
  assert.equal(statusOf(await send(bench, 'GET /config', { Origin: `http://${own}` })), 200);
});

test('what a page of another origin embeds gets nothing, though it says no origin', async (t) => {
  const bench = await createRelayBench(t);
  for (const site of ['cross-site', 'same-site'])
    for (const page of [...PAGES, '/revocations', '/audit', '/console/api/status', '/']) {
      const embedded = { 'Sec-Fetch-Site': site, 'Sec-Fetch-Mode': 'no-cors' };
      const answer = await send(bench, `GET ${page}`, embedded);
      assert.equal(statusOf(answer), 403, `${site} ${page}`);
      assert.doesNotMatch(answer, /latchkey_|"hash"|"checks"|"records"/);
    }
  const led = { 'Sec-Fetch-Site': 'cross-site', 'Sec-Fetch-Mode': 'navigate' };
  const answer = await send(bench, 'GET /readyz', led);
  assert.equal(statusOf(answer), 200, 'a link may lead here');
  assert.match(answer, /X-Frame-Options: DENY/i, 'but nothing may frame it');
  assert.match(answer, /Cross-Origin-Resource-Policy: same-origin/i);
});

test('a form or a link reloads nothing', async (t) => {
  const bench = await createRelayBench(t);
  await editConfig(bench, (text) => `${text}\nnonsense: 1\n`);
  const body = { 'Content-Length': '0' };
  for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'application/jsonx']) {
    const answer = await send(bench, 'POST /reload', { ...body, 'Content-Type': type });
    assert.equal(statusOf(answer), 415, type);
  }
  assert.equal(statusOf(await send(bench, 'POST /reload', body)), 415);
  for (const method of ['GET', 'HEAD', 'PUT', 'DELETE']) {
    const answer = await send(bench, `${method} /reload`, body);
    assert.equal(statusOf(answer), 405, method);
    assert.match(answer, /\r\nAllow: POST\r\n/i);
  }
  const json = { ...body, 'Content-Type': 'application/json; charset=utf-8' };
  const foreign = await send(bench, 'POST /reload', { ...json, Origin: 'https://evil.example' });
  assert.equal(statusOf(foreign), 403);
  assert.equal(statusOf(await send(bench, 'POST /reload', json)), 422);
});

test('pages are read only, and faults show no stack', async (t) => {
  const bench = await createRelayBench(t);
  for (const page of PAGES) {
    const answer = await send(bench, `POST ${page}`, {
      'Content-Length': '0',
      'Content-Type': 'application/json',
    });
    assert.equal(statusOf(answer), 405, page);
    assert.match(answer, /\r\nAllow: GET, HEAD\r\n/i);
  }
  const broken = await send(bench, 'GET /%ff', {});
  assert.equal(statusOf(broken), 404);
  const cut = await send(bench, 'POST /revocations', {
    'Content-Type': 'application/json',
    'Content-Encoding': 'gzip',
    'Content-Length': '2',
  });
  for (const answer of [broken, cut]) assert.doesNotMatch(answer, /node_modules|at .*\.ts|\.js:/);
});
