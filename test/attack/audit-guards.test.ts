import Database from 'better-sqlite3';
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { createLedger } from '../../audit/ledger.ts';
import { queryLedger } from '../../audit/query.ts';
import { verifyLedger } from '../../audit/verify.ts';
import { ledgerDir, writeRequests } from '../audit/ledger-dir.ts';
import { administer } from '../audit/people-command.ts';

const gone =
  'the triggers that refuse changes (records_append, records_update, records_delete) were removed, so somebody wrote in the file';

/** A closed ledger of two segments. */
async function written(t: TestContext): Promise<string> {
  const dir = ledgerDir(t);
  const ledger = createLedger({ dir, side: 'relay', segmentRecords: 8 });
  await writeRequests(ledger, 5);
  await ledger.close();
  return dir;
}

function inSegment<T>(dir: string, number: number, look: (db: Database.Database) => T): T {
  const db = new Database(join(dir, `audit-00000${number}.sqlite`));
  try {
    return look(db);
  } finally {
    db.close();
  }
}

const dropGuards = (dir: string, number: number): void =>
  inSegment(dir, number, (db) => {
    for (const name of ['append', 'update', 'delete']) db.exec(`DROP TRIGGER records_${name}`);
  });

test('triggers removed from a finished segment are noticed, and are no fault', async (t) => {
  const dir = await written(t);
  dropGuards(dir, 1);
  const { ok, faults, notices } = await verifyLedger(dir);
  assert.deepEqual([ok, faults], [true, []]);
  assert.deepEqual(notices, [{ segment: 'audit-000001.sqlite', what: gone }]);
  const { code, out } = await administer(dir, 'verify', '--json');
  assert.equal(code, 0);
  assert.match(out, /"notices":\[\{"segment":"audit-000001\.sqlite","what":"the triggers/);
});

test('triggers removed from the segment that is written next are a fault, recorded and put back by the start', async (t) => {
  const dir = await written(t);
  dropGuards(dir, 2);
  assert.deepEqual((await verifyLedger(dir)).faults, [
    { segment: 'audit-000002.sqlite', what: gone },
  ]);
  const told: unknown[] = [];
  const ledger = createLedger({ dir, side: 'relay', onError: (error) => told.push(error) });
  t.after(() => ledger.close());
  assert.match(
    String(told[0]),
    /audit-000002\.sqlite: the triggers .* were removed.*they are back/,
  );
  const [said] = queryLedger(dir, { kinds: ['anomaly'] }).records;
  assert.deepEqual(
    [said?.rule, said?.count, said?.detail],
    ['forgery', 1, `audit-000002.sqlite: ${gone}`],
  );
  await ledger.close();
  assert.throws(
    () => inSegment(dir, 2, (db) => db.exec('DELETE FROM records WHERE seq = 9')),
    /the audit is append-only/,
  );
  const { faults, notices } = await verifyLedger(dir);
  assert.deepEqual([faults, notices], [[], []]);
});

test('one removed trigger is enough to be told, by its name', async (t) => {
  const dir = await written(t);
  inSegment(dir, 2, (db) => db.exec('DROP TRIGGER records_update'));
  const [fault] = (await verifyLedger(dir)).faults;
  assert.match(fault?.what ?? '', /\(records_update\) were removed/);
});

test('a trigger of the same name that refuses nothing is one that Latchkey did not make', async (t) => {
  const dir = await written(t);
  inSegment(dir, 2, (db) => {
    db.exec('DROP TRIGGER records_update');
    db.exec('CREATE TRIGGER records_update BEFORE UPDATE ON records BEGIN SELECT 1; END');
  });
  const [fault] = (await verifyLedger(dir)).faults;
  assert.match(fault?.what ?? '', /holds records_update, which Latchkey did not make/);
});
