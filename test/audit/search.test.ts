import assert from 'node:assert/strict';
import Database from 'better-sqlite3';
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { queryLedger } from '../../audit/query.ts';
import { updateIndex } from '../../audit/search/build.ts';
import { CHUNK, indexPath } from '../../audit/search/index-file.ts';
import { writeLargeLedger } from '../support/large-ledger.ts';
import { until } from '../support/until.ts';
import { ledgerDir, openLedger } from './ledger-dir.ts';

const records = CHUNK * 3 + 500;

/** Three segments: the first two are full, the last one is being written. */
function written(t: TestContext): string {
  const dir = ledgerDir(t);
  writeLargeLedger(dir, records, { segmentRecords: 10_000 });
  return dir;
}

const found = (dir: string, query: Parameters<typeof queryLedger>[1] = {}) =>
  queryLedger(dir, { user: 'user9', limit: 1000, ...query }).records.map(({ seq }) => seq);

function chunks(dir: string): number {
  const db = new Database(indexPath(dir), { readonly: true });
  try {
    const isLaidOut = db.pragma('user_version', { simple: true }) !== 0;
    return isLaidOut ? (db.prepare('SELECT count(*) FROM chunks').pluck().get() as number) : 0;
  } finally {
    db.close();
  }
}

test('an index is stopped after any chunk and taken up again', (t) => {
  const dir = written(t);
  const all = found(dir);
  assert.ok(all.length > 20);
  for (let round = 1; round <= 4; round += 1) {
    updateIndex(dir, () => true);
    assert.equal(chunks(dir), round, 'one chunk each time');
    assert.deepEqual(found(dir), all);
  }
  updateIndex(dir);
  const whole = chunks(dir);
  updateIndex(dir);
  assert.equal(chunks(dir), whole);
  assert.deepEqual(found(dir), all);
});

test('pages join in an indexed ledger', (t) => {
  const dir = written(t);
  const all = found(dir);
  updateIndex(dir);
  const paged: number[] = [];
  let cursor: string | undefined;
  do {
    const page = queryLedger(dir, { user: 'user9', limit: 7, ...(cursor ? { cursor } : {}) });
    paged.push(...page.records.map(({ seq }) => seq));
    cursor = page.nextCursor;
  } while (cursor !== undefined);
  assert.deepEqual(paged, all);
});

test('a damaged, foreign or locked index only takes time', (t) => {
  const dir = written(t);
  const all = found(dir);
  const path = indexPath(dir);
  writeFileSync(path, Buffer.alloc(50_000, 'damaged'));
  assert.deepEqual(found(dir), all);
  updateIndex(dir);
  assert.deepEqual(found(dir), all, 'it is begun anew');

  const other = new Database(path);
  other.exec('DELETE FROM postings');
  other.pragma('user_version = 99');
  other.close();
  assert.deepEqual(found(dir), all);
  updateIndex(dir);
  assert.deepEqual(found(dir), all);

  const broken = new Database(path);
  broken.exec('DROP TABLE postings');
  broken.close();
  assert.deepEqual(found(dir), all);
});

test('an index of another ledger in the same place is forgotten', (t) => {
  const dir = written(t);
  updateIndex(dir);
  for (const number of [1, 2, 3]) rmSync(join(dir, `audit-00000${number}.sqlite`));
  rmSync(join(dir, 'writer.lock'));
  writeLargeLedger(dir, CHUNK + 1, { segmentRecords: 3000 });
  const [first] = found(dir);
  assert.ok(first === undefined || first <= CHUNK + 1);
  updateIndex(dir);
  assert.equal(chunks(dir), 2, 'of the segments that are complete');
});

test('a ledger with threads is indexed as it grows, and is closed at once', async (t) => {
  const dir = ledgerDir(t);
  const errors: unknown[] = [];
  const ledger = openLedger(t, dir, {
    usesThreads: true,
    queueRecords: 30_000,
    onError: (error) => errors.push(error),
  });
  const writes = Array.from({ length: CHUNK + 100 }, (_, i) =>
    ledger.append('config', { user: i === 5 ? 'rare' : 'common', detail: `${i}` }),
  );
  await Promise.all(writes);
  await until('the index is made', () => existsSync(indexPath(dir)) && chunks(dir) === 1);
  const { records: rare } = ledger.query({ user: 'rare' });
  assert.deepEqual(
    rare.map(({ detail }) => detail),
    ['5'],
  );
  await ledger.close();
  assert.deepEqual(errors, []);
});
