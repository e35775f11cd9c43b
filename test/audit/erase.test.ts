import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { userInfo } from 'node:os';
import { test } from 'node:test';
import { createLedger, type Ledger } from '../../audit/ledger.ts';
import { queryLedger } from '../../audit/query.ts';
import { verifyLedger } from '../../audit/verify.ts';
import { allRecords, ledgerDir, openLedger, writeRequests } from './ledger-dir.ts';
import { administer } from './people-command.ts';

const issuer = 'https://idp.example.com';
/** Who did it: the account that runs the command. */
const by = userInfo().username;

async function request(ledger: Ledger, requestId: string, fields: object): Promise<void> {
  const record = await ledger.admit({ requestId, decision: 'allow', ip: '192.0.2.1', ...fields });
  record.finish({ status: 200 });
}

const json = (text: string): Record<string, unknown> => JSON.parse(text) as Record<string, unknown>;

test('erasure while the ledger is written: past unreadable, chain whole, recorded by pseudonym', async (t) => {
  const dir = ledgerDir(t);
  const ledger = openLedger(t, dir);
  await request(ledger, 'hers', { user: 'ada', userName: 'Ada Lovelace' });
  await request(ledger, 'his', { user: 'bob', userName: 'Bob' });
  await ledger.append('config', {});
  const { code, out, err } = await administer(dir, 'erase', '--user', 'ada', '--json');
  assert.equal(code, 0, err);
  const [hers, his] = ['hers', 'his'].map((requestId) =>
    ledger.query({ requestId, kinds: ['request'] }).records.at(0),
  );
  assert.deepEqual(json(out), {
    ok: true,
    erased: [hers?.who],
    records: 2,
    clear: 0,
    overwritten: true,
    recorded: true,
  });
  assert.deepEqual([hers?.user, hers?.userName, hers?.ip], [undefined, undefined, undefined]);
  assert.deepEqual([his?.user, his?.userName, his?.ip], ['bob', 'Bob', '192.0.2.1']);
  assert.deepEqual(ledger.query({ user: 'ada' }).records, []);
  const [said] = ledger.query({ kinds: ['erase'] }).records;
  assert.deepEqual([said?.who, said?.user, said?.count], [hers?.who, undefined, 2]);
  assert.deepEqual(json(said?.detail ?? ''), { by });
  assert.deepEqual((await verifyLedger(dir)).faults, []);
});

test('somebody who comes back after the erasure is a new person', async (t) => {
  const dir = ledgerDir(t);
  const ledger = openLedger(t, dir);
  await request(ledger, 'before', { user: 'ada', issuer });
  await administer(dir, 'erase', '--user', 'ada');
  await request(ledger, 'after', { user: 'ada', issuer });
  const { records } = ledger.query({ kinds: ['request'] });
  assert.deepEqual(
    records.map(({ requestId, user }) => [requestId, user]),
    [
      ['after', 'ada'],
      ['before', undefined],
    ],
  );
  assert.notEqual(records[0]?.who, records[1]?.who);
  await ledger.close();
  const again = openLedger(t, dir);
  const named = again.query({ user: 'ada' }).records.filter(({ kind }) => kind === 'request');
  assert.deepEqual(
    named.map(({ requestId }) => requestId),
    ['after'],
  );
});

test('a request that was under way during the erasure ends without naming anybody', async (t) => {
  const dir = ledgerDir(t);
  const ledger = openLedger(t, dir);
  const record = await ledger.admit({ requestId: 'open', user: 'ada', decision: 'allow' });
  await administer(dir, 'erase', '--user', 'ada');
  record.finish({ status: 200 });
  await ledger.append('config', {});
  const [outcome] = ledger.query({ kinds: ['outcome'] }).records;
  assert.equal(outcome?.requestId, 'open');
  assert.equal(outcome?.user, undefined);
});

test('a ledger that nobody writes records the erasure all the same', async (t) => {
  const dir = ledgerDir(t);
  const ledger = createLedger({ dir, side: 'relay' });
  await writeRequests(ledger, 3);
  await ledger.close();
  const { code, out } = await administer(dir, 'erase', '--user', 'user1');
  assert.equal(code, 0);
  assert.match(out, /^2 records of 1 account\(s\) lead to nobody any more\n$/);
  const records = await allRecords(dir);
  assert.deepEqual(
    records.slice(-3).map(({ kind, side }) => [kind, side]),
    [
      ['start', 'relay'],
      ['erase', 'relay'],
      ['stop', 'relay'],
    ],
  );
  assert.ok(!records.some(({ user }) => user === 'user1'));
  assert.deepEqual((await verifyLedger(dir)).faults, []);
});

test('where the signing key is elsewhere the next writer records it', async (t) => {
  const dir = ledgerDir(t);
  const ledger = createLedger({ dir, side: 'relay', keyFile: `${dir}.other` });
  await writeRequests(ledger, 1);
  await ledger.close();
  const { out } = await administer(dir, 'erase', '--user', 'user0', '--json');
  assert.equal(json(out)['recorded'], false);
  openLedger(t, dir, { keyFile: `${dir}.other` });
  assert.equal(queryLedger(dir, { kinds: ['erase'] }).records.length, 1);
});

