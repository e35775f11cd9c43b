import assert from 'node:assert/strict';
import { test } from 'node:test';
import { verifyLedger } from '../../audit/verify.ts';
import { ledgerDir, openLedger } from './ledger-dir.ts';
import { administer } from './people-command.ts';

test('what is done to people and holds while the ledger is verified is no fault', async (t) => {
  const dir = ledgerDir(t);
  const ledger = openLedger(t, dir, { segmentRecords: 40 });
  for (let at = 0; at < 30; at += 1) await ledger.append('sign-in', { user: `before-${at}` });
  const done = new AbortController();
  const faults: unknown[] = [];
  let verified = 0;
  async function verify(): Promise<void> {
    while (!done.signal.aborted) {
      const result = await verifyLedger(dir);
      assert.ok(result.peopleChecked);
      faults.push(...result.faults);
      verified += 1;
    }
  }
  async function change(): Promise<void> {
    for (let at = 0; at < 3; at += 1) {
      await ledger.append('sign-in', { user: `new-${at}`, ip: '192.0.2.1' });
      assert.equal((await administer(dir, 'erase', '--user', `before-${at}`)).code, 0);
      const { out } = await administer(dir, 'hold', 'add', '--reason', 'x', '--all', '--json');
      const { holds } = JSON.parse(out) as { holds: [{ id: string }] };
      assert.equal((await administer(dir, 'hold', 'remove', holds[0].id)).code, 0);
      if (at === 1) assert.equal((await administer(dir, 'rotate-key')).code, 0);
    }
  }
  const changed = change().finally(() => done.abort());
  await Promise.all([verify(), changed]);
  assert.deepEqual(faults, []);
  assert.ok(verified > 0);
  await ledger.close();
  assert.deepEqual((await verifyLedger(dir)).faults, []);
});
