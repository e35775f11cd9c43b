import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { createLedger } from '../../audit/ledger.ts';
import { queryLedger } from '../../audit/query.ts';
import { verifyLedger } from '../../audit/verify.ts';
import { allRecords, writtenAt } from './ledger-dir.ts';
import { administer } from './people-command.ts';
import { until } from '../support/until.ts';

const DAY = 86_400_000;
const start = Date.parse('2026-01-01T12:00:00Z');

const firstDay = (t: TestContext): Promise<string> => writtenAt(t, start, 12);

/** Lets expire what is older than 30 days, and waits for the record of it. */
async function expire(dir: string, day: number): Promise<void> {
  const expiries = (): number => queryLedger(dir, { kinds: ['expire'] }).records.length;
  const before = expiries();
  const ledger = createLedger({
    dir,
    side: 'relay',
    now: () => start + day * DAY,
    retention: () => ({ defaultMs: 30 * DAY, apis: {} }),
  });
  await until('the end of the records is recorded', () => expiries() > before);
  // Closing waits for the file to be exchanged.
  await ledger.close();
  assert.deepEqual((await verifyLedger(dir)).faults, []);
}

async function hold(dir: string, ...option: string[]): Promise<string> {
  const { out } = await administer(dir, 'hold', 'add', '--reason', 'x', ...option, '--json');
  const { holds } = JSON.parse(out) as { holds: [{ id: string }] };
  return holds[0].id;
}

const requestsIn = async (dir: string) =>
  (await allRecords(dir)).filter(({ kind }) => kind === 'request');

test('what a person did is kept while a hold covers it, and the names with it', async (t) => {
  const dir = await firstDay(t);
  const id = await hold(dir, '--user', 'user1');
  await expire(dir, 100);
  const kept = await requestsIn(dir);
  assert.deepEqual(
    kept.map(({ user }) => user),
    Array.from({ length: 4 }, () => 'user1'),
  );
  await administer(dir, 'hold', 'remove', id);
  await expire(dir, 101);
  assert.deepEqual(await requestsIn(dir), []);
});

test('what happened at an API is kept while a hold covers it', async (t) => {
  const dir = await firstDay(t);
  await hold(dir, '--api', 'legacy');
  await expire(dir, 31);
  const kept = await requestsIn(dir);
  assert.equal(kept.length, 6);
  assert.ok(kept.every(({ api, user }) => api === 'legacy' && user !== undefined));
});

test('nothing expires under a hold of everything', async (t) => {
  const dir = await firstDay(t);
  await hold(dir, '--all');
  const before = await requestsIn(dir);
  const ledger = createLedger({
    dir,
    side: 'relay',
    now: () => start + 500 * DAY,
    retention: () => ({ defaultMs: 30 * DAY, apis: {} }),
  });
  await ledger.append('config', {});
  await ledger.close();
  assert.deepEqual(await requestsIn(dir), before);
});

test('a hold that comes while expiry prepares a file holds', async (t) => {
  const dir = await firstDay(t);
  const ledger = createLedger({
    dir,
    side: 'relay',
    now: () => start + 31 * DAY,
    retention: () => ({ defaultMs: 30 * DAY, apis: {} }),
  });
  // Expiry has begun with the ledger, and prepares in slices: this comes between two of them.
  await hold(dir, '--all');
  await ledger.close();
  const records = await allRecords(dir);
  const heldAt = records.find(({ kind }) => kind === 'hold')?.seq ?? 0;
  const expiredAt = records.find(({ kind }) => kind === 'expire')?.seq ?? Infinity;
  assert.ok(expiredAt < heldAt || (await requestsIn(dir)).length === 12);
  assert.deepEqual((await verifyLedger(dir)).faults, []);
});

test('what tells of erasures and holds never expires', async (t) => {
  const dir = await firstDay(t);
  await administer(dir, 'erase', '--user', 'user0');
  const id = await hold(dir, '--user', 'user1');
  await administer(dir, 'hold', 'remove', id);
  // Their records are of today, and far older than the retention on that day.
  const today = Math.ceil((Date.now() - start) / DAY);
  await expire(dir, today + 500);
  const records = await allRecords(dir);
  assert.equal(records.filter(({ kind }) => kind === 'erase').length, 1);
  assert.equal(records.filter(({ kind }) => kind === 'hold').length, 2);
  assert.deepEqual(await requestsIn(dir), []);
});
