import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { after, before, describe, it } from 'node:test';

import { WebSocket } from 'ws';

import { createBilling } from '../../demo/billing.ts';
import { createLegacy } from '../../demo/legacy.ts';
import type { DemoServer } from '../../demo/listen.ts';

let billing: DemoServer;
let legacy: DemoServer;

before(async () => {
  billing = await createBilling();
  legacy = await createLegacy({ username: 'latchkey', password: 'tüchtig' });
});
after(() => Promise.all([billing.close(), legacy.close()]));

async function json(path: string, init?: RequestInit) {
  const response = await fetch(`${billing.url}${path}`, init);
  return { response, body: (await response.json()) as Record<string, unknown> };
}

describe('the billing API', () => {
  it('pages through invoices with a Link header, and says who asked', async () => {
    const { response, body } = await json('/invoices?page=2&per_page=5', {
      headers: { 'X-User-Email': 'bob@demo.example' },
    });
    assert.equal(response.status, 200);
    assert.equal((body['invoices'] as unknown[]).length, 5);
    assert.equal(body['total'], 42);
    assert.equal(body['requestedBy'], 'bob@demo.example');
    const link = response.headers.get('link') ?? '';
    assert.match(link, /<\?page=1&per_page=5>; rel="prev"/);
    assert.match(link, /<\?page=3&per_page=5>; rel="next"/);
    assert.match(link, /<\?page=9&per_page=5>; rel="last"/);
  });

  it('creates, approves and deletes an invoice', async () => {
    const headers = { 'X-User-Email': 'alice@demo.example' };
    const created = await json('/invoices', {
      method: 'POST',
      headers,
      body: JSON.stringify({ customer: 'Fir AG', amount: 12.5 }),
    });
    assert.equal(created.response.status, 201);
    const path = `/invoices/${String(created.body['id'])}`;
    const approved = await json(`${path}/approve`, { method: 'POST', headers });
    assert.equal(approved.body['status'], 'approved');
    assert.equal(approved.body['approvedBy'], 'alice@demo.example');
    assert.deepEqual((await json(path)).body, approved.body);
    assert.equal((await fetch(`${billing.url}${path}`, { method: 'DELETE' })).status, 204);
    assert.equal((await json(path)).response.status, 404);
  });

  it('says what a new invoice must look like', async () => {
    const { response, body } = await json('/invoices', { method: 'POST', body: '{"amount":-1}' });
    assert.equal(response.status, 422);
    assert.match(String(body['error']), /customer/);
  });

  it('exports the bytes whose checksum it tells, and hashes what is imported', async () => {
    const bytes = 3 * 1024 * 1024 + 17;
    const download = await fetch(`${billing.url}/export?bytes=${bytes}`);
    assert.equal(download.headers.get('content-length'), String(bytes));
    const data = Buffer.from(await download.arrayBuffer());
    assert.equal(data.length, bytes);
    const sha256 = createHash('sha256').update(data).digest('hex');
    assert.equal((await json(`/export.sha256?bytes=${bytes}`)).body['sha256'], sha256);
    const upload = await json('/import', { method: 'PUT', body: data });
    assert.deepEqual(upload.body, { bytes, sha256 });
  });

  it('sends the first event of its feed at once and the next a second later', async () => {
    const gone = new AbortController();
    const response = await fetch(`${billing.url}/feed`, {
      signal: AbortSignal.any([gone.signal, AbortSignal.timeout(60_000)]),
    });
    assert.equal(response.headers.get('content-type'), 'text/event-stream');
    let text = '';
    assert.ok(response.body);
    for await (const chunk of response.body) {
      text += Buffer.from(chunk).toString('utf8');
      if (text.includes('id: 2')) break;
    }
    gone.abort();
    assert.match(text, /^id: 1\nevent: tick\ndata: \{"tick":1,/);
  });

  it('echoes text and binary over its WebSocket', async () => {
    const socket = new WebSocket(`${billing.url.replace('http', 'ws')}/live`);
    await once(socket, 'open');
    for (const sent of ['hello', Buffer.from([0, 255, 1])]) {
      socket.send(sent);
      const [data, binary] = (await once(socket, 'message')) as [Buffer, boolean];
      assert.deepEqual(data, Buffer.from(sent));
      assert.equal(binary, typeof sent !== 'string');
    }
    socket.close();
    await once(socket, 'close');
  });

  it('answers an echo of the request as received, and remembers request ids', async () => {
    const { body } = await json('/echo?q=%73', {
      method: 'POST',
      body: 'abc',
      headers: { 'X-Request-Id': 'the-id' },
    });
    assert.equal(body['method'], 'POST');
    assert.equal(body['url'], '/echo?q=%73');
    assert.equal(body['bytes'], 3);
    assert.deepEqual((await json('/__seen')).body['requestIds'], ['the-id']);
  });
});

describe('the payroll API', () => {
  const basic = (account: string) => `Basic ${Buffer.from(account).toString('base64')}`;

  it('refuses everybody but its technical account', async () => {
    for (const authorization of ['', 'Bearer x', basic('latchkey:wrong')]) {
      const headers = { Authorization: authorization };
      const response = await fetch(`${legacy.url}/payslips`, { headers });
      assert.equal(response.status, 401, authorization);
    }
  });

  it('answers XML to its technical account', async () => {
    const headers = { Authorization: basic('latchkey:tüchtig') };
    const response = await fetch(`${legacy.url}/payslips/2026-09`, { headers });
    assert.equal(response.status, 200);
    assert.match(await response.text(), /<payslip id="2026-09"><person>Bob Baker<\/person>/);
    assert.equal((await fetch(`${legacy.url}/payslips/1999`, { headers })).status, 404);
  });
});
