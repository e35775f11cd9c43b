import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AuditFields } from '../../audit/record.ts';
import { createRefusals } from '../../audit/refusals.ts';
import { allRecords, ledgerDir, openLedger } from './ledger-dir.ts';

test('attack: a flood from very many addresses puts no blame on the first of those that are counted together', async () => {
  const written: AuditFields[] = [];
  const refusals = createRefusals(
    {
      admit(fields) {
        written.push(fields);
        const { requestId } = fields;
        return Promise.resolve({ requestId, finish: () => undefined, interrupt: () => undefined });
      },
    },
    (error) => assert.fail(String(error)),
  );
  const refuse = (ip: string): void =>
    refusals.record(
      {
        requestId: `r-${written.length}`,
        ip,
        method: 'GET',
        decision: 'deny',
        code: 'token_missing',
      },
      { status: 401 },
    );
  const sources = Array.from({ length: 1_500 }, (_, at) => `2001:db8::${at.toString(16)}`);
  sources.forEach(refuse);
  // One that has a place of its own keeps it.
  refuse('2001:db8::7');
  await refusals.close();
  const named = written.filter(({ ip }) => ip !== undefined);
  assert.ok(named.length >= 1_000, `${named.length} named`);
  const shared = written.filter(({ ip }) => ip === undefined);
  const total = written.reduce((sum, { count = 0 }) => sum + count, 0);
  assert.equal(total, 1_501);
  assert.ok(shared.length > 0 && shared.length <= 2, `${shared.length} records of all others`);
  const seven = written.filter(({ ip }) => ip === '2001:db8::7');
  assert.equal(
    seven.reduce((sum, { count = 0 }) => sum + count, 0),
    2,
  );
});

test('closing waits for what is being written: a refusal of the last moment has its outcome', async (t) => {
  const dir = ledgerDir(t);
  const ledger = openLedger(t, dir);
  const refusals = createRefusals(ledger, (error) => assert.fail(String(error)));
  refusals.record({ requestId: 'r', decision: 'deny', code: 'foreign_host' }, { status: 403 });
  await refusals.close();
  await ledger.close();
  const records = await allRecords(dir);
  const kinds = records.filter(({ requestId }) => requestId === 'r').map(({ kind }) => kind);
  assert.deepEqual(kinds, ['request', 'outcome']);
});
