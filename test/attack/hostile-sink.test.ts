import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ledgerDir, openLedger, writeRequests } from '../audit/ledger-dir.ts';
import { seqs, startShipping, upTo, webhook } from '../relay/shipping/bench.ts';
import { createCertificate } from '../support/certificate.ts';
import { startSinkServer, type SinkServer } from '../support/sink-server.ts';
import { until } from '../support/until.ts';

/** All that was posted, whatever came of it. */
const linesOf = ({ received }: SinkServer): string[] =>
  received.flatMap(({ body }) => body.split('\n').filter((line) => line));

for (const status of [301, 302, 303, 307, 308])
  void test(`a sink that redirects with ${status} gets nobody else the audit or its token`, async (t) => {
    const dir = ledgerDir(t);
    openLedger(t, dir);
    const [sink, thief] = [await startSinkServer(t), await startSinkServer(t)];
    sink.answer((_request, response) => response.writeHead(status, { location: thief.url }).end());
    const headers = { authorization: 'Bearer secret' };
    const bench = await startShipping(t, dir, [webhook(sink.url, { headers })]);
    await until('two redirects are refused', () => (bench.state().failures['redirect'] ?? 0) >= 2);
    assert.deepEqual(thief.received, []);
    assert.deepEqual([bench.state().seq, bench.state().deadLetters], [0, 0]);
    for (const { path } of sink.received) assert.equal(path, '/ingest');
  });

void test('a sink with a certificate of somebody else sees no record and no token', async (t) => {
  const dir = ledgerDir(t);
  openLedger(t, dir);
  const [certificate, other] = [createCertificate(t), createCertificate(t)];
  const server = await startSinkServer(t, { tls: certificate });
  const before = process.env['NODE_TLS_REJECT_UNAUTHORIZED'];
  // What people set in despair elsewhere must not open this.
  process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = '0';
  t.after(() => {
    if (before === undefined) delete process.env['NODE_TLS_REJECT_UNAUTHORIZED'];
    else process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = before;
  });
  const bench = await startShipping(t, dir, [
    webhook(server.url, { name: 'system' }),
    webhook(server.url, { name: 'stranger', tls: { ca: other.cert } }),
    webhook(server.url, {
      name: 'misnamed',
      tls: { ca: certificate.cert, serverName: 'a.example' },
    }),
  ]);
  for (const name of ['system', 'stranger', 'misnamed']) {
    await until('the certificate is refused', () => (bench.state(name).failures['tls'] ?? 0) >= 1);
    assert.equal(bench.state(name).seq, 0);
  }
  assert.deepEqual(server.received, []);
});

void test('a sink that answers without end is cut off, gets nothing twice, and costs the others nothing', async (t) => {
  const dir = ledgerDir(t);
  const ledger = openLedger(t, dir);
  const [hostile, good] = [await startSinkServer(t), await startSinkServer(t)];
  let sent = 0;
  hostile.answer((_request, response) => {
    const block = Buffer.alloc(64 * 1024, 'x');
    const pour = (): void => {
      if (response.destroyed) return;
      sent += block.length;
      if (response.write(block)) setImmediate(pour);
      else response.once('drain', pour);
    };
    pour();
  });
  const bench = await startShipping(t, dir, [
    webhook(hostile.url, { name: 'hostile' }),
    // Sent again, lines would be there twice.
    webhook(good.url, { name: 'good', timeoutMs: 60_000 }),
  ]);
  await writeRequests(ledger, 50);
  await until('the good sink has all lines', () => good.lines.length === 101);
  assert.deepEqual(seqs(good.lines), upTo(101));
  await until('the hostile sink has all lines', () => bench.state('hostile').seq === 101);
  assert.deepEqual(bench.state('hostile').failures, {});
  assert.deepEqual(seqs(linesOf(hostile)), upTo(101));
  assert.ok(sent < 64 * 1024 * 1024, String(sent));
});

void test('a sink that never answers, or drips its answer, is given its time and no more', async (t) => {
  const dir = ledgerDir(t);
  openLedger(t, dir);
  const [silent, dripping] = [await startSinkServer(t), await startSinkServer(t)];
  silent.answer(() => {});
  dripping.answer((_request, response) => {
    const timer = setInterval(() => response.write(' '), 20);
    response.on('close', () => clearInterval(timer));
  });
  const bench = await startShipping(t, dir, [
    webhook(silent.url, { name: 'silent', timeoutMs: 200 }),
    webhook(dripping.url, { name: 'dripping', timeoutMs: 200 }),
  ]);
  await until(
    'an attempt has timed out',
    () => (bench.state('silent').failures['timeout'] ?? 0) >= 1,
  );
  // The first thing it said was that it has the batch.
  await until('the dripping sink is done with', () => bench.state('dripping').seq === 1);
});

void test('what callers choose stays inside its record, whatever line ends it has', async (t) => {
  const dir = ledgerDir(t);
  const ledger = openLedger(t, dir);
  const userName = 'a\n{"seq":99,"kind":"outcome"}\r\n\u2028CEF:0|x';
  await ledger.append('sign-in', { userName, detail: userName });
  const server = await startSinkServer(t);
  await startShipping(t, dir, [
    webhook(server.url, { name: 'jsonl', timeoutMs: 60_000 }),
    webhook(server.url, { name: 'ocsf', format: 'ocsf', timeoutMs: 60_000 }),
    webhook(server.url, { name: 'cef', format: 'cef', timeoutMs: 60_000 }),
  ]);
  await until('all lines have come', () => server.lines.length >= 6);
  assert.equal(server.lines.length, 6);
  assert.equal(server.lines.filter((line) => line.startsWith('CEF:0|Latchkey|')).length, 2);
  assert.deepEqual(
    server.lines.filter((line) => line.startsWith('{"seq":99')),
    [],
  );
});
