import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { test } from 'node:test';
import { EventSource } from 'eventsource';
import type { AuditPage } from '../../../audit/query.ts';
import type { AuditRecord } from '../../../audit/record.ts';
import { allRecords } from '../../audit/ledger-dir.ts';
import { createConsoleBench, useRelay, type ConsoleBench } from '../../support/console-bench.ts';
import { until } from '../../support/until.ts';

async function read(bench: ConsoleBench, query: string): Promise<AuditPage> {
  const answer = await fetch(`${bench.url}/audit${query}`);
  assert.equal(answer.status, 200, query);
  return (await answer.json()) as AuditPage;
}

async function untilRead(
  bench: ConsoleBench,
  query: string,
  count: number,
): Promise<readonly AuditRecord[]> {
  let records: readonly AuditRecord[] = [];
  await until(`${query} gives ${count} records`, async () => {
    ({ records } = await read(bench, query));
    return records.length >= count;
  });
  return records;
}

/** Listens until it has what it waits for. */
async function listenFor(
  url: string,
  isEnough: (records: readonly AuditRecord[]) => boolean,
  opened: () => Promise<unknown> = () => Promise.resolve(),
): Promise<readonly AuditRecord[]> {
  const source = new EventSource(url);
  const records: AuditRecord[] = [];
  try {
    return await new Promise((resolve, reject) => {
      setTimeout(() => reject(new Error(`only ${records.length} came`)), 60_000).unref();
      source.addEventListener('open', () => void opened());
      source.addEventListener('record', (event) => {
        records.push(JSON.parse(String(event.data)) as AuditRecord);
        if (isEnough(records)) resolve(records);
      });
    });
  } finally {
    source.close();
  }
}

test('GET /audit narrows by each filter, and pages from the newest on', async (t) => {
  const bench = await createConsoleBench(t);
  await useRelay(bench);
  const bobs = await untilRead(bench, '?user=bob', 4);
  // Outcomes, and refusals of nobody known, are written a moment after the answer.
  await untilRead(bench, '?reason=role&api=payroll&kind=request,outcome', 2);
  await untilRead(bench, '?reason=token_missing&kind=request', 1);
  assert.ok(bobs.every(({ user }) => user === 'bob'));
  const refused = await read(bench, '?decision=deny&kind=request');
  assert.deepEqual(
    [...new Set(refused.records.map(({ code }) => String(code)))].toSorted((a, b) =>
      a < b ? -1 : 1,
    ),
    ['denied', 'role', 'scope', 'token_missing'],
  );
  const roles = await read(bench, '?reason=role&api=payroll&kind=request,outcome');
  assert.deepEqual(
    roles.records.map(({ kind }) => kind),
    ['outcome', 'request'],
  );
  assert.deepEqual((await read(bench, '?until=2020-01-01')).records, []);
  assert.deepEqual((await read(bench, '?since=2999-01-01T00:00:00Z')).records, []);

  const first = await read(bench, '?kind=request&limit=10');
  const second = await read(bench, `?kind=request&limit=10&cursor=${first.nextCursor}`);
  const seqs = [...first.records, ...second.records].map(({ seq }) => seq);
  assert.deepEqual(
    seqs,
    seqs.toSorted((a, b) => b - a),
  );
  assert.equal(new Set(seqs).size, 20);
  const below = await read(bench, '?limit=3&before=10');
  assert.deepEqual(
    below.records.map(({ seq }) => seq),
    [9, 8, 7],
  );
});

test('GET /audit says what is wrong with a question', async (t) => {
  const bench = await createConsoleBench(t);
  const questions = [
    ['?usr=bob', /There is no filter `usr`; there are user, api/],
    ['?user=a&user=b', /Give `user` once/],
    ['?user=', /1 to 500 characters/],
    ['?decision=maybe', /allow or deny/],
    ['?reason=%3Cscript%3E', /the code of a refusal/],
    [
      '?kind=Request',
      /no kind `Request`; `kind` must be one or more of request, outcome, sign-in,/,
    ],
    ['?kind=request,nope', /no kind `nope`;.* joined by commas/],
    ['?kind=request,', /no kind ``/],
    ['?kind=expired', /no kind `expired`/],
    ['?limit=0', /from 1 to 1000/],
    ['?limit=1001', /from 1 to 1000/],
    ['?cursor=nonsense', /nextCursor of an earlier page/],
    ['?cursor=MTo1&before=5', /not both/],
    ['?since=yesterday', /RFC 3339/],
    ['?until=2026-02-30', /until must be a day .* that there is/],
    ['?since=2026-11-30&until=2026-11-29', /the period is empty: since must be before until/],
    ['?since=2026-11-30&until=2026-11-30', /the period is empty/],
  ] as const;
  for (const [query, expected] of questions) {
    const answer = await fetch(`${bench.url}/audit${query}`);
    assert.equal(answer.status, 400, query);
    assert.match(((await answer.json()) as { detail: string }).detail, expected);
  }
  const listened = await fetch(`${bench.url}/audit/stream?kind=nope`);
  assert.equal(listened.status, 400);
  assert.match(((await listened.json()) as { detail: string }).detail, /no kind `nope`/);
  const posted = await fetch(`${bench.url}/audit`, { method: 'POST' });
  assert.equal(posted.status, 405);
  assert.equal(posted.headers.get('allow'), 'GET, HEAD');
});

