import assert from 'node:assert/strict';
import { createHmac, X509Certificate } from 'node:crypto';
import { test } from 'node:test';
import type { OtlpSinkConfig, SplunkSinkConfig } from '../../../relay/config/sink-config.ts';
import { signatureFields } from '../../../relay/shipping/webhook-sink.ts';
import { ledgerDir, openLedger, writeRequests } from '../../audit/ledger-dir.ts';
import { createCertificate } from '../../support/certificate.ts';
import { startSinkServer } from '../../support/sink-server.ts';
import { until } from '../../support/until.ts';
import { common, seqs, startShipping, upTo, webhook } from './bench.ts';

const splunk = (url: string, changes: Partial<SplunkSinkConfig> = {}): SplunkSinkConfig => ({
  ...common,
  type: 'splunk',
  url,
  tls: {},
  headers: {},
  format: 'jsonl',
  token: 'b5a1c7e0-hec-token',
  source: 'latchkey-relay',
  sourcetype: 'latchkey:audit',
  ...changes,
});

const otlp = (url: string): OtlpSinkConfig => ({
  ...common,
  type: 'otlp',
  url,
  tls: {},
  headers: { authorization: 'Bearer collector' },
  format: 'ocsf',
});

void test('a webhook is signed over its id, its time and its body', async (t) => {
  const dir = ledgerDir(t);
  const ledger = openLedger(t, dir);
  await writeRequests(ledger, 5);
  const certificate = createCertificate(t);
  const server = await startSinkServer(t, { tls: certificate });
  const secret = 'a shared secret of some length';
  await startShipping(t, dir, [
    webhook(server.url, {
      secret,
      headers: { 'x-tenant': 'acme' },
      tls: { ca: certificate.cert },
    }),
  ]);
  await until('all lines have come', () => server.lines.length === 11);
  assert.deepEqual(seqs(server.lines), upTo(11));
  for (const { headers, body } of server.received) {
    const { 'webhook-id': id, 'webhook-timestamp': time } = headers;
    const mac = createHmac('sha256', secret).update(`${String(id)}.${String(time)}.${body}`);
    assert.equal(headers['webhook-signature'], `v1,${mac.digest('base64')}`);
    assert.ok(Math.abs(Date.now() / 1000 - Number(time)) < 600);
    assert.equal(headers['x-tenant'], 'acme');
    assert.equal(headers['content-type'], 'application/x-ndjson');
  }
});

