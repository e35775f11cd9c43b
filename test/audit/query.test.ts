import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AuditQuery } from '../../audit/query.ts';
import type { AuditRecord } from '../../audit/record.ts';
import { ledgerDir, openLedger, writeRequests } from './ledger-dir.ts';

test('pages join across segments, newest first, while records are added', async (t) => {
  const ledger = openLedger(t, ledgerDir(t), { segmentRecords: 10 });
  await writeRequests(ledger, 30);
  await ledger.append('config', {});
  const all: number[] = [];
  let cursor: string | undefined;
  do {
    const page = ledger.query({ limit: 7, ...(cursor === undefined ? {} : { cursor }) });
    all.push(...page.records.map(({ seq }) => seq));
    cursor = page.nextCursor;
    await ledger.append('config', {});
  } while (cursor !== undefined);
  assert.deepEqual(
    all,
    Array.from({ length: 62 }, (_, i) => 62 - i),
  );
});

test('each filter narrows, and both halves of a request are found', async (t) => {
  let ms = Date.parse('2026-11-23T10:00:00Z');
  const ledger = openLedger(t, ledgerDir(t), { segmentRecords: 10, now: () => ms++ });
  await writeRequests(ledger, 30);
  await ledger.append('config', { user: 'admin' });
  const every = ledger.query({ limit: 1000 }).records;
  assert.equal(every.length, 62);
  const at = every.find(({ seq }) => seq === 21)?.at ?? assert.fail();
  const elsewhere = new Date(Date.parse(at) + 3_600_000).toISOString().replace('Z', '+01:00');
  const cases: [AuditQuery, (record: AuditRecord) => boolean, number][] = [
    [{ user: 'user1' }, (record) => record.user === 'user1', 20],
    [{ api: 'legacy' }, (record) => record.api === 'legacy', 30],
    [{ decision: 'deny' }, (record) => record.decision === 'deny', 12],
    [{ code: 'scope' }, (record) => record.code === 'scope', 12],
    [{ requestId: 'r7' }, (record) => record.requestId === 'r7', 2],
    [{ kinds: ['outcome', 'start'] }, ({ kind }) => kind === 'outcome' || kind === 'start', 31],
    [{ since: elsewhere }, ({ seq }) => seq > 20, 42],
    [{ until: at }, ({ seq }) => seq <= 20, 20],
    [{ user: "user1' OR TRUE --" }, () => false, 0],
  ];
  for (const [query, belongs, count] of cases) {
    const { records, nextCursor } = ledger.query({ ...query, limit: 1000 });
    assert.deepEqual(records, every.filter(belongs), JSON.stringify(query));
    assert.equal(records.length, count, JSON.stringify(query));
    assert.equal(nextCursor, undefined);
  }
});

test('a query that makes no sense is refused', (t) => {
  const ledger = openLedger(t, ledgerDir(t));
  const bad: AuditQuery[] = [
    { limit: 0 },
    { limit: 1001 },
    { limit: 1.5 },
    { cursor: 'x' },
    { cursor: '' },
    { since: 'yesterday' },
    { until: '2026-13-45' },
  ];
  for (const query of bad) {
    assert.throws(() => ledger.query(query), { code: 'audit_query' }, JSON.stringify(query));
  }
});
