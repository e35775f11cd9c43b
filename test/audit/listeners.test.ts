import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLedger } from '../../audit/ledger.ts';
import { createListeners } from '../../audit/listeners.ts';
import type { AuditKind } from '../../audit/record.ts';
import { ledgerDir, writeRequests } from './ledger-dir.ts';

test('a listener hears of the kinds that it wants, in order, until it has enough', async (t) => {
  const ledger = createLedger({ dir: ledgerDir(t), side: 'relay' });
  const all: AuditKind[] = [];
  const requests: AuditKind[] = [];
  ledger.subscribe((records) => all.push(...records.map(({ kind }) => kind)));
  const stop = ledger.subscribe(
    (records) => requests.push(...records.map(({ kind }) => kind)),
    ['request', 'config'],
  );
  await writeRequests(ledger, 2);
  await ledger.append('config', {});
  stop();
  await ledger.append('config', {});
  await ledger.close();
  assert.deepEqual(requests, ['request', 'request', 'config']);
  assert.equal(all.filter((kind) => kind === 'outcome').length, 2);
  assert.equal(all.filter((kind) => kind === 'config').length, 2);
});

test('one that throws keeps the others from nothing; a record is restored once, or not at all', () => {
  const errors: unknown[] = [];
  let restored = 0;
  const listeners = createListeners(
    ({ content }) => {
      restored += 1;
      const { id, at, kind, side } = content;
      return { id, at, kind, side, seq: 1, hash: '', prev: '' };
    },
    (error) => errors.push(error),
  );
  const sealed = (kind: AuditKind) => ({
    seq: 1,
    prev: '',
    hash: '',
    body: '',
    content: { id: '', at: '', kind, side: 'relay', fields: {} } as const,
  });
  listeners.tell([sealed('outcome')]);
  listeners.add(() => {
    throw new Error('mine');
  });
  let heard = 0;
  listeners.add((records) => (heard += records.length));
  const quiet = listeners.add(() => assert.fail('none of its kind'), ['erase']);
  listeners.tell([sealed('request'), sealed('outcome')]);
  quiet();
  assert.deepEqual([restored, heard, errors.length], [2, 2, 1]);
});
