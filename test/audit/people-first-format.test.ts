import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { createLedger } from '../../audit/ledger.ts';
import { verifyLedger } from '../../audit/verify.ts';
import { writeFirstFormat } from './first-format.ts';
import { allRecords, ledgerDir, openLedger } from './ledger-dir.ts';
import { administer } from './people-command.ts';
import { until } from '../support/until.ts';

const start = Date.parse('2026-01-01T12:00:00Z');
const DAY = 86_400_000;
const hers = {
  requestId: 'hers',
  user: 'ada-lovelace',
  userName: 'Ada',
  api: 'billing',
  decision: 'allow',
} as const;

function written(t: TestContext): string {
  const dir = ledgerDir(t);
  writeFirstFormat(dir, start, [
    { kind: 'start', fields: {} },
    { kind: 'request', fields: hers },
    {
      kind: 'outcome',
      fields: { requestId: 'hers', user: 'ada-lovelace', api: 'billing', status: 200 },
    },
    { kind: 'request', fields: { ...hers, requestId: 'open' } },
  ]);
  return dir;
}

test('a ledger from before people had keys is read, goes on sealed, and verifies', async (t) => {
  const dir = written(t);
  assert.deepEqual((await verifyLedger(dir)).faults, []);
  const ledger = openLedger(t, dir);
  await ledger.append('sign-in', { user: 'ada-lovelace', userName: 'Ada' });
  const { records } = ledger.query({ user: 'ada-lovelace' });
  assert.deepEqual(
    records.map(({ kind, user, who }) => [kind, user, who !== undefined]),
    [
      ['sign-in', 'ada-lovelace', true],
      ['interrupted', 'ada-lovelace', true],
      ['request', 'ada-lovelace', false],
      ['outcome', 'ada-lovelace', false],
      ['request', 'ada-lovelace', false],
    ],
  );
  await ledger.close();
  assert.ok(!readFileSync(join(dir, 'audit-000002.sqlite')).includes('ada-lovelace'));
  assert.deepEqual((await verifyLedger(dir)).faults, []);
});

test('erasure tells how many records name the person in clear, and these expire', async (t) => {
  const dir = written(t);
  const first = createLedger({ dir, side: 'relay', now: () => start + DAY });
  await first.append('sign-in', { user: 'ada-lovelace' });
  await first.close();
  const { out } = await administer(dir, 'erase', '--user', 'ada-lovelace', '--json');
  assert.match(out, /"records":2,"clear":3,/);
  const second = createLedger({
    dir,
    side: 'relay',
    now: () => start + 31 * DAY,
    retention: () => ({ defaultMs: 30 * DAY, apis: {} }),
  });
  await until(
    'nothing of the person is found',
    () => second.query({ user: 'ada-lovelace' }).records.length === 0,
  );
  await second.close();
  assert.ok(!readFileSync(join(dir, 'audit-000001.sqlite')).includes('ada-lovelace'));
  assert.deepEqual((await verifyLedger(dir)).faults, []);
  assert.ok(!(await allRecords(dir)).some(({ user }) => user === 'ada-lovelace'));
});
