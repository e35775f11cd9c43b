import assert from 'node:assert/strict';
import { cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { verifyLedger } from '../../audit/verify.ts';
import { ledgerDir, openLedger, writeRequests } from '../audit/ledger-dir.ts';
import { mutations, seeded } from '../support/mutations.ts';

/** The nightly run takes 1,000. */
const places = Number(process.env['LATCHKEY_AUDIT_MUTATIONS'] ?? 150);
const seed = Number(process.env['LATCHKEY_SEED'] ?? Math.trunc(Math.random() * 2 ** 31));

test(`verify finds each of ${places} changes at random places`, async (t) => {
  t.diagnostic(`LATCHKEY_SEED=${seed}`);
  const choose = seeded(seed);
  const original = ledgerDir(t);
  for (let run = 0; run < 3; run += 1) {
    const ledger = openLedger(t, original, { segmentRecords: 40, checkpointRecords: 25 });
    // Open until the next start, so that each segment holds copies of them.
    for (const requestId of ['open-a', 'open-b', 'open-c']) {
      await ledger.admit({ requestId, user: 'ada', api: 'billing', decision: 'allow' });
    }
    await writeRequests(ledger, 30);
    await ledger.close();
  }
  assert.deepEqual((await verifyLedger(original)).faults, []);

  const parent = mkdtempSync(join(tmpdir(), 'latchkey-mutation-'));
  t.after(() => rmSync(parent, { recursive: true, force: true }));
  const names = Object.keys(mutations);
  const counts = new Map<string, number>();
  const missed: string[] = [];
  for (let place = 0; place < places;) {
    const name = names[place % names.length] ?? 'flip';
    const dir = join(parent, 'audit');
    mkdirSync(dir);
    cpSync(original, dir, { recursive: true });
    const done = mutations[name]?.(dir, choose);
    if (done !== undefined) {
      place += 1;
      counts.set(name, (counts.get(name) ?? 0) + 1);
      const { ok, faults } = await verifyLedger(dir);
      if (ok || faults.every(({ what }) => what === '')) missed.push(`${name}: ${done}`);
    }
    rmSync(dir, { recursive: true });
  }
  assert.deepEqual(missed, []);
  t.diagnostic(JSON.stringify({ found: Object.fromEntries(counts) }));
});
