import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { createLedger } from '../../audit/ledger.ts';
import { queryLedger } from '../../audit/query.ts';
import { verifyLedger } from '../../audit/verify.ts';
import { allRecords, ledgerDir, writeRequests } from '../audit/ledger-dir.ts';
import { until } from '../support/until.ts';

const DAY = 86_400_000;
const start = Date.parse('2026-01-01T12:00:00Z');

function run(script: string, ...args: readonly string[]) {
  const path = join(import.meta.dirname, script);
  return spawn(process.execPath, [path, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
}

test('killed at any moment, a record never lacks the key of the person that it names', async (t) => {
  const dir = ledgerDir(t);
  for (let round = 0; round < 6; round += 1) {
    const writer = run('audit-privacy-people.writer.ts', dir);
    const named: string[] = [];
    createInterface({ input: writer.stdout }).on('line', (line) => named.push(line));
    await until('the writer has named people', () => named.length > 10 + 23 * round);
    writer.kill('SIGKILL');
    await once(writer, 'close');
  }
  const records = (await allRecords(dir)).filter(({ kind }) => kind === 'sign-in');
  assert.ok(records.length > 100);
  for (const { seq, user, userName } of records) {
    assert.ok(user !== undefined && userName === `Name of ${user}`, `record ${seq}`);
  }
  assert.deepEqual((await verifyLedger(dir)).faults, []);
});

test('killed at any moment of expiry, each segment is whole, old or new, and the next run finishes', async (t) => {
  const dir = ledgerDir(t);
  const ledger = createLedger({ dir, side: 'relay', now: () => start, segmentRecords: 300 });
  await writeRequests(ledger, 1500);
  await ledger.close();
  let rounds = 0;
  for (let isLeft = true; isLeft && rounds < 16; rounds += 1) {
    await once(run('audit-privacy-expiry.writer.ts', dir, String(rounds * 18)), 'close');
    assert.deepEqual((await verifyLedger(dir)).faults, []);
    isLeft = queryLedger(dir, { api: 'billing', kinds: ['request'] }).records.length > 0;
  }
  assert.ok(rounds > 1, 'expiry was over before the first kill');
  const last = createLedger({
    dir,
    side: 'relay',
    now: () => start + 31 * DAY,
    retention: () => ({ defaultMs: 400 * DAY, apis: { billing: 30 * DAY } }),
  });
  await until(
    'the records have expired',
    () =>
      last.query({ api: 'billing', kinds: ['request'] }).records.length === 0 &&
      !readdirSync(dir).some((name) => name.includes('.new')),
  );
  await last.close();
  const kept = (await allRecords(dir)).filter(({ kind, api }) => kind === 'request' && api);
  assert.equal(kept.length, 750);
  assert.ok(kept.every(({ api }) => api === 'legacy'));
  assert.deepEqual((await verifyLedger(dir)).faults, []);
  assert.ok(!existsSync(join(dir, 'audit-000001.sqlite.new')));
});
