import assert from 'node:assert/strict';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { ledgerDir, openLedger, tamper, writeRequests } from '../../audit/ledger-dir.ts';
import { startSinkServer } from '../../support/sink-server.ts';
import { freePort } from '../../support/free-port.ts';
import { until } from '../../support/until.ts';
import { seqs, startShipping, upTo, webhook } from './bench.ts';

void test('every record arrives once and in order, those written meanwhile too', async (t) => {
  const dir = ledgerDir(t);
  const ledger = openLedger(t, dir, { segmentRecords: 70 });
  await writeRequests(ledger, 100);
  const server = await startSinkServer(t);
  await startShipping(t, dir, [webhook(server.url)]);
  await writeRequests(ledger, 150);
  const head = 501;
  await until('all lines have come', () => server.lines.length >= head);
  assert.deepEqual(seqs(server.lines), upTo(head));
});

void test('a sink that is down all the while gets everything once it is up', async (t) => {
  const dir = ledgerDir(t);
  const ledger = openLedger(t, dir);
  const port = await freePort();
  const bench = await startShipping(t, dir, [webhook(`http://127.0.0.1:${port}/ingest`)]);
  await writeRequests(ledger, 300);
  await until(
    'two attempts to connect have failed',
    () => (bench.state().failures['connect'] ?? 0) >= 2,
  );
  assert.equal(bench.state().seq, 0);
  // It fails again and again, and is told once.
  assert.equal(bench.named('audit_sink_failed').length, 1);
  const server = await startSinkServer(t, { port });
  const head = 601;
  await until('all lines have come', () => server.lines.length >= head);
  assert.deepEqual(seqs(server.lines), upTo(head));
  await until('the recovery is told', () => bench.named('audit_sink_recovered').length === 1);
});

void test('after a restart shipping goes on behind the last batch that was accepted', async (t) => {
  const dir = ledgerDir(t);
  const ledger = openLedger(t, dir);
  const server = await startSinkServer(t);
  const first = await startShipping(t, dir, [webhook(server.url)]);
  await writeRequests(ledger, 20);
  // Not the lines alone: they come before the answer, and the cursor moves after it.
  await until('the first lines have come', () => first.state().seq === 41);
  await first.shipping.close();
  await writeRequests(ledger, 20);
  await startShipping(t, dir, [webhook(server.url)]);
  await until('the other lines have come', () => server.lines.length >= 81);
  assert.deepEqual(seqs(server.lines), upTo(81));
  assert.equal(statSync(join(dir, 'shipping')).mode & 0o777, 0o700);
  assert.equal(statSync(join(dir, 'shipping', 'siem.cursor.json')).mode & 0o777, 0o600);
});

void test('a sink that begins now leaves out what was before, whenever it can first be reached', async (t) => {
  const dir = ledgerDir(t);
  const ledger = openLedger(t, dir);
  await writeRequests(ledger, 10);
  await until('all records are written', () => ledger.health().head === 21);
  const server = await startSinkServer(t);
  server.answer((_request, response) => response.writeHead(503).end());
  const bench = await startShipping(t, dir, [webhook(server.url, { from: 'now' })]);
  await until('what was there counts as shipped', () => bench.state().seq === 21);
  await writeRequests(ledger, 3);
  await until('something is posted', () => server.received.length > 0);
  await bench.shipping.close();
  server.answer((_request, response) => response.end());
  await startShipping(t, dir, [webhook(server.url, { from: 'now' })]);
  await until('the new lines have come', () => server.lines.length >= 6);
  assert.deepEqual(seqs(server.lines), [22, 23, 24, 25, 26, 27]);
});

void test('filters leave out, and what is left out holds nothing up', async (t) => {
  const dir = ledgerDir(t);
  const ledger = openLedger(t, dir);
  await writeRequests(ledger, 30);
  const server = await startSinkServer(t);
  const filter = { apis: ['legacy'], decisions: ['deny'] as const, kinds: ['outcome'] as const };
  const bench = await startShipping(t, dir, [webhook(server.url, { filter })]);
  await until('all records are shipped', () => bench.state().seq === 61);
  const records = server.lines.map((line) => JSON.parse(line) as Record<string, unknown>);
  assert.ok(records.length > 0);
  for (const { api, decision, kind } of records)
    assert.deepEqual([api, decision, kind], ['legacy', 'deny', 'outcome']);
});