test('each reader’s questions are recorded before they are answered, repeats in a count', async (t) => {
  const bench = await createConsoleBench(t);
  for (let repeat = 0; repeat < 5; repeat += 1) await read(bench, '?api=x');
  const asked = await read(bench, '?api=payroll');
  assert.ok(asked.records.length === 0 || asked.records.every(({ kind }) => kind === 'admin-read'));
  await bench.relay.stop();
  const reads = (await allRecords(bench.auditDir)).filter(({ kind }) => kind === 'admin-read');
  assert.deepEqual(
    reads.map(({ detail, count }) => [JSON.parse(String(detail)), count]),
    [
      [{ read: 'audit', filter: { api: 'x' } }, 1],
      [{ read: 'audit', filter: { api: 'payroll' } }, 1],
      [{ read: 'audit', filter: { api: 'x' } }, 4],
    ],
  );
});

test('GET /audit/stream brings what is committed, narrowed, and resumes without a gap', async (t) => {
  const bench = await createConsoleBench(t);
  const paths = (records: readonly AuditRecord[]): (string | undefined)[] =>
    records.map(({ path }) => path);
  const live = await listenFor(
    `${bench.url}/audit/stream?kind=request&user=alice`,
    (records) => records.length === 2,
    async () => {
      await bench.send('bob', '/x/of-bob');
      for (const path of ['/x/1', '/x/2']) await bench.send('alice', path);
    },
  );
  assert.deepEqual(paths(live), ['/x/1', '/x/2']);
  const after = Number(live[0]?.seq);
  const resumed = await listenFor(
    `${bench.url}/audit/stream?kind=request&after=${after}`,
    (records) => records.some(({ path }) => path === '/x/3'),
    () => bench.send('alice', '/x/3'),
  );
  assert.deepEqual(paths(resumed), ['/x/2', '/x/3']);
  const seqs = resumed.map(({ seq }) => seq);
  assert.deepEqual(seqs, [...new Set(seqs)]);

  const answer = await fetch(`${bench.url}/audit/stream`, {
    headers: { 'last-event-id': '999999' },
  });
  assert.equal(answer.status, 200, 'an id of another ledger is no reason to be silent');
  await answer.body?.cancel();
  const wrong = await fetch(`${bench.url}/audit/stream?since=2026-01-01`);
  assert.equal(wrong.status, 400);
});

test('a client that does not read costs bounded memory, and learns what it missed', async (t) => {
  const bench = await createConsoleBench(t);
  const { hostname, port, host } = new URL(bench.url);
  const socket = connect(Number(port), hostname);
  t.after(() => socket.destroy());
  await once(socket, 'connect');
  socket.write(`GET /audit/stream HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
  await once(socket, 'readable');
  // From here on it reads nothing, until more has come than is kept for it.
  const long = 'x'.repeat(6_000);
  for (let number = 0; number < 60; number += 1)
    await Promise.all(Array.from({ length: 20 }, () => bench.send('alice', `/x/${long}`)));
  let text = '';
  socket.setEncoding('utf8');
  socket.on('data', (chunk: string) => (text += chunk));
  const gap = (): string | undefined => /event: gap\ndata: (\{.*\})/.exec(text)?.[1];
  await until('the gap is told', async () => {
    await bench.send('alice', '/x/again');
    return gap();
  });
  const { from, to } = JSON.parse(String(gap())) as { from: number; to: number };
  assert.ok(from <= to);
  const ids = () => [...text.matchAll(/^id: (\d+)$/gm)].map(([, id]) => Number(id));
  await until('it goes on behind the gap', () => ids().some((id) => id > to));
  assert.ok(!ids().includes(from));
});

test('streams have a bound, and places are free again', async (t) => {
  const bench = await createConsoleBench(t);
  const open: Response[] = [];
  for (let number = 0; number < 32; number += 1)
    open.push(await fetch(`${bench.url}/audit/stream`));
  assert.ok(open.every(({ status }) => status === 200));
  const refused = await fetch(`${bench.url}/audit/stream`);
  assert.equal(refused.status, 503);
  assert.equal(refused.headers.get('retry-after'), '30');
  await refused.body?.cancel();
  for (const { body } of open) await body?.cancel();
  await until('a place is free', async () => {
    const again = await fetch(`${bench.url}/audit/stream`);
    await again.body?.cancel();
    return again.status === 200;
  });
});
