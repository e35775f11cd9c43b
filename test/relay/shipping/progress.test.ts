import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { ledgerDir, openLedger, writeRequests } from '../../audit/ledger-dir.ts';
import { startSinkServer } from '../../support/sink-server.ts';
import { until } from '../../support/until.ts';
import { seqs, startShipping, upTo, webhook } from './bench.ts';

const cursorOf = (dir: string): Record<string, unknown> =>
  JSON.parse(readFileSync(join(dir, 'shipping', 'siem.cursor.json'), 'utf8')) as never;

void test('a restart makes a sink that refuses everything no more dead letters', async (t) => {
  const dir = ledgerDir(t);
  const ledger = openLedger(t, dir);
  await writeRequests(ledger, 40);
  const server = await startSinkServer(t);
  server.answer((_request, response) => response.writeHead(422).end());
  for (let run = 1; run <= 3; run += 1) {
    const bench = await startShipping(t, dir, [webhook(server.url)]);
    await until('the rest is kept back', () => (bench.state().failures['rejected'] ?? 0) > 0);
    assert.equal(bench.state().seq, 20);
    assert.equal(bench.state().deadLetters, run === 1 ? 20 : 0);
    assert.match(String(bench.state().problem), /last 20 records were refused/);
    await bench.shipping.close();
    assert.equal(cursorOf(dir)['refusedInARow'], 20);
  }
  server.answer((_request, response) => response.end());
  const bench = await startShipping(t, dir, [webhook(server.url)]);
  await until('all records are shipped', () => bench.state().seq === 81);
  assert.deepEqual(seqs(server.lines), upTo(81).slice(20));
  assert.ok(!('refusedInARow' in cursorOf(dir)));
});

void test('what is refused is no success, and no recovery', async (t) => {
  const dir = ledgerDir(t);
  openLedger(t, dir);
  const server = await startSinkServer(t);
  server.answer((_request, response) => {
    response.writeHead(server.received.length === 1 ? 500 : 422).end();
  });
  const bench = await startShipping(t, dir, [webhook(server.url)]);
  await until('the record is a dead letter', () => bench.state().seq === 1);
  assert.equal(bench.state().deadLetters, 1);
  assert.equal(bench.state().lastSuccessMs, undefined);
  assert.deepEqual(bench.named('audit_sink_recovered'), []);
  assert.match(String(bench.state().problem), /^http_5xx: /);
});

void test('when a sink last took records is known after a restart, while it is down', async (t) => {
  const dir = ledgerDir(t);
  const ledger = openLedger(t, dir);
  const server = await startSinkServer(t);
  const first = await startShipping(t, dir, [webhook(server.url)]);
  await until('the first record is shipped', () => first.state().seq === 1);
  const { lastSuccessMs } = first.state();
  assert.ok(lastSuccessMs !== undefined);
  await first.shipping.close();
  assert.equal(cursorOf(dir)['lastSuccess'], new Date(lastSuccessMs).toISOString());
  await writeRequests(ledger, 1);
  server.answer((_request, response) => response.writeHead(500).end());
  const second = await startShipping(t, dir, [webhook(server.url)]);
  await until('the sink fails', () => (second.state().failures['http_5xx'] ?? 0) > 0);
  assert.equal(second.state().lastSuccessMs, lastSuccessMs);
  server.answer((_request, response) => response.writeHead(422).end());
  await until('the rest is refused', () => second.state().seq === 3);
  assert.equal(second.state().lastSuccessMs, lastSuccessMs);
});

void test('a cursor of an older version, or of a newer one, is understood', async (t) => {
  const dir = ledgerDir(t);
  const ledger = openLedger(t, dir);
  const server = await startSinkServer(t);
  const first = await startShipping(t, dir, [webhook(server.url)]);
  await until('the first record is shipped', () => first.state().seq === 1);
  await first.shipping.close();
  const { v, seq, hash } = cursorOf(dir);
  const file = join(dir, 'shipping', 'siem.cursor.json');
  for (const later of [{}, { mood: 'good', lastSuccess: 7, refusedInARow: 'many' }]) {
    writeFileSync(file, JSON.stringify({ v, seq, hash, ...later }));
    server.answer((_request, response) => response.writeHead(500).end());
    await writeRequests(ledger, 1);
    const bench = await startShipping(t, dir, [webhook(server.url)]);
    await until('the sink fails', () => (bench.state().failures['http_5xx'] ?? 0) > 0);
    assert.deepEqual([bench.state().seq, bench.state().lastSuccessMs], [1, undefined]);
    await bench.shipping.close();
  }
  assert.equal(server.lines.length, 1);
});