void test('a slow sink costs no memory and no record: one batch is under way at a time', async (t) => {
  const dir = ledgerDir(t);
  const ledger = openLedger(t, dir);
  const server = await startSinkServer(t);
  let underWay = 0;
  let most = 0;
  server.answer((_request, response) => {
    underWay += 1;
    most = Math.max(most, underWay);
    setTimeout(() => {
      underWay -= 1;
      response.end();
    }, 30);
  });
  const batch = { records: 10_000, bytes: 20_000, delayMs: 0 };
  await startShipping(t, dir, [webhook(server.url, { batch })]);
  await writeRequests(ledger, 400);
  const head = 801;
  await until('all lines have come', () => server.lines.length >= head);
  assert.deepEqual(seqs(server.lines), upTo(head));
  assert.equal(most, 1);
  // A batch ends with the record that goes beyond.
  for (const { body } of server.received) assert.ok(body.length < 21_000, String(body.length));
});

void test('Retry-After is kept', async (t) => {
  const dir = ledgerDir(t);
  openLedger(t, dir);
  const server = await startSinkServer(t);
  const times: number[] = [];
  server.answer((_request, response) => {
    times.push(performance.now());
    if (times.length === 1) response.writeHead(429, { 'retry-after': '2' }).end();
    else response.end();
  });
  const bench = await startShipping(t, dir, [webhook(server.url)]);
  await until('the line has come', () => server.lines.length === 1);
  assert.ok(Number(times[1]) - Number(times[0]) >= 1_990, String(times));
  assert.equal(bench.state().failures['throttled'], 1);
});

void test('a record that is refused for good becomes a dead letter, and shipping goes on', async (t) => {
  const dir = ledgerDir(t);
  const ledger = openLedger(t, dir);
  await writeRequests(ledger, 40);
  const server = await startSinkServer(t);
  const poison = '"path":"/invoices/13"';
  server.answer(({ body }, response) => {
    response.writeHead(body.includes(poison) ? 400 : 200).end();
  });
  const bench = await startShipping(t, dir, [webhook(server.url)]);
  await until('all records are shipped', () => bench.state().seq === 81);
  const dead = server.lines.length;
  assert.equal(dead, 80);
  const arrived = seqs(server.lines);
  assert.deepEqual(
    arrived,
    arrived.toSorted((a, b) => a - b),
  );
  const file = join(dir, 'shipping', 'siem.dead.jsonl');
  const letters = readFileSync(file, 'utf8').trimEnd().split('\n');
  assert.equal(letters.length, 1);
  const letter = JSON.parse(letters[0] ?? '') as { problem: string; record: { path: string } };
  assert.equal(letter.problem, 'HTTP 400');
  assert.equal(letter.record.path, '/invoices/13');
  assert.equal(statSync(file).mode & 0o777, 0o600);
  assert.equal(bench.state().deadLetters, 1);
  assert.equal(bench.named('audit_dead_letter').length, 1);
});

void test('a sink that refuses everything gets no more than twenty dead letters made', async (t) => {
  const dir = ledgerDir(t);
  const ledger = openLedger(t, dir);
  await writeRequests(ledger, 40);
  const server = await startSinkServer(t);
  server.answer((_request, response) => response.writeHead(422).end());
  const bench = await startShipping(t, dir, [webhook(server.url)]);
  await until('the sink has rejected', () => (bench.state().failures['rejected'] ?? 0) > 0);
  assert.equal(bench.state().deadLetters, 20);
  assert.equal(bench.state().seq, 20);
  server.answer((_request, response) => response.end());
  await until('all records are shipped', () => bench.state().seq === 81);
  assert.deepEqual(seqs(server.lines), upTo(81).slice(20));
  assert.equal(bench.state().deadLetters, 20);
});

for (const status of [401, 403, 404])
  void test(`${status} is about the sink's settings: no record is given up`, async (t) => {
    const dir = ledgerDir(t);
    openLedger(t, dir);
    const server = await startSinkServer(t);
    server.answer((_request, response) => response.writeHead(status).end());
    const bench = await startShipping(t, dir, [webhook(server.url)]);
    await until('the failure is told', () => bench.named('audit_sink_failed').length > 0);
    await sleep(100);
    assert.deepEqual([bench.state().seq, bench.state().deadLetters], [0, 0]);
  });

