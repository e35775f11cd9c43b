import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { createLedger, type Ledger } from '../../audit/ledger.ts';
import { queryLedger } from '../../audit/query.ts';
import { verifyLedger } from '../../audit/verify.ts';
import { allRecords, ledgerDir, openLedger } from '../audit/ledger-dir.ts';
import { administer } from '../audit/people-command.ts';

const writer = join(import.meta.dirname, 'audit-privacy-rotate.writer.ts');

/** Rotates in a process that is killed right before its nth step. */
async function rotate(dir: string, step: number): Promise<'killed' | 'rotated'> {
  const child = spawn(process.execPath, [writer, dir, String(step)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [said, [, signal]] = await Promise.all([text(child.stdout), once(child, 'close')]);
  if (said === 'rotated\n') return 'rotated';
  assert.equal(signal, 'SIGKILL');
  return 'killed';
}

const signIn = (ledger: Ledger, user: string): Promise<void> =>
  ledger.append('sign-in', { user, userName: `Name of ${user}` });

const named = (dir: string): (string | undefined)[] =>
  queryLedger(dir, { kinds: ['sign-in'], limit: 1_000 })
    .records.map(({ user, userName }) => {
      assert.equal(userName, user && `Name of ${user}`);
      return user;
    })
    .toReversed();

const keyOf = (dir: string): string => readFileSync(`${dir}.people.key`, 'utf8');

/** Somebody who was erased, and two who are there. */
async function begun(dir: string): Promise<(string | undefined)[]> {
  const ledger = createLedger({ dir, side: 'relay' });
  for (const user of ['eve', 'ada', 'bob']) await signIn(ledger, user);
  await administer(dir, 'erase', '--user', 'eve');
  await administer(dir, 'hold', 'add', '--reason', 'case 7', '--user', 'ada');
  await ledger.close();
  return [undefined, 'ada', 'bob'];
}

test('killed before any step of a rotation, the ledger opens and everybody has a name', async (t) => {
  const dir = ledgerDir(t);
  const expected = await begun(dir);
  const keys = new Set([keyOf(dir)]);
  let [isOver, isStaged] = [false, 0];
  for (let step = 0; !isOver; step += 1) {
    isOver = (await rotate(dir, step)) === 'rotated';
    isStaged += Number(existsSync(`${dir}.people.key.new`));
    assert.deepEqual(named(dir), expected, `readers, step ${step}`);
    const ledger = createLedger({ dir, side: 'relay' });
    await signIn(ledger, 'bob');
    expected.push('bob');
    assert.deepEqual(named(dir), expected, `the writer, step ${step}`);
    await ledger.close();
    assert.equal(existsSync(`${dir}.people.key.new`), false, `step ${step}`);
    keys.add(keyOf(dir));
  }
  assert.ok(isStaged > 5, 'hardly ever killed while there were two keys');
  assert.match((await administer(dir, 'hold', 'list')).out, /user ada since .*: case 7\n$/);
  // One record for each key that came into use, and none for those that never were.
  const rotations = (await allRecords(dir)).filter(({ kind }) => kind === 'config');
  assert.equal(rotations.length, keys.size - 1);
  assert.ok(keys.size > 5, 'hardly ever killed after the commit');
  assert.deepEqual((await verifyLedger(dir)).faults, []);
});

test('killed and repeated beside a writer, it neither stops it nor takes names from its records', async (t) => {
  const dir = ledgerDir(t);
  const expected = await begun(dir);
  const ledger = openLedger(t, dir);
  for (const step of [4, 8, 12, 16, 20, 24]) {
    assert.equal(await rotate(dir, step), 'killed');
    for (const user of [`new-${step}`, 'bob']) {
      await signIn(ledger, user);
      expected.push(user);
    }
    assert.deepEqual(named(dir), expected, `step ${step}`);
  }
  await ledger.close();
  const again = openLedger(t, dir);
  assert.deepEqual(named(dir), expected);
  const who = new Set(again.query({ user: 'bob' }).records.map((record) => record.who));
  assert.equal(who.size, 1);
  assert.deepEqual((await verifyLedger(dir)).faults, []);
});

test('rotations at the same time, while people come who are new, lose nobody', async (t) => {
  const dir = ledgerDir(t);
  const expected = await begun(dir);
  const ledger = openLedger(t, dir);
  const never = 1_000_000;
  const over = new AbortController();
  const rotations = Promise.all([1, 2, 3].map(() => rotate(dir, never))).finally(() => {
    over.abort();
  });
  for (let at = 0; !over.signal.aborted; at += 1) {
    try {
      await signIn(ledger, `new-${at}`);
      expected.push(`new-${at}`);
    } catch (error) {
      // A rotation may lock the keys for longer than a writer waits; what was refused was not recorded.
      assert.equal((error as { code?: string }).code, 'audit_unavailable');
    }
    // A query gives no more than 1,000 of them.
    await setTimeout(50);
  }
  assert.deepEqual(await rotations, ['rotated', 'rotated', 'rotated']);
  assert.deepEqual(named(dir), expected);
  assert.equal(existsSync(`${dir}.people.key.new`), false);
  await ledger.close();
  openLedger(t, dir);
  assert.equal(queryLedger(dir, { kinds: ['config'] }).records.length, 3);
});
