import assert from 'node:assert/strict';
import Database from 'better-sqlite3';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { createCommitQueue } from '../../audit/commit-queue.ts';
import { createLedger } from '../../audit/ledger.ts';
import type { AuditRecord } from '../../audit/record.ts';
import { createStore } from '../../audit/store.ts';
import { verifyLedger } from '../../audit/verify.ts';
import { allRecords, ledgerDir, openLedger, writeRequests } from './ledger-dir.ts';
import { until } from '../support/until.ts';

test('two records a request, between start and stop, in one chain', async (t) => {
  const dir = ledgerDir(t);
  const ledger = openLedger(t, dir);
  const record = await ledger.admit({
    requestId: 'one',
    user: 'ada',
    api: 'billing',
    decision: 'allow',
  });
  record.finish({ status: 200, bytesOut: 12, closedBy: 'upstream' });
  record.finish({ status: 500 });
  await ledger.append('sign-out', { user: 'ada' });
  await ledger.close();

  const records = await allRecords(dir);
  assert.deepEqual(
    records.map(({ seq, kind }) => [seq, kind]),
    [
      [1, 'start'],
      [2, 'request'],
      [3, 'outcome'],
      [4, 'sign-out'],
      [5, 'stop'],
    ],
  );
  const { id, at, hash, prev, who, ...outcome } = records[2] as AuditRecord;
  assert.match(who ?? '', /^[\w-]{22}$/);
  assert.match(id, /^[0-9A-HJKMNP-TV-Z]{26}$/);
  assert.match(at, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  assert.match(hash, /^[0-9a-f]{64}$/);
  assert.equal(prev, records[1]?.hash);
  assert.deepEqual(outcome, {
    seq: 3,
    kind: 'outcome',
    side: 'relay',
    requestId: 'one',
    user: 'ada',
    api: 'billing',
    decision: 'allow',
    status: 200,
    bytesOut: 12,
    closedBy: 'upstream',
  });
  const verified = await verifyLedger(dir);
  assert.deepEqual(verified.faults, []);
  assert.equal(verified.records, 5);
  assert.equal(verified.checkpoints, 2);
});

test('writers of one turn share one transaction', async (t) => {
  const dir = ledgerDir(t);
  const store = createStore({
    dir,
    segmentRecords: 1e6,
    busyTimeoutMs: 100,
    durability: 'process',
    now: Date.now,
    open: () => [],
  });
  t.after(() => store.close());
  let commits = 0;
  const queue = createCommitQueue({
    store: {
      commit(draft) {
        commits += 1;
        return store.commit(draft);
      },
    },
    side: 'app',
    limit: 500,
    now: Date.now,
    onCommit: () => {},
    onError: () => {},
  });
  const writes = Array.from({ length: 500 }, () => queue.add('request', {}));
  await assert.rejects(queue.add('request', {}), { code: 'audit_unavailable' });
  await Promise.all(writes);
  assert.equal(commits, 1);
  assert.equal(store.head().seq, 500);
});

test('a record is readable by others as soon as admit resolves', async (t) => {
  const dir = ledgerDir(t);
  const ledger = openLedger(t, dir);
  await ledger.admit({ requestId: 'seen', decision: 'allow' });
  const db = new Database(join(dir, 'audit-000001.sqlite'), { readonly: true });
  const row = db.prepare("SELECT 1 AS found FROM records WHERE request_id = 'seen'").get();
  db.close();
  assert.deepEqual(row, { found: 1 });
});

test('subscribers get each committed record once, in order', async (t) => {
  const errors: unknown[] = [];
  const ledger = openLedger(t, ledgerDir(t), { onError: (error) => errors.push(error) });
  const seen: number[] = [];
  ledger.subscribe(() => {
    throw new Error('a bad listener');
  });
  const stop = ledger.subscribe((records) => seen.push(...records.map(({ seq }) => seq)));
  await Promise.all([1, 2, 3].map(() => ledger.append('config', {})));
  stop();
  await ledger.append('config', {});
  assert.deepEqual(seen, [2, 3, 4]);
  assert.equal(errors.length, 2);
});

test('requests left open by a process are marked interrupted, denied and ended ones are not', async (t) => {
  const dir = ledgerDir(t);
  let day = Date.parse('2026-11-23T23:59:00Z');
  const ledger = createLedger({ dir, side: 'relay', now: () => day });
  await ledger.admit({
    requestId: 'open',
    user: 'ada',
    api: 'billing',
    method: 'GET',
    path: '/x',
    ip: '192.0.2.1',
    decision: 'allow',
  });
  await ledger.admit({ requestId: 'denied', decision: 'deny' });
  const ended = await ledger.admit({ requestId: 'ended', decision: 'allow' });
  day += 120_000;
  await ledger.admit({ requestId: 'next-day', decision: 'allow' });
  ended.finish({ status: 200 });
  await ledger.close();
  assert.equal(readdirSync(dir).filter((name) => /^audit-.*sqlite$/.test(name)).length, 2);

  const again = openLedger(t, dir, { now: () => day });
  const { records } = again.query({ kinds: ['interrupted'] });
  assert.deepEqual(
    records.map(({ requestId }) => requestId),
    ['next-day', 'open'],
  );
  const { user, api, method, path, ip } = records[1] as AuditRecord;
  assert.deepEqual([user, api, method, path, ip], ['ada', 'billing', 'GET', '/x', undefined]);
  await again.close();
  openLedger(t, dir, { now: () => day });
  const kinds = (await allRecords(dir)).map(({ kind }) => kind);
  assert.equal(kinds.filter((kind) => kind === 'interrupted').length, 2);
  assert.deepEqual((await verifyLedger(dir)).faults, []);
});

test('a segment that a crash left without contents is begun anew, and loses no open request', async (t) => {
  const dir = ledgerDir(t);
  const ledger = openLedger(t, dir);
  await ledger.admit({ requestId: 'open', decision: 'allow' });
  await ledger.close();
  writeFileSync(join(dir, 'audit-000002.sqlite'), '');
  assert.deepEqual((await verifyLedger(dir)).faults, []);
  const again = openLedger(t, dir);
  const { records } = again.query({ kinds: ['interrupted'] });
  assert.deepEqual(
    records.map(({ requestId, seq }) => [requestId, seq]),
    [['open', 4]],
  );
  assert.deepEqual((await verifyLedger(dir)).faults, []);
});

test('a segment is begun when the one before is full, and the chain goes on', async (t) => {
  const dir = ledgerDir(t);
  const ledger = openLedger(t, dir, { segmentRecords: 10, checkpointRecords: 7 });
  await writeRequests(ledger, 25);
  await ledger.close();
  const result = await verifyLedger(dir);
  assert.deepEqual(result.faults, []);
  assert.equal(result.records, 52);
  assert.ok(result.segments >= 5, String(result.segments));
  // One at the start, one at the end, and what came due in between: never two at a time.
  assert.ok(result.checkpoints >= 3, String(result.checkpoints));
});

test('a second writer is refused until the first has closed', async (t) => {
  const dir = ledgerDir(t);
  const ledger = openLedger(t, dir);
  assert.throws(() => createLedger({ dir, side: 'relay' }), {
    code: 'audit_locked',
    message: /another process is writing/,
  });
  await ledger.close();
  const second = openLedger(t, dir);
  await assert.rejects(ledger.append('config', {}), { code: 'audit_unavailable' });
  await second.append('config', {});
});

test('while another connection locks the file writes are refused, then go on by themselves', async (t) => {
  const dir = ledgerDir(t);
  const errors: unknown[] = [];
  const onError = (error: unknown): number => errors.push(error);
  const ledger = openLedger(t, dir, { busyTimeoutMs: 20, onError });
  const record = await ledger.admit({ requestId: 'before', decision: 'allow' });
  const other = new Database(join(dir, 'audit-000001.sqlite'));
  t.after(() => other.close());
  other.exec('BEGIN IMMEDIATE');
  const refused = [1, 2].map((i) => ledger.admit({ requestId: `during${i}`, decision: 'allow' }));
  record.finish({ status: 200 });
  for (const result of refused) await assert.rejects(result, { code: 'audit_unavailable' });
  const { ok, problem } = ledger.health();
  assert.equal(ok, false);
  assert.match(problem ?? '', /locked/);
  assert.ok(errors.length > 0);

  other.exec('ROLLBACK');
  await until('the ledger writes again', () => ledger.health().ok);
  await ledger.admit({ requestId: 'after', decision: 'allow' });
  const requests = (await allRecords(dir)).filter(({ requestId }) => requestId !== undefined);
  assert.deepEqual(
    requests.map(({ kind, requestId }) => `${kind} ${requestId}`),
    ['request before', 'outcome before', 'request after'],
  );
  assert.deepEqual((await verifyLedger(dir)).faults, []);
});

test('a directory that was moved away stops writing, and moved back it goes on', async (t) => {
  const dir = ledgerDir(t);
  const ledger = openLedger(t, dir, { onError: () => {} });
  await writeRequests(ledger, 3);
  renameSync(dir, `${dir}.away`);
  await assert.rejects(ledger.admit({ requestId: 'lost' }), { code: 'audit_unavailable' });
  renameSync(`${dir}.away`, dir);
  await until('the ledger writes again', () => ledger.health().ok);
  await writeRequests(ledger, 3);
  await ledger.close();
  assert.deepEqual((await verifyLedger(dir)).faults, []);
});

test('a directory that was deleted is not made anew, but used when it is there; what was lost shows in verify', async (t) => {
  const dir = ledgerDir(t);
  const ledger = openLedger(t, dir, { onError: () => {} });
  await writeRequests(ledger, 3);
  await ledger.append('config', {});
  rmSync(dir, { recursive: true });
  for (const requestId of ['lost', 'too']) {
    await assert.rejects(ledger.admit({ requestId }), { code: 'audit_unavailable' });
  }
  assert.match(ledger.health().problem ?? '', /is gone: put it back/);
  mkdirSync(dir, { mode: 0o700 });
  await until('the ledger writes again', () => ledger.health().ok);
  await ledger.admit({ requestId: 'kept', decision: 'allow' });
  await ledger.close();
  const records = await allRecords(dir);
  assert.deepEqual(
    records.slice(0, 2).map(({ kind, seq, requestId }) => [kind, seq, requestId]),
    [
      ['gap', 9, undefined],
      ['request', 10, 'kept'],
    ],
  );
  const { ok, faults } = await verifyLedger(dir);
  assert.equal(ok, false);
  assert.match(faults[0]?.what ?? '', /not where the one before ended/);
});

test('files are the owner’s alone, and the signing key lies beside them', async (t) => {
  const dir = ledgerDir(t);
  const ledger = openLedger(t, dir);
  await writeRequests(ledger, 1);
  assert.equal(statSync(dir).mode & 0o777, 0o700);
  const names = readdirSync(dir);
  assert.deepEqual(
    names.filter((name) => !/-(wal|shm)$/.test(name)),
    [
      'audit-000001.sqlite',
      'checkpoint-key.pub.pem',
      'checkpoints.jsonl',
      'people.sqlite',
      'writer.lock',
    ],
  );
  for (const path of [...names.map((name) => join(dir, name)), `${dir}.key`, `${dir}.people.key`]) {
    assert.equal(statSync(path).mode & 0o777, 0o600, path);
  }
  assert.doesNotMatch(readFileSync(join(dir, 'checkpoint-key.pub.pem'), 'utf8'), /PRIVATE/);
});

test('a signing key that others can read, or that is none, is refused', (t) => {
  const dir = ledgerDir(t);
  const options = { dir, side: 'relay' as const };
  const notAKey = join(mkdtempSync(join(tmpdir(), 'latchkey-key-')), 'key');
  t.after(() => {
    rmSync(dirname(notAKey), { recursive: true });
  });
  writeFileSync(notAKey, 'no key', { mode: 0o600 });
  assert.throws(() => createLedger({ ...options, keyFile: notAKey }), {
    code: 'audit_config',
    message: /not an Ed25519 private key/,
  });
  chmodSync(notAKey, 0o640);
  assert.throws(() => createLedger({ ...options, keyFile: notAKey }), {
    code: 'audit_config',
    message: /readable by others/,
  });
});

test('a new signing key does not make old checkpoints unverifiable', async (t) => {
  const dir = ledgerDir(t);
  await openLedger(t, dir).close();
  rmSync(`${dir}.key`);
  await openLedger(t, dir).close();
  const { faults, checkpoints } = await verifyLedger(dir);
  assert.deepEqual(faults, []);
  assert.equal(checkpoints, 4);
});

test('the head is signed now and then, unless nothing was written', async (t) => {
  const dir = ledgerDir(t);
  const ledger = openLedger(t, dir, { checkpointMs: 20 });
  const signed = (): number =>
    readFileSync(join(dir, 'checkpoints.jsonl'), 'utf8').trimEnd().split('\n').length;
  assert.equal(signed(), 1, 'one at the start');
  await ledger.append('config', {});
  await until('the head is signed', () => signed() === 2);
  await new Promise((resolve) => {
    setTimeout(resolve, 100);
  });
  assert.equal(signed(), 2);
  await ledger.close();
  assert.equal(signed(), 3, 'and one at the end');
  assert.deepEqual((await verifyLedger(dir)).faults, []);
});

test('a signing key in a directory that is not there is refused with its name', (t) => {
  const keyFile = join(ledgerDir(t), 'nowhere', 'key.pem');
  assert.throws(() => createLedger({ dir: ledgerDir(t), side: 'relay', keyFile }), {
    code: 'audit_config',
    message: /nowhere\/key\.pem can't be made: ENOENT/,
  });
});

test('records that were given up are counted in the record of the gap', async (t) => {
  const dir = ledgerDir(t);
  const ledger = openLedger(t, dir, { queueRecords: 2, onError: () => {} });
  renameSync(dir, `${dir}.away`);
  const note = (requestId: string) => ledger.note({ requestId, decision: 'allow' });
  for (const id of ['a', 'b', 'c', 'd']) note(id);
  assert.throws(() => note('e'), { code: 'audit_unavailable' });
  await until('the ledger cannot write', () => !ledger.health().ok);
  renameSync(`${dir}.away`, dir);
  await until('the ledger writes again', () => ledger.health().ok);
  await ledger.close();
  const records = await allRecords(dir);
  const gap = records.find(({ kind }) => kind === 'gap');
  assert.equal(gap?.count, 1);
  assert.match(gap?.detail ?? '', /since \S+Z: 0 were refused, 1 were lost$/);
  const noted = records.filter(({ kind }) => kind === 'request').map(({ requestId }) => requestId);
  assert.deepEqual(noted, ['a', 'b', 'c', 'd']);
});

test('what waited for the end of an outage is written before the record of the gap', async (t) => {
  const dir = ledgerDir(t);
  let ms = Date.parse('2026-11-23T12:00:00Z');
  const ledger = openLedger(t, dir, { now: () => ms, onError: () => {} });
  renameSync(dir, `${dir}.away`);
  // More than one transaction takes.
  const ids = Array.from({ length: 2_500 }, (_, i) => `r${i}`);
  for (const requestId of ids) {
    ledger.note({ requestId, decision: 'allow' });
    ms += 10;
  }
  await until('the ledger cannot write', () => !ledger.health().ok);
  ms += 60_000;
  renameSync(`${dir}.away`, dir);
  await until('all is written', () => ledger.health().ok && ledger.health().lagMs === 0);
  await ledger.close();
  const records = await allRecords(dir);
  assert.deepEqual(
    records.slice(1).map(({ kind, requestId }) => requestId ?? kind),
    [...ids, 'gap', 'stop'],
  );
  const times = records.map(({ at }) => at);
  assert.deepEqual(times, times.toSorted());
  const { faults, notices } = await verifyLedger(dir);
  assert.deepEqual([faults, notices], [[], []]);
});

test('while a lock lasts most writers are refused at once, and none waits for it twice', async (t) => {
  const dir = ledgerDir(t);
  const ledger = openLedger(t, dir, { busyTimeoutMs: 200, onError: () => {} });
  const other = new Database(join(dir, 'audit-000001.sqlite'));
  t.after(() => other.close());
  other.exec('BEGIN IMMEDIATE');
  await assert.rejects(ledger.append('config', {}), { code: 'audit_unavailable' });
  const started = performance.now();
  const refused = Array.from({ length: 200 }, () => ledger.append('config', {}));
  for (const result of refused) await assert.rejects(result, { code: 'audit_unavailable' });
  assert.ok(performance.now() - started < 200 * 200, 'they did not each wait in turn');
  other.exec('ROLLBACK');
  await until('the ledger writes again', () => ledger.health().ok);
  await ledger.append('config', {});
});