void test('records that are missing in the ledger are told, once, and what follows is shipped', async (t) => {
  const dir = ledgerDir(t);
  const ledger = openLedger(t, dir);
  await writeRequests(ledger, 10);
  await ledger.close();
  tamper(dir, (db) => db.exec('DELETE FROM records WHERE seq IN (5, 6, 7, 12)'));
  const server = await startSinkServer(t);
  server.answer((_request, response) => response.writeHead(500).end());
  const bench = await startShipping(t, dir, [webhook(server.url)]);
  await until('two attempts have failed', () => (bench.state().failures['http_5xx'] ?? 0) > 1);
  server.answer((_request, response) => response.end());
  await until('all records are shipped', () => bench.state().seq === 22);
  assert.deepEqual(
    bench.named('audit_gap').map(({ first, last }) => [first, last]),
    [
      [5, 7],
      [12, 12],
    ],
  );
  assert.equal(bench.state().missing, 4);
});

void test('records that have expired leave no gap: what stands for them is there', async (t) => {
  const dir = ledgerDir(t);
  const ledger = openLedger(t, dir);
  await writeRequests(ledger, 10);
  await ledger.close();
  tamper(dir, (db) => db.exec("UPDATE records SET kind = 'expired', body = '{}' WHERE seq <= 8"));
  const server = await startSinkServer(t);
  const bench = await startShipping(t, dir, [webhook(server.url)]);
  await until('all records are shipped', () => bench.state().seq === 22);
  assert.deepEqual(seqs(server.lines), upTo(22).slice(8));
  assert.deepEqual([bench.named('audit_gap'), bench.state().missing], [[], 0]);
});

void test('a ledger in place of another is told and shipped from its beginning', async (t) => {
  const dir = ledgerDir(t);
  const ledger = openLedger(t, dir);
  await writeRequests(ledger, 5);
  const server = await startSinkServer(t);
  const first = await startShipping(t, dir, [webhook(server.url)]);
  await until('the first shipper has shipped all', () => first.state().seq === 11);
  await first.shipping.close();
  const file = join(dir, 'shipping', 'siem.cursor.json');
  const cursor = JSON.parse(readFileSync(file, 'utf8')) as object;
  writeFileSync(file, JSON.stringify({ ...cursor, hash: '0'.repeat(64) }));
  const second = await startShipping(t, dir, [webhook(server.url)]);
  await until(
    'the second shipper has shipped all',
    () => second.state().seq === 11 && server.lines.length === 22,
  );
  assert.equal(second.named('audit_sink_ledger_replaced').length, 1);
});

void test('a cursor that cannot be read stops its sink, with what to do, and no other', async (t) => {
  const dir = ledgerDir(t);
  openLedger(t, dir);
  const server = await startSinkServer(t);
  const first = await startShipping(t, dir, [webhook(server.url)]);
  await until('the first record is shipped', () => first.state().seq === 1);
  await first.shipping.close();
  writeFileSync(join(dir, 'shipping', 'siem.cursor.json'), '{"v":1,"se');
  const bench = await startShipping(t, dir, [
    webhook(server.url),
    webhook(server.url, { name: 'other' }),
  ]);
  await until('the other sink has the first record', () => bench.state('other').seq === 1);
  await until('the sink tells of a problem', () => bench.state().problem !== undefined);
  assert.match(String(bench.state().problem), /is not a cursor; delete it/);
  assert.equal(server.lines.length, 2);
});

void test('a change of sinks keeps those that are the same, and each its place', async (t) => {
  const dir = ledgerDir(t);
  const ledger = openLedger(t, dir);
  const [one, two] = [await startSinkServer(t), await startSinkServer(t)];
  const kept = webhook(one.url, { name: 'kept' });
  const bench = await startShipping(t, dir, [kept, webhook(two.url, { name: 'moved' })]);
  await writeRequests(ledger, 5);
  await until(
    'both sinks have all lines',
    () => bench.state('kept').seq === 11 && bench.state('moved').seq === 11,
  );
  const three = await startSinkServer(t);
  await bench.shipping.use([kept, webhook(three.url, { name: 'moved' })]);
  await writeRequests(ledger, 5);
  await until(
    'the sinks that are left have the new lines',
    () => one.lines.length === 21 && three.lines.length === 10,
  );
  assert.deepEqual(seqs(three.lines), upTo(21).slice(11));
  assert.equal(two.lines.length, 11);
  assert.deepEqual(seqs(one.lines), upTo(21));
  await bench.shipping.use([]);
  assert.deepEqual(bench.shipping.states(), []);
});
