import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import Database from 'better-sqlite3';
import { createLedger, type LedgerOptions } from '../../audit/ledger.ts';
import { queryLedger } from '../../audit/query.ts';
import type { AuditKind } from '../../audit/record.ts';
import { verifyLedger } from '../../audit/verify.ts';
import { allRecords, ledgerDir, openLedger } from '../audit/ledger-dir.ts';
import { administer } from '../audit/people-command.ts';
import { until } from '../support/until.ts';

const DAY = 86_400_000;

/** What whoever can write the directory, and has no key, does to `people.sqlite`. */
function forge<T>(dir: string, change: (db: Database.Database) => T): T {
  const db = new Database(join(dir, 'people.sqlite'), { timeout: 60_000 });
  try {
    return change(db);
  } finally {
    db.close();
  }
}

interface Row {
  readonly id: string;
  readonly sealed: Buffer;
}

const waiting = (dir: string): Row[] =>
  forge(dir, (db) => db.prepare('SELECT id, sealed FROM events').all() as Row[]);

function put(dir: string, id: string, sealed: Buffer): void {
  forge(dir, (db) => db.prepare('INSERT INTO events (id, sealed) VALUES (?, ?)').run(id, sealed));
}

const found = (dir: string, kind: AuditKind) => queryLedger(dir, { kinds: [kind] }).records;

const notOurs = /^people\.sqlite held events that Latchkey did not write/;

/** A ledger nobody writes, whose signing key is elsewhere: what is noted there waits for its next writer. */
async function unattended(t: TestContext): Promise<{ dir: string; options: LedgerOptions }> {
  const dir = ledgerDir(t);
  const options = { dir, side: 'relay', keyFile: `${dir}.other` } as const;
  const ledger = createLedger(options);
  await ledger.append('sign-in', { user: 'ada', userName: 'Ada' });
  await ledger.close();
  return { dir, options };
}

test('an event that somebody wrote into people.sqlite is not recorded, but that there was one', async (t) => {
  const dir = ledgerDir(t);
  const errors: unknown[] = [];
  const ledger = openLedger(t, dir, { onError: (error) => errors.push(error) });
  const claim = JSON.stringify({
    kind: 'erase',
    fields: { who: 'x', detail: 'planted' },
    after: 0,
  });
  put(dir, 'erase-1', Buffer.from(claim));
  put(dir, 'erase-2', randomBytes(200));
  put(dir, 'erase\0-3', Buffer.alloc(0));
  forge(dir, (db) => {
    db.exec(`INSERT INTO events (rowid, id, sealed) VALUES (${2n ** 62n}, '', x'00')`);
  });
  // The writer may have looked between two of them.
  const told = (): number => found(dir, 'anomaly').reduce((sum, { count = 0 }) => sum + count, 0);
  await until('the anomalies are recorded', () => told() >= 4 && waiting(dir).length === 0);
  assert.equal(told(), 4);
  const said = found(dir, 'anomaly');
  for (const { rule, detail } of said) {
    assert.equal(rule, 'forgery');
    assert.match(detail ?? '', notOurs);
  }
  assert.equal(found(dir, 'erase').length, 0);
  // Later ones are recorded as ever.
  await administer(dir, 'export');
  await until('the export is recorded', () => found(dir, 'export').length === 1);
  assert.ok(errors.length > 0);
  assert.ok(errors.every((error) => (error as { code?: string }).code === 'audit_tampered'));
  await ledger.close();
  const records = JSON.stringify(await allRecords(dir));
  assert.ok(!records.includes('planted'));
  assert.deepEqual((await verifyLedger(dir)).faults, []);
});

test('a table of somebody else in place of the events stops neither a start nor others’ events', async (t) => {
  const { dir, options } = await unattended(t);
  forge(dir, (db) =>
    db.exec(`DROP TABLE events; CREATE TABLE events (id, sealed);
      INSERT INTO events VALUES (7, 'text'), (NULL, NULL), (x'00', 3.5)`),
  );
  await createLedger(options).close();
  const [said, ...more] = found(dir, 'anomaly');
  assert.deepEqual([said?.count, more.length, waiting(dir).length], [3, 0, 0]);
  await createLedger(options).close();
  assert.equal(found(dir, 'anomaly').length, 1);
});

test('an event that was copied to another’s place is recorded once, and the copy is found', async (t) => {
  const { dir, options } = await unattended(t);
  await administer(dir, 'export');
  const [event = assert.fail()] = waiting(dir);
  put(dir, 'another', event.sealed);
  await createLedger(options).close();
  assert.equal(found(dir, 'export').length, 1);
  assert.deepEqual(
    found(dir, 'anomaly').map(({ count }) => count),
    [1],
  );
});

