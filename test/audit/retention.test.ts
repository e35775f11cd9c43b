import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import Database from 'better-sqlite3';
import { createLedger, type Ledger, type LedgerOptions } from '../../audit/ledger.ts';
import type { RetentionPolicy } from '../../audit/retention/policy.ts';
import { verifyLedger } from '../../audit/verify.ts';
import { allRecords, ledgerDir, tamper, writeRequests } from './ledger-dir.ts';
import { until } from '../support/until.ts';

const DAY = 86_400_000;
const start = Date.parse('2026-01-01T12:00:00Z');
const keepAll: RetentionPolicy = { defaultMs: 4000 * DAY, apis: {} };
/** As `writeRequests` names them. */
const billing30: RetentionPolicy = { defaultMs: 400 * DAY, apis: { billing: 30 * DAY } };

/** Opens the ledger on a day, and waits until expiry has gone through it. */
async function onDay(
  t: TestContext,
  dir: string,
  day: number,
  policy: RetentionPolicy,
  options: Partial<LedgerOptions> = {},
): Promise<Ledger> {
  const errors: unknown[] = [];
  const ledger = createLedger({
    dir,
    side: 'relay',
    now: () => start + day * DAY,
    retention: () => policy,
    onError: (error) => errors.push(error),
    ...options,
  });
  t.after(() => ledger.close());
  await settled(dir);
  return ledger;
}

/** Nothing is being prepared, and nothing changes any more. */
async function settled(dir: string): Promise<void> {
  const look = (): string =>
    readdirSync(dir)
      .map((name) => {
        const { ino, size } = statSync(join(dir, name), { throwIfNoEntry: false }) ?? {};
        return `${name} ${ino} ${size}`;
      })
      .join();
  // Often for a short while, not once for long: a process that stood still has not settled.
  for (let [before, quiet] = ['', 0]; quiet < 40;) {
    await sleep(5);
    const now = look();
    quiet = now === before && !now.includes('.new') ? quiet + 1 : 0;
    before = now;
  }
}

/** A ledger with `count` requests on the first day, closed. */
async function firstDay(t: TestContext, count = 20): Promise<string> {
  const dir = ledgerDir(t);
  const ledger = await onDay(t, dir, 0, keepAll);
  await writeRequests(ledger, count);
  await ledger.close();
  return dir;
}

const apisIn = async (dir: string): Promise<string[]> => [
  ...new Set((await allRecords(dir)).map(({ api }) => api ?? '-')),
];

async function faults(dir: string): Promise<string[]> {
  return (await verifyLedger(dir)).faults.map(({ seq, what }) => `${seq ?? '-'}: ${what}`);
}

test('records of an API expire by its retention, others stay, and the chain verifies', async (t) => {
  const dir = await firstDay(t);
  const before = await allRecords(dir);
  const ledger = await onDay(t, dir, 31, billing30);
  await ledger.close();
  const after = await allRecords(dir);
  const kept = before.filter(({ api }) => api !== 'billing');
  assert.deepEqual(after.slice(0, kept.length), kept);
  assert.deepEqual(await apisIn(dir), ['-', 'legacy', 'billing']);
  const said = after.find(({ kind }) => kind === 'expire');
  assert.equal(said?.api, 'billing');
  assert.equal(said?.count, before.length - kept.length);
  assert.equal(said?.detail, 'billing: 20');
  assert.equal(said?.expiry?.retentionMs, 30 * DAY);
  assert.equal(said?.expiry?.until, new Date(start + DAY).toISOString());
  const { ok, checkpoints } = await verifyLedger(dir);
  assert.equal(ok, true);
  assert.equal(checkpoints, 4);
});

test('what expired is in no file any more, and the space is returned', async (t) => {
  const dir = await firstDay(t, 2000);
  const path = join(dir, 'audit-000001.sqlite');
  const size = statSync(path).size;
  await (await onDay(t, dir, 500, billing30)).close();
  assert.ok(statSync(path).size < size / 20, `${size} became ${statSync(path).size}`);
  for (const name of readdirSync(dir)) {
    const bytes = readFileSync(join(dir, name));
    assert.ok(!bytes.includes('/invoices/'), name);
  }
  assert.deepEqual(await faults(dir), []);
});

test('nothing expires a day too early, nor where the retention was not reached', async (t) => {
  const dir = await firstDay(t);
  const before = await allRecords(dir);
  await (await onDay(t, dir, 29, billing30)).close();
  const after = await allRecords(dir);
  assert.deepEqual(after.slice(0, before.length), before);
  assert.ok(!after.some(({ kind }) => kind === 'expire'));
});

