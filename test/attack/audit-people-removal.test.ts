import assert from 'node:assert/strict';
import { cpSync, copyFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import Database from 'better-sqlite3';
import { createLedger, type LedgerOptions } from '../../audit/ledger.ts';
import { queryLedger } from '../../audit/query.ts';
import { verifyLedger } from '../../audit/verify.ts';
import { ledgerDir, openLedger } from '../audit/ledger-dir.ts';
import { administer } from '../audit/people-command.ts';

const NAME = 'people.sqlite';

/** What whoever can write the directory, and has no key, does to `people.sqlite`. */
function forge(dir: string, sql: string): void {
  const db = new Database(join(dir, NAME), { timeout: 60_000 });
  try {
    db.exec(sql);
  } finally {
    db.close();
  }
}

/** A ledger in which ada and bob signed in, and a stranger was refused; closed. */
async function written(t: TestContext): Promise<{ dir: string; options: LedgerOptions }> {
  const dir = ledgerDir(t);
  const options = { dir, side: 'relay' } as const;
  const ledger = openLedger(t, dir);
  await ledger.append('sign-in', { user: 'ada', userName: 'Ada' });
  await ledger.append('sign-in', { user: 'bob', userName: 'Bob' });
  await ledger.append('sign-in', { ip: '192.0.2.1', decision: 'deny' });
  await ledger.close();
  assert.deepEqual(await faultsOf(dir), []);
  return { dir, options };
}

async function faultsOf(dir: string): Promise<unknown[]> {
  const { ok, faults } = await verifyLedger(dir);
  assert.equal(ok, faults.length === 0);
  return faults.map(({ segment, seq, what }) => [segment, seq, what]);
}

const whoIs = (dir: string, user: string): string =>
  queryLedger(dir, { user, kinds: ['sign-in'] }).records[0]?.who ?? assert.fail();

async function hold(dir: string, ...of: string[]): Promise<string> {
  const { out } = await administer(dir, 'hold', 'add', '--reason', 'case 7', ...of, '--json');
  return (JSON.parse(out) as { holds: [{ id: string }] }).holds[0].id;
}

test('a key that was removed without an erase record is found, of people and of a day’s strangers', async (t) => {
  const { dir } = await written(t);
  const ada = whoIs(dir, 'ada');
  const day = new Date().toISOString().slice(0, 10);
  forge(dir, `DELETE FROM keys WHERE who IN ('${ada}', '${day}')`);
  const gone = (who: string): string =>
    `the key of ${who}, whom this record names, is gone, and no erase record says so`;
  assert.deepEqual(await faultsOf(dir), [
    ['audit-000001.sqlite', 2, gone(ada)],
    ['audit-000001.sqlite', 4, gone(day)],
  ]);
});

test('a key that was altered is found, and one whose day of last use was', async (t) => {
  const { dir } = await written(t);
  const [ada, bob] = [whoIs(dir, 'ada'), whoIs(dir, 'bob')];
  forge(
    dir,
    `UPDATE keys SET sealed = zeroblob(90) WHERE who = '${ada}';
     UPDATE keys SET seen = '2000-01-01' WHERE who = '${bob}'`,
  );
  assert.deepEqual(await faultsOf(dir), [
    ['audit-000001.sqlite', 2, `the key of ${ada}, whom this record names, was altered`],
    [NAME, undefined, `the day on which the key of ${bob} was last used was altered`],
  ]);
});

test('people.sqlite that was removed, replaced or damaged is found', async (t) => {
  const { dir } = await written(t);
  const another = await written(t);
  copyFileSync(join(another.dir, NAME), join(dir, NAME));
  assert.match(JSON.stringify(await faultsOf(dir)), /people\.sqlite.*is not the key of/);
  writeFileSync(join(dir, NAME), 'nonsense');
  assert.match(JSON.stringify(await faultsOf(dir)), /can't be held against the records/);
  rmSync(join(dir, NAME));
  assert.deepEqual(await faultsOf(dir), [
    [NAME, undefined, 'is missing: nobody in the records can be named'],
  ]);
});

test('a key that is put back after its erasure is found', async (t) => {
  const { dir } = await written(t);
  const ada = whoIs(dir, 'ada');
  copyFileSync(join(dir, NAME), `${dir}.kept`);
  await administer(dir, 'erase', '--user', 'ada');
  assert.deepEqual(await faultsOf(dir), []);
  copyFileSync(`${dir}.kept`, join(dir, NAME));
  assert.deepEqual(await faultsOf(dir), [
    ['audit-000001.sqlite', 7, `the key of ${ada}, which this record says was destroyed, is back`],
  ]);
});

test('a hold that was removed without a record is found, and one that is back', async (t) => {
  const { dir } = await written(t);
  const [kept, ended] = [await hold(dir, '--user', 'ada'), await hold(dir, '--api', 'billing')];
  copyFileSync(join(dir, NAME), `${dir}.kept`);
  await administer(dir, 'hold', 'remove', ended);
  assert.deepEqual(await faultsOf(dir), []);
  forge(dir, `DELETE FROM holds WHERE id = '${kept}'`);
  const [fault, ...more] = await faultsOf(dir);
  assert.match(
    JSON.stringify(fault),
    new RegExp(`the legal hold ${kept} is gone, and no hold record says that it ended`),
  );
  assert.deepEqual(more, []);
  copyFileSync(`${dir}.kept`, join(dir, NAME));
  assert.match(
    JSON.stringify(await faultsOf(dir)),
    new RegExp(`the legal hold ${ended}, which ended here, is back`),
  );
});

test('an erasure, and a hold, that were removed before they were recorded are found', async (t) => {
  const dir = ledgerDir(t);
  const options = { dir, side: 'relay', keyFile: `${dir}.other` } as const;
  const ledger = createLedger(options);
  await ledger.append('sign-in', { user: 'ada', userName: 'Ada' });
  await ledger.close();
  const ada = whoIs(dir, 'ada');
  await administer(dir, 'erase', '--user', 'ada');
  const id = await hold(dir, '--all');
  // They wait for the next writer, which is no fault.
  assert.deepEqual(await faultsOf(dir), []);
  forge(dir, 'DELETE FROM events');
  await createLedger(options).close();
  assert.deepEqual(await faultsOf(dir), [
    [NAME, undefined, `the erase of ${ada} that was done after record 3 is not recorded`],
    [NAME, undefined, 'the hold that was done after record 3 is not recorded'],
  ]);
  // Who removes all traces of them does not remove what they changed.
  forge(dir, 'DELETE FROM told');
  const said = JSON.stringify(await faultsOf(dir));
  assert.match(said, new RegExp(`the key of ${ada}, whom this record names, is gone`));
  assert.match(said, new RegExp(`no hold record tells of the legal hold ${id}`));
});

test('a forged event that waits is found', async (t) => {
  const { dir } = await written(t);
  forge(dir, `INSERT INTO events VALUES ('x', zeroblob(90))`);
  assert.deepEqual(await faultsOf(dir), [
    [NAME, undefined, 'holds 1 events that wait to be recorded and that Latchkey did not write'],
  ]);
});

test('without the master key the rest is verified, and that this was not is said', async (t) => {
  const { dir } = await written(t);
  forge(dir, 'DELETE FROM keys');
  const copy = ledgerDir(t);
  cpSync(dir, copy, { recursive: true });
  const { ok, peopleChecked, notices } = await verifyLedger(copy);
  assert.deepEqual([ok, peopleChecked], [true, false]);
  assert.deepEqual(notices, [
    {
      segment: NAME,
      what: `not held against the records: there is no ${copy}.people.key here to open it`,
    },
  ]);
  const { code, out } = await administer(copy, 'verify');
  assert.equal(code, 0);
  assert.match(out, /"peopleChecked":false.*not held against the records/);
});

test('what was done after the newest record of a copy is no fault of the copy', async (t) => {
  const { dir } = await written(t);
  const ended = await hold(dir, '--user', 'bob');
  const copy = ledgerDir(t);
  cpSync(dir, copy, { recursive: true });
  await administer(dir, 'hold', 'remove', ended);
  await administer(dir, 'erase', '--user', 'ada');
  await hold(dir, '--all');
  await administer(dir, 'rotate-key');
  assert.deepEqual(await faultsOf(dir), []);
  copyFileSync(join(dir, NAME), join(copy, NAME));
  copyFileSync(`${dir}.people.key`, `${copy}.people.key`);
  assert.deepEqual(await faultsOf(copy), []);
});
