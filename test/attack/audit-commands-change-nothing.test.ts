import assert from 'node:assert/strict';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { createLedger } from '../../audit/ledger.ts';
import { ledgerDir, writeRequests } from '../audit/ledger-dir.ts';
import { administer } from '../audit/people-command.ts';

const commands: readonly (readonly string[])[] = [
  ['export'],
  ['report'],
  ['erase', '--user', 'user1'],
  ['hold', 'add', '--reason', 'case 7', '--all'],
  ['hold', 'list'],
  ['hold', 'remove', '1234'],
  ['rotate-key'],
];

/** All that lies in a directory and beside it, byte for byte. */
function everythingAt(dir: string): Readonly<Record<string, string>> {
  const parent = dirname(dir);
  const files = readdirSync(parent, { recursive: true, withFileTypes: true });
  return Object.fromEntries(
    files
      .filter((file) => file.isFile())
      .map(({ parentPath, name }) => join(parentPath, name))
      .map((path) => [path, readFileSync(path, 'base64')]),
  );
}

/** What an auditor is handed: the ledger without what names people. */
async function copyWithoutKeys(t: TestContext): Promise<string> {
  const dir = ledgerDir(t);
  const ledger = createLedger({ dir, side: 'relay' });
  await writeRequests(ledger, 3);
  await ledger.close();
  const copy = ledgerDir(t);
  cpSync(dir, copy, { recursive: true });
  rmSync(join(copy, 'people.sqlite'));
  return copy;
}

for (const argv of commands) {
  test(`audit ${argv.join(' ')} leaves a copy without keys as it was, and it verifies`, async (t) => {
    const copy = await copyWithoutKeys(t);
    const before = everythingAt(copy);
    const { code, err } = await administer(copy, ...argv);
    const reads = ['export', 'report'].some((word) => argv.includes(word));
    assert.equal(code, reads ? 0 : 2, err);
    if (!reads)
      assert.match(err, /people\.sqlite is missing: name the directory that the relay writes/);
    assert.deepEqual(everythingAt(copy), before);
    const { code: verified, out } = await administer(copy, 'verify');
    assert.equal(verified, 0, out);
    assert.match(out, /"peopleChecked":false/);
  });

  test(`audit ${argv.join(' ')} of a mistyped path is refused, and makes nothing there`, async (t) => {
    const parent = mkdtempSync(join(tmpdir(), 'latchkey-typo-'));
    t.after(() => rmSync(parent, { recursive: true, force: true }));
    const empty = join(parent, 'audit');
    mkdirSync(empty);
    const none = await administer(empty, ...argv);
    assert.deepEqual([none.code, none.out], [2, ''], none.err);
    assert.match(none.err, /^there is no audit in .*audit\n$/);
    const nowhere = await administer(join(parent, 'nowhere'), ...argv);
    assert.deepEqual([nowhere.code, nowhere.out], [2, ''], nowhere.err);
    assert.match(nowhere.err, /^there is no directory .*nowhere\n$/);
    assert.deepEqual(readdirSync(parent, { recursive: true }), ['audit']);
  });
}

test('a file in place of the directory is refused with a sentence by each command', async (t) => {
  const dir = ledgerDir(t);
  const ledger = createLedger({ dir, side: 'relay' });
  await ledger.close();
  for (const argv of [['verify'], ...commands]) {
    const { code, out, err } = await administer(join(dir, 'checkpoints.jsonl'), ...argv);
    assert.deepEqual([code, out], [2, ''], argv.join(' '));
    assert.match(err, /is not a directory: name the one that holds the audit/);
  }
});

test('somebody unknown is not erased, and nothing is written for that', async (t) => {
  const dir = ledgerDir(t);
  const ledger = createLedger({ dir, side: 'relay' });
  await writeRequests(ledger, 3);
  await ledger.close();
  const before = everythingAt(dir);
  const { code, err } = await administer(dir, 'erase', '--user', 'eve');
  assert.equal(code, 1);
  assert.match(err, /knows no user eve/);
  assert.deepEqual(everythingAt(dir), before);
});
