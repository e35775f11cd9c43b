import assert from 'node:assert/strict';
import Database from 'better-sqlite3';
import { copyFileSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { createLedger } from '../../audit/ledger.ts';
import { queryLedger } from '../../audit/query.ts';
import { verifyLedger } from '../../audit/verify.ts';
import { ledgerDir, openLedger, tamper } from '../audit/ledger-dir.ts';
import { asFirstFormat } from '../audit/first-format.ts';
import { until } from '../support/until.ts';

const DAY = 86_400_000;
const start = Date.parse('2026-01-01T12:00:00Z');
const changed = 'its day or its copies of requests that were open before it were changed';

/** Requests a, b and c are open as the second segment is begun, with record 5, and when the process ends. */
async function leftOpen(t: TestContext, now = Date.now): Promise<string> {
  const dir = ledgerDir(t);
  const ledger = createLedger({ dir, side: 'relay', segmentRecords: 4, now });
  for (const requestId of ['a', 'b', 'c']) {
    await ledger.admit({ requestId, user: requestId, api: 'billing', decision: 'allow' });
  }
  const ended = await ledger.admit({ requestId: 'd', api: 'kept', decision: 'allow' });
  ended.finish({ status: 200 });
  await ledger.append('config', {});
  await ledger.close();
  assert.deepEqual((await verifyLedger(dir)).faults, []);
  return dir;
}

/** What the next start marks, oldest first. */
async function interruptedIn(t: TestContext, dir: string): Promise<(string | undefined)[]> {
  await openLedger(t, dir).close();
  const { records } = queryLedger(dir, { kinds: ['interrupted'] });
  return records.map(({ requestId }) => requestId).toReversed();
}

const attacks = {
  'a removed copy': `DELETE FROM carried WHERE body LIKE '%"b"%'`,
  'all copies removed': 'DELETE FROM carried',
  'a changed copy': `UPDATE carried SET body = replace(body, '"requestId":"b"', '"requestId":"x"')`,
  'a denial in place of an open request': `UPDATE carried SET body = replace(body, '"allow"', '"deny"')`,
  'a forged copy': `INSERT INTO carried VALUES ('{"requestId":"x","decision":"allow"}')`,
  'a repeated copy': 'INSERT INTO carried SELECT body FROM carried LIMIT 1',
  'exchanged copies': 'UPDATE carried SET rowid = -rowid',
  'a segment whose day never ends': `UPDATE segment SET day = '9999-12-31'`,
};

for (const [attack, sql] of Object.entries(attacks)) {
  test(`${attack}: verify says where, and the start relies on nothing of it`, async (t) => {
    const dir = await leftOpen(t);
    tamper(dir, (db) => db.exec(sql), 2);
    const { faults } = await verifyLedger(dir);
    assert.deepEqual(faults, [{ seq: 5, segment: 'audit-000002.sqlite', what: changed }]);
    assert.throws(() => createLedger({ dir, side: 'relay' }), {
      code: 'audit_tampered',
      message: /audit-000002\.sqlite: its day or its copies .* were changed\. Run audit verify/,
    });
  });
}

test('untouched copies mark what was open before their segment, and in order', async (t) => {
  assert.deepEqual(await interruptedIn(t, await leftOpen(t)), ['a', 'b', 'c']);
});

test('copies cannot be changed together with the record that vouches for them', async (t) => {
  const dir = await leftOpen(t);
  tamper(
    dir,
    (db) => {
      db.exec('DELETE FROM carried');
      db.exec(`UPDATE records SET body = replace(body, '"segment"', '"segmens"') WHERE seq = 5`);
    },
    2,
  );
  const { faults } = await verifyLedger(dir);
  assert.ok(faults.some(({ seq, what }) => seq === 5 && what === 'its contents were changed'));
  assert.throws(() => createLedger({ dir, side: 'relay' }), { code: 'audit_tampered' });
});

test('removing the record that vouches does not make what it vouched for anybody’s', async (t) => {
  const dir = await leftOpen(t);
  const vouching = queryLedger(dir, { limit: 100 }).records.find(({ seq }) => seq === 5);
  tamper(dir, (db) => db.exec('DELETE FROM carried; DELETE FROM records WHERE seq = 5'), 2);
  assert.throws(() => createLedger({ dir, side: 'relay' }), {
    code: 'audit_tampered',
    message: /record 5, its first, is missing/,
  });
  tamperInfo(dir, `first_seq = 6, prev = '${vouching?.hash}'`);
  assert.throws(() => createLedger({ dir, side: 'relay' }), {
    code: 'audit_tampered',
    message: /its copies of requests that were open before it were changed/,
  });
  const { faults } = await verifyLedger(dir);
  assert.match(faults[0]?.what ?? '', /begins after record 5, which is not where the one before/);
});

function tamperInfo(dir: string, change: string): void {
  const db = new Database(join(dir, 'audit-000002.sqlite'));
  db.exec(`UPDATE segment SET ${change}`);
  db.close();
}

test('a segment without records vouches for nothing: a planted one neither hides nor forges an interruption', async (t) => {
  const dir = await leftOpen(t);
  const [head] = queryLedger(dir, { limit: 1 }).records;
  const planted = join(dir, 'audit-000003.sqlite');
  copyFileSync(join(dir, 'audit-000002.sqlite'), planted);
  tamper(
    dir,
    (db) => {
      db.exec('DELETE FROM records; DELETE FROM carried');
      db.prepare('UPDATE segment SET first_seq = ? + 1, prev = ?').run(head?.seq, head?.hash);
      db.exec(`INSERT INTO carried VALUES ('{"requestId":"x","decision":"allow"}')`);
    },
    3,
  );
  assert.deepEqual(await interruptedIn(t, dir), ['a', 'b', 'c']);
  assert.deepEqual((await verifyLedger(dir)).faults, []);
  assert.ok(!existsSync(planted));
});

test('a segment that claims to have no format is not taken for an unfinished one and removed', async (t) => {
  const dir = await leftOpen(t);
  for (const format of [0, -1]) {
    tamperFormat(dir, format);
    assert.throws(() => createLedger({ dir, side: 'relay' }), {
      code: 'audit_tampered',
      message: /says that it is of format -?\d, and yet holds tables/,
    });
    const [fault] = (await verifyLedger(dir)).faults;
    assert.equal(fault?.segment, 'audit-000002.sqlite');
    assert.match(fault?.what ?? '', /holds tables/);
  }
  tamperFormat(dir, 2);
  assert.deepEqual((await verifyLedger(dir)).faults, []);
});

function tamperFormat(dir: string, format: number): void {
  const db = new Database(join(dir, 'audit-000002.sqlite'));
  db.pragma(`user_version = ${format}`);
  db.close();
}

test('a trigger that was slipped in writes no record, and drops none', async (t) => {
  const dir = await leftOpen(t);
  tamper(
    dir,
    (db) =>
      db.exec(`CREATE TRIGGER records_update BEFORE INSERT ON records WHEN NEW.user = 'eve'
               BEGIN SELECT RAISE(IGNORE); END`),
    2,
  );
  const what = 'the file holds records_update, which Latchkey did not make';
  assert.deepEqual((await verifyLedger(dir)).faults, [
    { seq: 5, segment: 'audit-000002.sqlite', what },
  ]);
  assert.throws(() => createLedger({ dir, side: 'relay' }), {
    code: 'audit_tampered',
    message: /holds records_update, which Latchkey did not make/,
  });
});

test('copies that a first version left are used once, and a segment that vouches for its own is begun', async (t) => {
  const dir = await leftOpen(t);
  asFirstFormat(dir);
  assert.deepEqual(await interruptedIn(t, dir), ['a', 'b', 'c']);
  const { faults, segments } = await verifyLedger(dir);
  assert.deepEqual(faults, []);
  assert.equal(segments, 3);
  assert.deepEqual(await interruptedIn(t, dir), ['a', 'b', 'c'], 'and not marked again');
  assert.equal((await verifyLedger(dir)).segments, 3);
});

async function expire(
  dir: string,
  apis: Readonly<Record<string, number>>,
  expected: number,
): Promise<void> {
  const expiries = (): number => queryLedger(dir, { kinds: ['expire'] }).records.length;
  const now = (): number => start + 100 * DAY;
  const retention = () => ({ defaultMs: 30 * DAY, apis });
  const ledger = createLedger({ dir, side: 'relay', now, retention });
  await until('the end of the records is recorded', () => expiries() >= expected);
  await ledger.close();
  assert.deepEqual((await verifyLedger(dir)).faults, []);
}

for (const [what, apis] of [
  ['with their segment', {}],
  ['though the record that vouches for them is kept', { kept: 1000 * DAY }],
] as const) {
  test(`copies expire ${what}, and none can be put there instead`, async (t) => {
    const dir = await leftOpen(t, () => start);
    await expire(dir, apis, 2);
    assert.equal(queryLedger(dir, { api: 'kept' }).records.length, 2 * Object.keys(apis).length);
    tamper(
      dir,
      (db) => {
        assert.equal(db.prepare('SELECT count(*) FROM carried').pluck().get(), 0);
        db.exec(`INSERT INTO carried VALUES ('{"requestId":"x","decision":"allow"}')`);
      },
      2,
    );
    const { faults } = await verifyLedger(dir);
    assert.deepEqual(faults, [{ seq: 5, segment: 'audit-000002.sqlite', what: changed }]);
  });
}

test('a segment whose beginning was changed stays as evidence, and it is told', async (t) => {
  const dir = await leftOpen(t, () => start);
  await openLedger(t, dir, { now: () => start + DAY }).close();
  tamper(dir, (db) => db.exec(`UPDATE segment SET day = '9999-12-31'`), 2);
  const errors: unknown[] = [];
  const ledger = openLedger(t, dir, {
    now: () => start + 100 * DAY,
    retention: () => ({ defaultMs: 30 * DAY, apis: {} }),
    onError: (error) => errors.push(error),
  });
  await until('the failure is told', () => errors.length > 0);
  await ledger.close();
  assert.match(String(errors[0]), /audit-000002\.sqlite: its day .* so nothing in it expires/);
  assert.equal((await verifyLedger(dir)).faults[0]?.what, changed);
});

test('a segment that is thinned and claims a later day expires all the same', async (t) => {
  const dir = await leftOpen(t, () => start);
  await expire(dir, { kept: 1000 * DAY }, 2);
  tamper(dir, (db) => db.exec(`UPDATE segment SET day = '9999-12-31'`), 2);
  await expire(dir, {}, 3);
  assert.deepEqual(queryLedger(dir, { api: 'kept', kinds: ['request'] }).records, []);
});