test('an event of the past that is put back is not recorded again, by this writer nor the next', async (t) => {
  const { dir, options } = await unattended(t);
  await administer(dir, 'hold', 'add', '--reason', 'case 7', '--all');
  const [event = assert.fail()] = waiting(dir);
  const ledger = createLedger(options);
  await ledger.append('sign-in', { user: 'bob' });
  put(dir, event.id, event.sealed);
  await until('nothing waits any more', () => waiting(dir).length === 0);
  await ledger.close();
  put(dir, event.id, event.sealed);
  await createLedger({ ...options, segmentRecords: 2 }).close();
  put(dir, event.id, event.sealed);
  await createLedger({ ...options, segmentRecords: 2 }).close();
  assert.deepEqual([found(dir, 'hold').length, waiting(dir).length], [1, 0]);
});

test('events that wait outlive a rotation of the master key, and forged ones do not become true', async (t) => {
  const { dir, options } = await unattended(t);
  await administer(dir, 'export');
  put(dir, 'planted', randomBytes(100));
  assert.match((await administer(dir, 'rotate-key')).out, /records the rotation\n$/);
  assert.equal(waiting(dir).length, 3);
  await createLedger(options).close();
  for (const kind of ['export', 'config', 'anomaly'] as const) {
    assert.equal(found(dir, kind).length, 1, kind);
  }
  assert.equal(waiting(dir).length, 0);
});

test('an event sealed under an earlier master key is not recorded', async (t) => {
  const { dir, options } = await unattended(t);
  await administer(dir, 'export');
  const [event = assert.fail()] = waiting(dir);
  await administer(dir, 'rotate-key');
  put(dir, 'again', event.sealed);
  forge(dir, (db) =>
    db.prepare('UPDATE events SET sealed = ? WHERE id = ?').run(event.sealed, event.id),
  );
  await createLedger(options).close();
  assert.equal(found(dir, 'export').length, 0);
  assert.equal(found(dir, 'anomaly')[0]?.count, 2);
});

test('a file in the guise of a version that sealed no events gets none recorded', async (t) => {
  const { dir, options } = await unattended(t);
  forge(dir, (db) => {
    db.exec(`DROP TABLE events;
      DROP TABLE told;
      CREATE TABLE events (id INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, fields TEXT NOT NULL) STRICT;
      INSERT INTO events (kind, fields) VALUES ('erase', '{"detail":"planted"}');
      PRAGMA user_version = 1`);
  });
  assert.throws(() => createLedger(options), {
    code: 'audit_config',
    message: /has format 1; this version knows 2/,
  });
  const { faults } = await verifyLedger(dir);
  assert.match(faults[0]?.what ?? '', /can't be held against the records: .* has format 1/);
});

test('a day of last use that was moved back destroys no key', async (t) => {
  const { dir, options } = await unattended(t);
  const errors: string[] = [];
  const daily = {
    ...options,
    retention: () => ({ defaultMs: 400 * DAY, apis: {} }),
    onError: (error: unknown) => errors.push(String(error)),
  };
  forge(dir, (db) => db.exec(`UPDATE keys SET seen = '2000-01-01'`));
  const ledger = createLedger(daily);
  await until(
    'the anomaly is recorded',
    () => found(dir, 'anomaly').length === 1 && waiting(dir).length === 0,
  );
  await ledger.close();
  assert.equal(found(dir, 'sign-in')[0]?.user, 'ada');
  assert.match(found(dir, 'anomaly')[0]?.detail ?? '', /^the days on which keys .* were altered/);
  assert.match(errors.join('\n'), /were altered: these keys count as used today \(1\)/);
  // It counts as used today, and is not reported every day.
  await createLedger(daily).close();
  assert.equal(found(dir, 'anomaly').length, 1);
});

test('a rotation vouches for no day of last use that was moved back', async (t) => {
  const { dir, options } = await unattended(t);
  forge(dir, (db) => db.exec(`UPDATE keys SET seen = '2000-01-01'`));
  await administer(dir, 'rotate-key');
  const ledger = createLedger({ ...options, retention: () => ({ defaultMs: DAY, apis: {} }) });
  await until('the anomaly is recorded', () => found(dir, 'anomaly').length === 1);
  await ledger.close();
  assert.equal(found(dir, 'sign-in')[0]?.user, 'ada');
});
