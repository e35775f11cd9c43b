import assert from 'node:assert/strict';
import { createHash, createHmac } from 'node:crypto';
import { copyFileSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import Database from 'better-sqlite3';
import { createLedger } from '../../audit/ledger.ts';
import { verifyLedger } from '../../audit/verify.ts';
import { allRecords, ledgerDir, openLedger } from '../audit/ledger-dir.ts';
import { administer } from '../audit/people-command.ts';

const users = Array.from({ length: 300 }, (_, at) => `subject-${at}`);

/** All bytes in a ledger's directory: segments, keys, their logs and free pages. */
function bytesIn(dir: string): Buffer {
  return Buffer.concat(readdirSync(dir).map((name) => readFileSync(join(dir, name))));
}

function sealedKeys(dir: string): Map<string, Buffer> {
  const db = new Database(join(dir, 'people.sqlite'), { readonly: true });
  const rows = db.prepare('SELECT who, sealed FROM keys').all() as {
    who: string;
    sealed: Buffer;
  }[];
  db.close();
  return new Map(rows.map(({ who, sealed }) => [who, sealed]));
}

test('a destroyed key is nowhere in the files, while the ledger is written or not', async (t) => {
  const dir = ledgerDir(t);
  const ledger = openLedger(t, dir);
  for (const user of users) await ledger.append('sign-in', { user, userName: `Name of ${user}` });
  const keys = sealedKeys(dir);
  for (const [at, user] of users.entries()) {
    if (at % 60 !== 7) continue;
    const { out } = await administer(dir, 'erase', '--user', user, '--json');
    const { erased } = JSON.parse(out) as { erased: [string] };
    const sealed = keys.get(erased[0]) ?? assert.fail();
    const bytes = bytesIn(dir);
    // Any sixteen bytes of it would do as a beginning.
    for (let from = 0; from + 16 <= sealed.length; from += 16) {
      assert.ok(!bytes.includes(sealed.subarray(from, from + 16)), `${user} ${from}`);
    }
    assert.ok(!bytes.includes(user), user);
  }
  await ledger.close();
  assert.equal(sealedKeys(dir).size, users.length - 5);
  assert.deepEqual((await verifyLedger(dir)).faults, []);
});

test('a pseudonym can’t be guessed, not even with the master key and the subject', async (t) => {
  const dir = ledgerDir(t);
  const ledger = openLedger(t, dir);
  const known = { issuer: 'https://idp.example.com', user: 'ada' };
  await ledger.append('sign-in', known);
  const before = readFileSync(`${dir}.people.key`, 'utf8').trim();
  await administer(dir, 'erase', '--user', 'ada');
  const [record] = ledger.query({ kinds: ['sign-in'] }).records;
  const texts = [JSON.stringify([known.issuer, known.user]), known.user, known.issuer + known.user];
  for (const text of texts) {
    for (const key of ['', before, Buffer.from(before, 'base64url')]) {
      const mac = createHmac('sha256', key).update(text).digest('base64url');
      assert.ok(!mac.startsWith(record?.who ?? assert.fail()));
    }
    assert.ok(
      !createHash('sha256')
        .update(text)
        .digest('base64url')
        .startsWith(record?.who ?? ''),
    );
  }
});

test('what was erased stays so when a sealed text is copied to a person who is not', async (t) => {
  const dir = ledgerDir(t);
  const ledger = openLedger(t, dir);
  await ledger.append('sign-in', { user: 'ada', userName: 'Ada', ip: '192.0.2.1' });
  await ledger.append('sign-in', { user: 'eve', userName: 'Eve' });
  await ledger.close();
  const [, hers, eves] = await allRecords(dir);
  await administer(dir, 'erase', '--user', 'ada');
  const db = new Database(join(dir, 'audit-000001.sqlite'));
  db.exec('DROP TRIGGER records_update');
  db.prepare('UPDATE records SET body = replace(body, ?, ?) WHERE seq = 3').run(
    eves?.sealed,
    hers?.sealed,
  );
  db.close();
  const third = (await allRecords(dir))[2];
  assert.deepEqual([third?.user, third?.userName, third?.ip], ['eve', undefined, undefined]);
  assert.equal((await verifyLedger(dir)).ok, false);
});

test('a writer does not bring back a key that was destroyed while it had it in memory', async (t) => {
  const dir = ledgerDir(t);
  let now = Date.parse('2026-11-23T12:00:00Z');
  const ledger = createLedger({ dir, side: 'relay', now: () => now });
  t.after(() => ledger.close());
  await ledger.append('sign-in', { user: 'ada', userName: 'Ada' });
  const [{ who } = assert.fail()] = ledger.query({ kinds: ['sign-in'] }).records;
  // On another day the writer notes that the key was used.
  now += 86_400_000;
  const meanwhile = ledger.append('sign-in', { user: 'ada', userName: 'Ada' });
  const db = new Database(join(dir, 'people.sqlite'));
  db.prepare('DELETE FROM keys WHERE who = ?').run(who);
  db.close();
  await meanwhile;
  assert.equal(sealedKeys(dir).get(who ?? ''), undefined);
  await ledger.append('sign-in', { user: 'ada', userName: 'Ada' });
  assert.ok(!sealedKeys(dir).has(who ?? ''));
  assert.equal(sealedKeys(dir).size, 1);
});

test('a copy of the directory without the key beside it names nobody', async (t) => {
  const dir = ledgerDir(t);
  const stolen = ledgerDir(t);
  const ledger = openLedger(t, dir);
  await ledger.append('sign-in', {
    user: 'ada-lovelace',
    userName: 'Ada Lovelace',
    ip: '192.0.2.1',
  });
  await ledger.close();
  await openLedger(t, stolen).close();
  for (const name of readdirSync(dir)) copyFileSync(join(dir, name), join(stolen, name));
  await assert.rejects(allRecords(stolen), { code: 'audit_config', message: /is not the key of/ });
  const bytes = bytesIn(stolen);
  for (const text of ['ada-lovelace', 'Lovelace', '192.0.2.1'])
    assert.ok(!bytes.includes(text), text);
});
