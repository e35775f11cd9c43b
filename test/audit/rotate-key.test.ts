import assert from 'node:assert/strict';
import { copyFileSync, existsSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { type TestContext, test } from 'node:test';
import { createLedger, type Ledger } from '../../audit/ledger.ts';
import { openNames } from '../../audit/people/reveal.ts';
import { rotateMasterKey } from '../../audit/people/rotate-key.ts';
import { queryLedger } from '../../audit/query.ts';
import { verifyLedger } from '../../audit/verify.ts';
import { allRecords, ledgerDir, openLedger } from './ledger-dir.ts';
import { administer } from './people-command.ts';

const issuer = 'https://idp.example.com';

const keyOf = (dir: string): string => readFileSync(`${dir}.people.key`, 'utf8');

async function signIn(ledger: Ledger, user: string): Promise<void> {
  await ledger.append('sign-in', { issuer, user, userName: `Name of ${user}`, ip: '192.0.2.1' });
}

/** Who signed in, newest first, with the pseudonyms. */
function signedIn(dir: string): { user: string | undefined; who: string | undefined }[] {
  return queryLedger(dir, { kinds: ['sign-in'] }).records.map(({ user, userName, ip, who }) => {
    assert.equal(userName, user && `Name of ${user}`);
    assert.equal(ip, user && '192.0.2.1');
    return { user, who };
  });
}

/** A closed ledger in which somebody signed in. */
async function written(t: TestContext): Promise<string> {
  const dir = ledgerDir(t);
  const ledger = createLedger({ dir, side: 'relay' });
  await signIn(ledger, 'ada');
  await ledger.close();
  return dir;
}

test('while the ledger is written: another key, the same names and pseudonyms, and a record', async (t) => {
  const dir = ledgerDir(t);
  const ledger = openLedger(t, dir);
  await signIn(ledger, 'ada');
  await signIn(ledger, 'bob');
  const before = keyOf(dir);
  const { code, out, err } = await administer(dir, 'rotate-key', '--json');
  assert.equal(code, 0, err);
  const done = { inPlace: true, overwritten: true, recorded: true };
  assert.deepEqual(JSON.parse(out), { ok: true, keys: 2, holds: 0, unreadable: 0, ...done });
  assert.notEqual(keyOf(dir), before);
  assert.equal(existsSync(`${dir}.people.key.new`), false);
  if (process.platform !== 'win32') assert.equal(statSync(`${dir}.people.key`).mode & 0o777, 0o600);

  await signIn(ledger, 'eve');
  await signIn(ledger, 'ada');
  const seen = signedIn(dir);
  assert.deepEqual(
    seen.map(({ user }) => user),
    ['ada', 'eve', 'bob', 'ada'],
  );
  assert.equal(seen[0]?.who, seen[3]?.who);
  assert.equal(queryLedger(dir, { user: 'ada' }).records.length, 2);
  const [said] = ledger.query({ kinds: ['config'] }).records;
  assert.match(
    said?.detail ?? '',
    /^\{"cause":"rotate-key","by":".+","keys":2,"unreadable":0,"holds":0\}$/,
  );
  await ledger.close();
  const again = openLedger(t, dir);
  await signIn(again, 'bob');
  assert.equal(signedIn(dir)[0]?.who, seen[2]?.who);
  assert.deepEqual((await verifyLedger(dir)).faults, []);
});

test('a ledger that nobody writes records the rotation all the same', async (t) => {
  const dir = await written(t);
  const { code, out, err } = await administer(dir, 'rotate-key');
  assert.equal(code, 0, err);
  assert.match(
    out,
    /^Under a new master key now: keys of people 1, legal holds 0\. Back it up, .*\n$/,
  );
  const kinds = (await allRecords(dir)).map(({ kind }) => kind);
  assert.deepEqual(kinds.slice(-3), ['start', 'config', 'stop']);
  assert.deepEqual(
    signedIn(dir).map(({ user }) => user),
    ['ada'],
  );
  assert.deepEqual((await verifyLedger(dir)).faults, []);
});

test('where the signing key is elsewhere the next writer records it', async (t) => {
  const dir = ledgerDir(t);
  const options = { side: 'relay', keyFile: `${dir}.other` } as const;
  await createLedger({ dir, ...options }).close();
  const { out } = await administer(dir, 'rotate-key');
  assert.match(out, /whoever writes the audit next records the rotation\n$/);
  assert.equal(queryLedger(dir, { kinds: ['config'] }).records.length, 0);
  openLedger(t, dir, options);
  assert.equal(queryLedger(dir, { kinds: ['config'] }).records.length, 1);
});

test('who was erased stays so, and holds go on to hold', async (t) => {
  const dir = ledgerDir(t);
  const ledger = openLedger(t, dir);
  for (const user of ['ada', 'bob']) await signIn(ledger, user);
  await administer(dir, 'erase', '--user', 'ada');
  await administer(dir, 'hold', 'add', '--reason', 'case 7', '--user', 'bob');
  const { out } = await administer(dir, 'rotate-key', '--json');
  assert.match(out, /"keys":1,"holds":1,"unreadable":0/);
  assert.deepEqual(
    signedIn(dir).map(({ user }) => user),
    ['bob', undefined],
  );
  assert.match((await administer(dir, 'hold', 'list')).out, /user bob since .*: case 7\n$/);
  const refused = await administer(dir, 'erase', '--user', 'bob');
  assert.match(refused.err, /the legal hold \w+ \(case 7\) covers this person/);
  await signIn(ledger, 'ada');
  const [now, , before] = signedIn(dir);
  assert.equal(now?.user, 'ada');
  assert.notEqual(now?.who, before?.who);
});

test('whoever reads meanwhile goes on to see names', async (t) => {
  const dir = await written(t);
  const [record = assert.fail()] = await allRecords(dir).then((all) =>
    all.filter(({ kind }) => kind === 'sign-in'),
  );
  const { user: _user, userName: _name, ip: _ip, ...stored } = record;
  const names = openNames(dir);
  t.after(() => names.close());
  for (let round = 0; round < 3; round += 1) {
    await rotateMasterKey({ dir });
    assert.deepEqual(names.pseudonymsOf('ada'), [record.who, 'ada']);
  }
  assert.equal(names.reveal(stored).userName, 'Name of ada');
});

test('a key that is new in the writer’s memory is kept under the new master key', async (t) => {
  const dir = ledgerDir(t);
  const ledger = openLedger(t, dir);
  const recorded = signIn(ledger, 'new-here');
  const rotated = rotateMasterKey({ dir });
  await Promise.all([recorded, rotated]);
  assert.equal((await rotated).keys, 0);
  assert.deepEqual(
    signedIn(dir).map(({ user }) => user),
    ['new-here'],
  );
});

test('strangers of one day stay under one key', async (t) => {
  const dir = ledgerDir(t);
  const ledger = openLedger(t, dir, { now: () => Date.parse('2026-11-29T12:00:00Z') });
  await ledger.append('refresh', { ip: '203.0.113.5' });
  await rotateMasterKey({ dir });
  await ledger.append('refresh', { ip: '203.0.113.6' });
  const addresses = ledger.query({ kinds: ['refresh'] }).records.map(({ ip }) => ip);
  assert.deepEqual(addresses, ['203.0.113.6', '203.0.113.5']);
  assert.equal((await rotateMasterKey({ dir })).keys, 1);
});

test('a rotation that was cut short before the files were exchanged is ended by the next writer', async (t) => {
  for (const old of ['still there', 'gone'] as const) {
    const dir = await written(t);
    const [key, next] = [`${dir}.people.key`, `${dir}.people.key.new`];
    copyFileSync(key, `${dir}.kept`);
    await rotateMasterKey({ dir });
    const rotated = keyOf(dir);
    renameSync(key, next);
    if (old === 'still there') renameSync(`${dir}.kept`, key);
    assert.equal(signedIn(dir)[0]?.user, 'ada', old);
    const ledger = openLedger(t, dir);
    assert.equal(keyOf(dir), rotated, old);
    assert.equal(existsSync(next), false, old);
    await signIn(ledger, 'bob');
    assert.deepEqual(
      signedIn(dir).map(({ user }) => user),
      ['bob', 'ada'],
      old,
    );
  }
});

test('a rotation that was cut short before its commit leaves nothing', async (t) => {
  const dir = await written(t);
  const before = keyOf(dir);
  const elsewhere = await written(t);
  copyFileSync(`${elsewhere}.people.key`, `${dir}.people.key.new`);
  assert.equal(signedIn(dir)[0]?.user, 'ada');
  openLedger(t, dir);
  assert.equal(existsSync(`${dir}.people.key.new`), false);
  assert.equal(keyOf(dir), before);
  assert.equal(signedIn(dir)[0]?.user, 'ada');
});

test('bad usage, and what can’t be rotated, are refused with what to do', async (t) => {
  const dir = await written(t);
  const before = keyOf(dir);
  const usage = await administer(dir, 'rotate-key', 'now');
  assert.equal(usage.code, 2);
  assert.match(usage.err, /usage: .*audit rotate-key \[--json\]/s);
  assert.equal((await administer(`${dir}/nowhere`, 'rotate-key')).code, 2);
  assert.equal(keyOf(dir), before);
  rmSync(`${dir}.people.key`);
  const { code, out, err } = await administer(dir, 'rotate-key');
  assert.equal(code, 2);
  assert.equal(out, '');
  assert.match(err, /people\.key is missing.*put it back/);
  assert.equal(existsSync(`${dir}.people.key.new`), false);
});