void test('the signature is the one of Standard Webhooks', () => {
  // The example of the specification's own libraries.
  const fields = signatureFields(
    'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
    'msg_p5jXN8AQM9LWM0D4loKWxJek',
    1_614_265_330,
    '{"test": 2432232314}',
  );
  assert.equal(fields['webhook-signature'], 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=');
});

void test('a batch that is sent again has the same id', async (t) => {
  const dir = ledgerDir(t);
  openLedger(t, dir);
  const server = await startSinkServer(t);
  server.answer((_request, response) => {
    response.writeHead(server.received.length === 1 ? 500 : 200).end();
  });
  await startShipping(t, dir, [webhook(server.url)]);
  await until('the line has come', () => server.lines.length === 1);
  const [first, second] = server.received.map(({ headers }) => headers['webhook-id']);
  assert.ok(first);
  assert.equal(first, second);
});

void test('a batch can be one JSON array', async (t) => {
  const dir = ledgerDir(t);
  const ledger = openLedger(t, dir);
  await writeRequests(ledger, 3);
  const server = await startSinkServer(t);
  await startShipping(t, dir, [webhook(server.url, { body: 'array', format: 'ocsf' })]);
  await until(
    'all records have come',
    () => server.received.flatMap(({ body }) => JSON.parse(body) as object[]).length === 7,
  );
  assert.equal(server.received[0]?.headers['content-type'], 'application/json');
});

void test('a client certificate is shown', async (t) => {
  const dir = ledgerDir(t);
  openLedger(t, dir);
  const [certificate, own] = [createCertificate(t), createCertificate(t, 'relay')];
  const server = await startSinkServer(t, { tls: certificate, wantsCertificate: true });
  const tls = { ca: certificate.cert, certificate: own.cert, key: own.key };
  await startShipping(t, dir, [webhook(server.url, { tls })]);
  await until('one request has come', () => server.received.length === 1);
  assert.equal(server.received[0]?.fingerprint, new X509Certificate(own.cert).fingerprint256);
});

void test("Splunk's collector gets events with their time, and the number as a field", async (t) => {
  const dir = ledgerDir(t);
  const ledger = openLedger(t, dir);
  await writeRequests(ledger, 4);
  const server = await startSinkServer(t);
  await startShipping(t, dir, [splunk(server.url, { index: 'security' })]);
  await until('all lines have come', () => server.lines.length === 9);
  const events = server.lines.map((line) => JSON.parse(line) as Record<string, never>);
  assert.deepEqual(
    events.map(({ fields }) => Number(fields?.['seq'])),
    upTo(9),
  );
  const [, event] = events;
  assert.equal(event?.['index'], 'security');
  assert.equal(event?.['sourcetype'], 'latchkey:audit');
  assert.equal(event?.['time'], Date.parse(event?.['event']?.['at'] ?? '') / 1000);
  assert.equal(server.received[0]?.headers.authorization, 'Splunk b5a1c7e0-hec-token');
});

for (const code of [7, 10, 11, 14, 16])
  void test(`Splunk's 400 with code ${code} is about the settings: no record is given up`, async (t) => {
    const dir = ledgerDir(t);
    const ledger = openLedger(t, dir);
    await writeRequests(ledger, 4);
    const server = await startSinkServer(t);
    server.answer((_request, response) => {
      response.writeHead(400).end(JSON.stringify({ text: 'words of the collector', code }));
    });
    const bench = await startShipping(t, dir, [splunk(server.url)]);
    await until('two attempts have failed', () => (bench.state().failures['settings'] ?? 0) >= 2);
    assert.match(String(bench.state().problem), new RegExp(`^settings: HTTP 400, code ${code}: `));
    assert.doesNotMatch(JSON.stringify(bench.log), /words of/);
    assert.deepEqual([bench.state().seq, bench.state().deadLetters], [0, 0]);
    // Whole each time: nothing was split to find who is to blame.
    assert.equal(new Set(server.received.map(({ body }) => body)).size, 1);
    server.answer((_request, response) => response.end('{"text":"Success","code":0}'));
    await until('all records are shipped', () => bench.state().seq === 9);
  });

for (const body of ['{"text":"Invalid data format","code":6}', '<html>400</html>', 'null'])
  void test(`Splunk's 400 with ${body} is about the record`, async (t) => {
    const dir = ledgerDir(t);
    openLedger(t, dir);
    const server = await startSinkServer(t);
    server.answer((_request, response) => response.writeHead(400).end(body));
    const bench = await startShipping(t, dir, [splunk(server.url)]);
    await until('the record is a dead letter', () => bench.state().deadLetters === 1);
  });

void test('CEF is an event of text for Splunk', async (t) => {
  const dir = ledgerDir(t);
  openLedger(t, dir);
  const server = await startSinkServer(t);
  await startShipping(t, dir, [splunk(server.url, { format: 'cef' })]);
  await until('the line has come', () => server.lines.length === 1);
  const { event } = JSON.parse(server.lines[0] ?? '') as { event: string };
  assert.match(event, /^CEF:0\|Latchkey\|/);
});

interface ExportRequest {
  readonly resourceLogs: readonly {
    readonly resource: object;
    readonly scopeLogs: readonly { readonly logRecords: readonly Record<string, unknown>[] }[];
  }[];
}

const logRecords = (body: string): Record<string, unknown>[] =>
  (JSON.parse(body) as ExportRequest).resourceLogs.flatMap(({ scopeLogs }) =>
    scopeLogs.flatMap((scope) => [...scope.logRecords]),
  );

void test('OpenTelemetry logs have time, severity, trace and attributes', async (t) => {
  const dir = ledgerDir(t);
  const ledger = openLedger(t, dir);
  const traceId = '0af7651916cd43dd8448eb211c80319c';
  const record = await ledger.admit({
    requestId: 'r1',
    traceId,
    user: 'u1',
    method: 'GET',
    path: '/a',
    decision: 'deny',
    code: 'scope',
  });
  record.finish({ status: 403 });
  const server = await startSinkServer(t);
  await startShipping(t, dir, [otlp(server.url)]);
  await until(
    'all records have come',
    () => server.received.flatMap(({ body }) => logRecords(body)).length === 3,
  );
  const [, log] = server.received.flatMap(({ body }) => logRecords(body));
  assert.match(String(log?.['timeUnixNano']), /^\d{19}$/);
  assert.equal(log?.['traceId'], traceId);
  assert.equal(log?.['severityText'], 'WARN');
  const attributes = log?.['attributes'] as { key: string; value: object }[];
  const values = Object.fromEntries(attributes.map(({ key, value }) => [key, value]));
  assert.deepEqual(values['latchkey.audit.seq'], { intValue: '2' });
  assert.deepEqual(values['http.request.method'], { stringValue: 'GET' });
  const body = log?.['body'] as { stringValue: string };
  assert.equal((JSON.parse(body.stringValue) as { class_uid: number }).class_uid, 6003);
  assert.equal(server.received[0]?.headers.authorization, 'Bearer collector');
});

void test('what a collector refuses of a batch is found and becomes a dead letter', async (t) => {
  const dir = ledgerDir(t);
  const ledger = openLedger(t, dir);
  await writeRequests(ledger, 10);
  const server = await startSinkServer(t);
  server.answer(({ body }, response) => {
    const refused = logRecords(body).filter((log) => JSON.stringify(log).includes('/invoices/7'));
    response.end(JSON.stringify({ partialSuccess: { rejectedLogRecords: refused.length } }));
  });
  const bench = await startShipping(t, dir, [otlp(server.url)]);
  await until('all records are shipped', () => bench.state().seq === 21);
  // Its outcome tells of the path, too.
  assert.equal(bench.state().deadLetters, 2);
});
