import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readPeriod } from '../../audit/report/period.ts';
import { readBounds, timestamp } from '../../audit/time-bounds.ts';
import { allRecords, ledgerDir, openLedger, writeRequests } from './ledger-dir.ts';
import { administer } from './people-command.ts';

const FIRST = '0000-01-01T00:00:00.000Z';
const LAST = '9999-12-31T23:59:59.999Z';

test('days and times are read as UTC with milliseconds', () => {
  for (const [written, read] of [
    ['2026-11-23', '2026-11-23T00:00:00.000Z'],
    ['2028-02-29', '2028-02-29T00:00:00.000Z'],
    ['2026-11-23t09:30:00z', '2026-11-23T09:30:00.000Z'],
    ['2026-11-23 09:30:00.5Z', '2026-11-23T09:30:00.500Z'],
    ['2026-11-23T09:30:00.123456Z', '2026-11-23T09:30:00.123Z'],
    ['2026-11-23T09:30:00+01:30', '2026-11-23T08:00:00.000Z'],
    ['2026-12-31T23:30:00-01:00', '2027-01-01T00:30:00.000Z'],
    ['2026-11-23T09:30:00-00:00', '2026-11-23T09:30:00.000Z'],
    ['0050-01-01', '0050-01-01T00:00:00.000Z'],
  ] as const)
    assert.equal(timestamp('since', written), read);
});

test('times that the calendar does not have are refused', () => {
  for (const written of [
    '2026-02-30',
    '2026-02-29T12:00:00Z',
    '2026-11-31',
    '2026-00-10',
    '2026-11-00',
    '2026-11-30T24:00:00Z',
    '2026-11-30T23:60:00Z',
    '2026-12-31T23:59:60Z',
    '2026-11-30T12:00:00+24:00',
    '2026-11-30T12:00:00+01:60',
    '2026-11-30T12:00:00',
    '2026-11-30T12:00Z',
    '+010000-01-01',
  ])
    assert.throws(() => timestamp('until', written), {
      code: 'audit_query',
      message: /^until must be a day or an RFC 3339 time that there is/,
    });
});

test('times beyond the years of four digits are the nearest within', () => {
  assert.equal(timestamp('until', '9999-12-31T23:59:59-05:00'), LAST);
  assert.equal(timestamp('since', '0000-01-01T00:00:00+05:00'), FIRST);
});

test('an end that is not after the beginning is refused, whatever the zones', () => {
  const at = '2026-11-23T12:00:00';
  for (const [since, until] of [
    [`${at}Z`, `${at}Z`],
    ['2026-11-24', '2026-11-23'],
    [`${at}-01:00`, `${at}Z`],
  ] as const) {
    const fault = { code: 'audit_query', message: /the period is empty/ };
    assert.throws(() => readBounds({ since, until }), fault);
    assert.throws(() => readPeriod({ since, until }, 0), fault);
  }
  assert.deepEqual(readBounds({ since: `${at}+01:00`, until: `${at}Z` }), {
    since: '2026-11-23T11:00:00.000Z',
    until: '2026-11-23T12:00:00.000Z',
  });
});

test('whoever names the first or the last time of all gets everything', async (t) => {
  const dir = ledgerDir(t);
  const ledger = openLedger(t, dir);
  await writeRequests(ledger, 5);
  await ledger.close();
  const written = (await allRecords(dir)).map(({ seq }) => seq);
  const [since, until] = ['0000-01-01T00:00:00+05:00', '9999-12-31T23:59:59-05:00'];
  const { code, out } = await administer(dir, 'export', '--since', since, '--until', until);
  assert.equal(code, 0);
  const lines = out.trimEnd().split('\n');
  assert.deepEqual(
    lines.map((line) => (JSON.parse(line) as { seq: number }).seq),
    written,
  );
  const reader = openLedger(t, dir);
  assert.equal(reader.query({ since, until, kinds: ['request'] }).records.length, 5);
  const report = await administer(dir, 'report', '--since', since, '--until', until, '--json');
  assert.equal(report.code, 0, report.err);
  assert.match(report.out, /"requests":5/);
});
