import assert from 'node:assert/strict';
import {
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  renameSync,
  statSync,
  symlinkSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import Database from 'better-sqlite3';
import { createLedger } from '../../audit/ledger.ts';
import { queryLedger } from '../../audit/query.ts';
import { ledgerDir } from './ledger-dir.ts';
import { mountAlone } from '../support/volume.ts';
import { administer } from './people-command.ts';

/** A closed ledger in which two people signed in. */
async function written(t: TestContext): Promise<string> {
  const dir = ledgerDir(t);
  const ledger = createLedger({ dir, side: 'relay' });
  for (const user of ['ada', 'bob']) await ledger.append('sign-in', { user });
  await ledger.close();
  return dir;
}

const users = (dir: string): (string | undefined)[] =>
  queryLedger(dir, { kinds: ['sign-in'] }).records.map(({ user }) => user);

const keyOf = (dir: string): string => readFileSync(`${dir}.people.key`, 'utf8');

function change(dir: string, sql: string): void {
  const db = new Database(join(dir, 'people.sqlite'));
  db.exec(sql);
  db.close();
}

test('a person’s entry that was altered is counted, and holds nobody up', async (t) => {
  const dir = await written(t);
  change(dir, 'UPDATE keys SET sealed = zeroblob(90) WHERE rowid = 1');
  const { code, out } = await administer(dir, 'rotate-key');
  assert.equal(code, 0);
  assert.match(
    out,
    /^Under a new master key now: keys of people 1, .*\n1 keys could not be opened with the old one either/,
  );
  assert.deepEqual(users(dir), ['bob', undefined]);
});

test('a legal hold that was altered stops it, and nothing is changed', async (t) => {
  const dir = await written(t);
  await administer(dir, 'hold', 'add', '--reason', 'case 7', '--all');
  change(dir, 'UPDATE holds SET sealed = zeroblob(90)');
  const before = keyOf(dir);
  const { code, out, err } = await administer(dir, 'rotate-key');
  assert.equal(code, 1);
  assert.equal(out, '');
  assert.match(err, /the legal hold \w+ in .* was altered/);
  assert.equal(keyOf(dir), before);
  assert.deepEqual(users(dir), ['bob', 'ada']);
});

test('a symbolic link to the key stays one', { skip: process.platform === 'win32' }, async (t) => {
  const dir = await written(t);
  const secrets = join(dirname(dir), 'secrets');
  mkdirSync(secrets);
  renameSync(`${dir}.people.key`, join(secrets, 'people'));
  symlinkSync(join('secrets', 'people'), `${dir}.people.key`);
  const before = keyOf(dir);
  assert.equal((await administer(dir, 'rotate-key')).code, 0);
  assert.ok(lstatSync(`${dir}.people.key`).isSymbolicLink());
  assert.notEqual(keyOf(dir), before);
  assert.equal(existsSync(join(secrets, 'people.new')), false);
  assert.deepEqual(users(dir), ['bob', 'ada']);
});

test(
  'root’s new key belongs to whom the old one did',
  { skip: process.getuid?.() !== 0 && 'only root gives files away' },
  async (t) => {
    const dir = await written(t);
    chownSync(`${dir}.people.key`, 12_345, 12_346);
    assert.equal((await administer(dir, 'rotate-key')).code, 0);
    const { uid, gid, mode } = statSync(`${dir}.people.key`);
    assert.deepEqual([uid, gid, mode & 0o777], [12_345, 12_346, 0o600]);
  },
);

test('a key file that is mounted by itself is not exchanged', async (t) => {
  const dir = await written(t);
  const key = `${dir}.people.key`;
  const unmount = mountAlone(t, key);
  if (!unmount) return;
  try {
    const before = keyOf(dir);
    const { code, err } = await administer(dir, 'rotate-key');
    assert.equal(code, 2);
    assert.match(err, /^nothing is changed: .* mounted by itself; mount its directory instead\n$/);
    assert.equal(keyOf(dir), before);
    assert.equal(existsSync(`${key}.new`), false);
    assert.deepEqual(users(dir), ['bob', 'ada']);
  } finally {
    unmount();
  }
});