test('one account is erased, the same subject at another issuer is not', async (t) => {
  const dir = ledgerDir(t);
  const ledger = openLedger(t, dir);
  await request(ledger, 'here', { user: 'ada', issuer });
  await request(ledger, 'there', { user: 'ada', issuer: 'https://other.example.com' });
  await administer(dir, 'erase', '--user', 'ada', '--issuer', issuer);
  const { records } = ledger.query({ user: 'ada', kinds: ['request'] });
  assert.deepEqual(
    records.map(({ requestId }) => requestId),
    ['there'],
  );
  const { out } = await administer(dir, 'erase', '--user', 'ada', '--json');
  assert.equal(json(out)['records'], 2);
  assert.deepEqual(ledger.query({ user: 'ada' }).records, []);
});

test('somebody unknown, and bad usage, are refused with what to do', async (t) => {
  const dir = ledgerDir(t);
  openLedger(t, dir);
  const cases: [number, RegExp, string[]][] = [
    [1, /knows no user eve/, ['erase', '--user', 'eve']],
    [1, /knows no user eve of https:\/\/x/, ['erase', '--user', 'eve', '--issuer', 'https://x']],
    [2, /needs --user/, ['erase']],
    [2, /--all/, ['erase', '--user', 'eve', '--all']],
    [2, /audit hold add --reason/, ['hold']],
    [2, /audit hold add --reason/, ['hold', 'add', '--all']],
    [2, /audit hold add --reason/, ['hold', 'add', '--reason', 'x']],
    [2, /audit hold add --reason/, ['hold', 'add', '--reason', 'x', '--all', '--api', 'a']],
    [2, /audit hold add --reason/, ['hold', 'add', '--reason', 'x', '--all', '--issuer', 'i']],
    [2, /audit hold add --reason/, ['hold', 'remove']],
    [1, /no legal hold 1234: see audit hold list/, ['hold', 'remove', '1234']],
  ];
  for (const [code, message, argv] of cases) {
    const done = await administer(dir, ...argv);
    assert.equal(done.code, code, argv.join(' '));
    assert.match(done.err, message);
    assert.equal(done.out, '');
  }
  for (const argv of [
    ['erase', '--user', 'a'],
    ['hold', 'list'],
  ]) {
    assert.equal((await administer(`${dir}/nowhere`, ...argv)).code, 2, argv.join(' '));
  }
});

for (const [of, option] of [
  ['user', ['--user', 'user1']],
  ['api', ['--api', 'legacy']],
  ['all', ['--all']],
] as const) {
  test(`a hold of ${of} keeps a person from being erased, until it is removed`, async (t) => {
    const dir = ledgerDir(t);
    const ledger = openLedger(t, dir);
    await writeRequests(ledger, 6);
    const added = await administer(dir, 'hold', 'add', '--reason', 'case 7', ...option, '--json');
    assert.equal(added.code, 0, added.err);
    const [{ id }] = json(added.out)['holds'] as [{ id: string }];
    const refused = await administer(dir, 'erase', '--user', 'user1');
    assert.equal(refused.code, 1);
    assert.match(refused.err, new RegExp(`the legal hold ${id} \\(case 7\\) covers this person`));
    assert.ok(ledger.query({ user: 'user1' }).records.length > 0);
    assert.match((await administer(dir, 'hold', 'list')).out, new RegExp(`^${id} .*: case 7\n$`));
    assert.equal((await administer(dir, 'hold', 'remove', id)).code, 0);
    assert.equal((await administer(dir, 'hold', 'list')).out, '');
    assert.equal((await administer(dir, 'erase', '--user', 'user1')).code, 0);
    const details = ledger.query({ kinds: ['hold'] }).records.map(({ detail }) => detail ?? '');
    assert.deepEqual(details.map(json), [
      { action: 'remove', id, of, reason: 'case 7', by },
      { action: 'add', id, of, reason: 'case 7', by },
    ]);
  });
}

test('a hold of others keeps nobody from being erased', async (t) => {
  const dir = ledgerDir(t);
  await writeRequests(openLedger(t, dir), 6);
  await administer(dir, 'hold', 'add', '--reason', 'x', '--user', 'user0');
  await administer(dir, 'hold', 'add', '--reason', 'x', '--api', 'elsewhere');
  await administer(dir, 'hold', 'add', '--reason', 'x', '--user', 'user1', '--issuer', issuer);
  assert.equal((await administer(dir, 'erase', '--user', 'user1')).code, 0);
});

test('without its master key a person can’t be erased, and is not said to be', async (t) => {
  const dir = ledgerDir(t);
  const ledger = createLedger({ dir, side: 'relay' });
  await writeRequests(ledger, 1);
  await ledger.close();
  rmSync(`${dir}.people.key`);
  const { code, out, err } = await administer(dir, 'erase', '--user', 'user0');
  assert.notEqual(code, 0);
  assert.equal(out, '');
  assert.match(err, /people\.key is missing/);
});
