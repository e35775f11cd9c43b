import assert from 'node:assert/strict';
import { copyFileSync, cpSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import Database from 'better-sqlite3';
import type { Ledger } from '../../audit/ledger.ts';
import { decrypt } from '../../audit/people/cipher.ts';
import { readMasterKey } from '../../audit/people/master-key.ts';
import { verifyLedger } from '../../audit/verify.ts';
import { allRecords, ledgerDir, openLedger } from '../audit/ledger-dir.ts';
import { administer } from '../audit/people-command.ts';

interface Entry {
  readonly who: string;
  readonly sealed: Buffer;
}

/** What stands in a `people.sqlite`, whoever opens it. */
function entriesOf(file: string): Entry[] {
  const db = new Database(file, { readonly: true });
  try {
    return db.prepare('SELECT who, sealed FROM keys').all() as Entry[];
  } finally {
    db.close();
  }
}

/** How many entries a master key opens, by brute use of the cipher. */
function openedBy(keyFile: string, entries: readonly Entry[]): number {
  const { wrap } = readMasterKey(keyFile) ?? assert.fail();
  return entries.filter(({ who, sealed }) => decrypt(wrap, sealed, who) !== undefined).length;
}

async function fill(ledger: Ledger, count: number): Promise<void> {
  for (let at = 0; at < count; at += 1) {
    await ledger.append('sign-in', { user: `subject-${at}`, userName: `Name of ${at}` });
  }
}

/** All bytes in a ledger's directory: segments, keys, their logs and free pages. */
function bytesIn(dir: string): Buffer {
  return Buffer.concat(readdirSync(dir).map((name) => readFileSync(join(dir, name))));
}

test('the old master key opens nothing any more, nor do bytes that are left in the files', async (t) => {
  const dir = ledgerDir(t);
  const ledger = openLedger(t, dir);
  await fill(ledger, 200);
  const people = join(dir, 'people.sqlite');
  const before = entriesOf(people);
  copyFileSync(`${dir}.people.key`, `${dir}.stolen`);
  assert.equal(openedBy(`${dir}.stolen`, before), 200);

  const { out } = await administer(dir, 'rotate-key', '--json');
  assert.match(out, /"keys":200,.*"overwritten":true/);
  const after = entriesOf(people);
  assert.equal(after.length, 200);
  assert.equal(openedBy(`${dir}.stolen`, after), 0);
  assert.equal(openedBy(`${dir}.people.key`, after), 200);
  const bytes = bytesIn(dir);
  for (const { who, sealed } of before) {
    for (let from = 0; from + 16 <= sealed.length; from += 16) {
      assert.ok(!bytes.includes(sealed.subarray(from, from + 16)), `${who} ${from}`);
    }
  }
  await ledger.close();
  copyFileSync(`${dir}.stolen`, `${dir}.people.key`);
  await assert.rejects(allRecords(dir), { code: 'audit_config', message: /is not the key of/ });
});

test('after erasure and rotation, backups of people.sqlite name nobody without the old key', async (t) => {
  const dir = ledgerDir(t);
  const backup = ledgerDir(t);
  const ledger = openLedger(t, dir);
  for (const user of ['ada-lovelace', 'bob']) {
    await ledger.append('sign-in', { user, userName: `Name of ${user}`, ip: '192.0.2.1' });
  }
  await ledger.close();
  cpSync(dir, backup, { recursive: true });
  copyFileSync(`${dir}.people.key`, `${dir}.old`);

  assert.equal((await administer(dir, 'erase', '--user', 'ada-lovelace')).code, 0);
  // The erasure alone reaches no backup: with the key of today she is in there.
  copyFileSync(`${dir}.people.key`, `${backup}.people.key`);
  const users = async (of: string): Promise<unknown[]> =>
    (await allRecords(of)).filter(({ kind }) => kind === 'sign-in').map(({ user }) => user);
  assert.deepEqual(await users(backup), ['ada-lovelace', 'bob']);

  assert.equal((await administer(dir, 'rotate-key')).code, 0);
  // Whoever has the backup and everything of today, and the old key no more.
  copyFileSync(`${dir}.people.key`, `${backup}.people.key`);
  await assert.rejects(users(backup), {
    code: 'audit_config',
    message: /a .*people\.sqlite from after that$/,
  });
  const kept = entriesOf(join(backup, 'people.sqlite'));
  assert.equal(kept.length, 2);
  assert.equal(openedBy(`${dir}.people.key`, kept), 0);
  const bytes = bytesIn(backup);
  for (const secret of ['ada-lovelace', 'Name of', '192.0.2.1']) {
    assert.ok(!bytes.includes(secret), secret);
  }
  // It was the old key alone that kept her readable there.
  assert.equal(openedBy(`${dir}.old`, kept), 2);

  // Segments from the backup are as good as ever with the people of today.
  copyFileSync(join(dir, 'people.sqlite'), join(backup, 'people.sqlite'));
  assert.deepEqual(await users(backup), [undefined, 'bob']);
  assert.deepEqual((await verifyLedger(backup)).faults, []);
  assert.deepEqual((await verifyLedger(dir)).faults, []);
});

test('who plants a key beside the old one changes nothing', async (t) => {
  const dir = ledgerDir(t);
  const ledger = openLedger(t, dir);
  await fill(ledger, 1);
  const planted = Buffer.alloc(32, 7).toString('base64url');
  writeFileSync(`${dir}.people.key.new`, `${planted}\n`, { mode: 0o600 });
  assert.equal((await allRecords(dir))[1]?.user, 'subject-0');
  assert.equal((await administer(dir, 'rotate-key')).code, 0);
  assert.notEqual(readFileSync(`${dir}.people.key`, 'utf8').trim(), planted);
  assert.equal((await allRecords(dir))[1]?.user, 'subject-0');
});
