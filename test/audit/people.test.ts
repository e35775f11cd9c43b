import assert from 'node:assert/strict';
import { readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import Database from 'better-sqlite3';
import { canonicalJson } from '../../audit/canonical-json.ts';
import { bodyHash } from '../../audit/chain.ts';
import { createLedger, type Ledger } from '../../audit/ledger.ts';
import { recordedAddress } from '../../audit/people/address.ts';
import { queryLedger } from '../../audit/query.ts';
import type { AuditRecord } from '../../audit/record.ts';
import { verifyLedger } from '../../audit/verify.ts';
import { allRecords, ledgerDir, openLedger } from './ledger-dir.ts';

const ada = {
  issuer: 'https://idp.example.com',
  user: 'ada-subject-0001',
  userName: 'Ada Lovelace',
  ip: '192.0.2.77',
  tokenId: 'TokenHashOfAda',
  api: 'billing',
  decision: 'allow',
} as const;

async function request(ledger: Ledger, requestId: string, fields: object = ada): Promise<void> {
  const record = await ledger.admit({ requestId, ...fields });
  record.finish({ status: 200 });
}

/** All bytes of a ledger's directory and of the keys beside it. */
function bytesOf(dir: string): Buffer {
  const parent = dirname(dir);
  const beside = readdirSync(parent).map((name) => join(parent, name));
  const inside = readdirSync(dir).map((name) => join(dir, name));
  const files = [...beside, ...inside].filter((path) => statSync(path).isFile());
  return Buffer.concat(files.map((path) => readFileSync(path)));
}

test('what names somebody stands nowhere in clear, and readers see it as it was', async (t) => {
  const dir = ledgerDir(t);
  const ledger = openLedger(t, dir);
  await request(ledger, 'one');
  await ledger.append('sign-out', { user: ada.user, issuer: ada.issuer, ip: '198.51.100.9' });
  await ledger.close();
  const bytes = bytesOf(dir);
  for (const secret of [ada.user, ada.userName, ada.ip, ada.tokenId, '198.51.100.9']) {
    assert.ok(!bytes.includes(secret), secret);
  }
  const [, admitted, outcome] = await allRecords(dir);
  const { user, userName, ip, tokenId, issuer } = admitted as AuditRecord;
  assert.deepEqual({ user, userName, ip, tokenId, issuer, api: 'billing', decision: 'allow' }, ada);
  assert.equal(outcome?.user, ada.user);
  assert.equal(outcome?.who, admitted?.who);
});

test('a person keeps one pseudonym, over restarts too; another account has another', async (t) => {
  const dir = ledgerDir(t);
  for (const requestId of ['one', 'two']) {
    const ledger = createLedger({ dir, side: 'relay' });
    await request(ledger, requestId);
    await request(ledger, `${requestId}-elsewhere`, {
      ...ada,
      issuer: 'https://other.example.com',
    });
    await ledger.close();
  }
  const { records } = queryLedger(dir, { user: ada.user, kinds: ['request'] });
  const whose = new Map(records.map(({ requestId, who }) => [requestId, who]));
  assert.equal(whose.size, 4);
  assert.equal(whose.get('one'), whose.get('two'));
  assert.equal(new Set(whose.values()).size, 2);
});

test('a filter by person finds both halves of each request and nobody else’s, by pseudonym too', async (t) => {
  const dir = ledgerDir(t);
  const ledger = openLedger(t, dir);
  await request(ledger, 'hers');
  await request(ledger, 'his', { user: 'bob', decision: 'allow' });
  await ledger.append('config', {});
  const { records } = ledger.query({ user: ada.user });
  assert.deepEqual(
    records.map(({ requestId, kind }) => [requestId, kind]),
    [
      ['hers', 'outcome'],
      ['hers', 'request'],
    ],
  );
  assert.deepEqual(ledger.query({ user: records[0]?.who ?? '' }).records, records);
});

test('subscribers see whom a record names', async (t) => {
  const ledger = openLedger(t, ledgerDir(t));
  const seen: (string | undefined)[] = [];
  ledger.subscribe((records) => seen.push(...records.map(({ userName }) => userName)));
  await ledger.admit({ requestId: 'one', ...ada });
  assert.deepEqual(seen, [ada.userName]);
});

test('strangers have no pseudonym, and their address is sealed all the same', async (t) => {
  const dir = ledgerDir(t);
  const ledger = openLedger(t, dir);
  await request(ledger, 'stranger', { ip: '203.0.113.5', decision: 'deny', code: 'token_missing' });
  const [record] = ledger.query({ kinds: ['request'] }).records;
  assert.equal(record?.who, undefined);
  assert.equal(record?.ip, '203.0.113.5');
  await ledger.close();
  assert.ok(!bytesOf(dir).includes('203.0.113.5'));
});

test('the hash of an exported record covers all but what was restored', async (t) => {
  const dir = ledgerDir(t);
  const ledger = openLedger(t, dir);
  await request(ledger, 'one');
  await ledger.close();
  const record = (await allRecords(dir))[1] as AuditRecord;
  const { hash, user, userName, ip, tokenId, ...stored } = record;
  assert.ok(user && userName && ip && tokenId);
  assert.equal(bodyHash(canonicalJson(stored)), hash);
});

test('a person’s entry that was made to name somebody else names nobody', async (t) => {
  const dir = ledgerDir(t);
  const ledger = openLedger(t, dir);
  await request(ledger, 'hers');
  await request(ledger, 'his', { ...ada, user: 'bob' });
  await ledger.close();
  const db = new Database(join(dir, 'people.sqlite'));
  const [one, two] = db.prepare('SELECT rowid, sealed FROM keys').all() as {
    rowid: number;
    sealed: Buffer;
  }[];
  const put = db.prepare('UPDATE keys SET sealed = ? WHERE rowid = ?');
  put.run(two?.sealed, one?.rowid);
  put.run(one?.sealed, two?.rowid);
  db.close();
  const { records } = queryLedger(dir, { kinds: ['request'] });
  assert.deepEqual(
    records.map(({ user }) => user),
    [undefined, undefined],
  );
  const { faults } = await verifyLedger(dir);
  assert.equal(faults.length, 2);
  for (const { what } of faults) assert.match(what, /whom this record names, was altered$/);
});

test('without the master key records show pseudonyms, the chain verifies, and writing is refused', async (t) => {
  const dir = ledgerDir(t);
  const ledger = openLedger(t, dir);
  await request(ledger, 'one');
  await ledger.close();
  rmSync(`${dir}.people.key`);
  const [record] = queryLedger(dir, { kinds: ['request'] }).records;
  assert.equal(record?.user, undefined);
  assert.match(record?.who ?? '', /^[\w-]{22}$/);
  assert.equal((await verifyLedger(dir)).ok, true);
  assert.throws(() => createLedger({ dir, side: 'relay' }), {
    code: 'audit_config',
    message: /people\.key is missing.*put it back/,
  });
  openLedger(t, ledgerDir(t));
});

test('addresses are truncated to their network, or left out', async (t) => {
  const cases: [string, string | undefined][] = [
    ['192.0.2.77', '192.0.2.0'],
    ['2001:db8:85a3:8d3:1319:8a2e:370:7348', '2001:db8:85a3::'],
    ['2001:DB8::1', '2001:db8::'],
    ['::1', '::'],
    ['::ffff:192.0.2.77', '192.0.2.0'],
    ['fe80:1:2:3:4:5:6:7%eth0', 'fe80:1:2::'],
    ['2001:db8:1:2:3:4:192.0.2.1', '2001:db8:1::'],
    ['unix', undefined],
  ];
  for (const [ip, truncated] of cases)
    assert.equal(recordedAddress(ip, 'truncated'), truncated, ip);
  for (const [detail, ip] of [
    ['full', ada.ip],
    ['truncated', '192.0.2.0'],
    ['none', undefined],
  ] as const) {
    const ledger = openLedger(t, ledgerDir(t), { ip: detail });
    await request(ledger, 'one');
    assert.equal(ledger.query({ kinds: ['request'] }).records[0]?.ip, ip, detail);
  }
});