test('what is left expires later, and stubs join', async (t) => {
  const dir = await firstDay(t);
  const count = (): number => {
    const db = new Database(join(dir, 'audit-000001.sqlite'), { readonly: true });
    const rows = db.prepare('SELECT count(*) FROM records').pluck().get() as number;
    db.close();
    return rows;
  };
  await (await onDay(t, dir, 31, billing30)).close();
  assert.ok(count() > 20);
  await (await onDay(t, dir, 401, billing30)).close();
  // One up to the checkpoint of the first start, one up to that of its stop.
  assert.equal(count(), 2);
  assert.deepEqual(await faults(dir), []);
  await (await onDay(t, dir, 402, billing30)).close();
  const said = (await allRecords(dir)).filter(({ kind, expiry }) => kind === 'expire' && expiry);
  assert.deepEqual(
    said.map(({ count: expired }) => expired),
    [20, 22],
  );
  assert.deepEqual(await faults(dir), []);
});

test('a clock that was set back makes no record older', async (t) => {
  const dir = ledgerDir(t);
  const ahead = await onDay(t, dir, 200, keepAll);
  await writeRequests(ahead, 3);
  await ahead.close();
  const back = await onDay(t, dir, 0, keepAll);
  await writeRequests(back, 3);
  await back.close();
  await (await onDay(t, dir, 201, keepAll)).close();
  await (await onDay(t, dir, 210, billing30)).close();
  const records = await allRecords(dir);
  assert.equal(records.filter(({ api }) => api === 'billing').length, 8);
  await (await onDay(t, dir, 231, billing30)).close();
  assert.equal((await allRecords(dir)).filter(({ api }) => api === 'billing').length, 1);
  assert.deepEqual(await faults(dir), []);
});

test('a segment that was tampered with stays as evidence', async (t) => {
  const dir = await firstDay(t);
  await (await onDay(t, dir, 1, keepAll)).close();
  tamper(dir, (db) => {
    db.exec(`UPDATE records SET body = replace(body, '/invoices/3', '/invoices/4') WHERE seq = 8`);
  });
  const before = await allRecords(dir);
  const errors: string[] = [];
  const ledger = await onDay(t, dir, 31, billing30, {
    onError: (error) => errors.push(String(error)),
  });
  await ledger.close();
  assert.match(errors.join(), /record 8 was altered, so nothing in its segment expires/);
  assert.deepEqual((await allRecords(dir)).slice(0, before.length), before);
});

test('a file that a killed run left behind is removed', async (t) => {
  const dir = await firstDay(t);
  writeFileSync(join(dir, 'audit-000001.sqlite.new'), 'half');
  await (await onDay(t, dir, 1, billing30)).close();
  assert.ok(!existsSync(join(dir, 'audit-000001.sqlite.new')));
});

test('a segment that somebody reads in its log is left alone, and expires soon after', async (t) => {
  const dir = await firstDay(t);
  const path = join(dir, 'audit-000001.sqlite');
  const reader = new Database(path);
  reader.pragma('journal_mode = WAL');
  reader.exec('BEGIN');
  reader.prepare('SELECT count(*) FROM records').get();
  const ledger = await onDay(t, dir, 31, billing30);
  assert.ok((await apisIn(dir)).includes('billing'));
  reader.close();
  await until(
    'the end of the records is recorded',
    () => ledger.query({ kinds: ['expire'] }).records.length > 0,
  );
  await settled(dir);
  await ledger.close();
  assert.equal((await allRecords(dir)).find(({ kind }) => kind === 'request')?.api, 'legacy');
  assert.deepEqual(await faults(dir), []);
});

test('a rewritten segment still refuses changes', async (t) => {
  const dir = await firstDay(t);
  await (await onDay(t, dir, 31, billing30)).close();
  const db = new Database(join(dir, 'audit-000001.sqlite'));
  for (const change of ['DELETE FROM records', "UPDATE records SET body = ''"]) {
    assert.throws(() => db.exec(change), /append-only/);
  }
  db.close();
});

test('a thread prepares the files of a ledger with much to do', async (t) => {
  const dir = await firstDay(t);
  const ledger = await onDay(t, dir, 31, billing30, { usesThreads: true });
  await until(
    'the end of the records is recorded',
    () => ledger.query({ kinds: ['expire'] }).records.length > 0,
  );
  await settled(dir);
  await ledger.close();
  assert.equal((await allRecords(dir)).find(({ kind }) => kind === 'request')?.api, 'legacy');
  assert.deepEqual(await faults(dir), []);
});

test('the keys of people and strangers without records are destroyed, others are kept', async (t) => {
  const dir = await firstDay(t);
  const ledger = await onDay(t, dir, 300, keepAll);
  await ledger.admit({ requestId: 'lately', user: 'user1', decision: 'deny' });
  await ledger.close();
  await (await onDay(t, dir, 420, billing30)).close();
  const db = new Database(join(dir, 'people.sqlite'), { readonly: true });
  assert.equal(db.prepare('SELECT count(*) FROM keys').pluck().get(), 1);
  db.close();
  const records = await allRecords(dir);
  assert.equal(records.find(({ requestId }) => requestId === 'lately')?.user, 'user1');
  assert.ok(records.some(({ kind, count, expiry }) => kind === 'expire' && count === 2 && !expiry));
});
