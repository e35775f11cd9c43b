import assert from 'node:assert/strict';
import { copyFileSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { genesis, type Head, seal } from '../../audit/chain.ts';
import { createLedger } from '../../audit/ledger.ts';
import { verifyLedger } from '../../audit/verify.ts';
import { asFirstFormat } from './first-format.ts';
import { allRecords, ledgerDir, openLedger, tamper, writeRequests } from './ledger-dir.ts';
import type { AuditFields, AuditRecord } from '../../audit/record.ts';
import type { Content } from '../../audit/serialize.ts';
import { until } from '../support/until.ts';

/** A closed ledger of 42 records: start, 20 requests with outcomes, stop. */
async function written(t: TestContext, segmentRecords = 1000): Promise<string> {
  const dir = ledgerDir(t);
  const ledger = openLedger(t, dir, { segmentRecords });
  await writeRequests(ledger, 20);
  await ledger.close();
  assert.deepEqual((await verifyLedger(dir)).faults, []);
  return dir;
}

async function faults(dir: string, options = {}): Promise<string[]> {
  const result = await verifyLedger(dir, options);
  assert.equal(result.ok, result.faults.length === 0);
  return result.faults.map(({ seq, what }) => `${seq ?? '-'}: ${what}`);
}

test('a changed record is found, and it alone', async (t) => {
  const dir = await written(t);
  tamper(dir, (db) => {
    db.exec(`UPDATE records SET body = replace(body, '/invoices/3', '/invoices/4') WHERE seq = 8`);
  });
  assert.deepEqual(await faults(dir), ['8: its contents were changed']);
});

/** A record without its place in the chain. */
function contentOf(record: AuditRecord, changes: AuditFields = {}): Content {
  const { seq: _, prev: __, hash: ___, id, at, kind, side, ...fields } = record;
  return { id, at, kind, side, fields: { ...fields, ...changes } };
}

test('a changed record with a hash made to fit breaks the chain', async (t) => {
  const dir = await written(t);
  const records = await allRecords(dir);
  const content = contentOf(records[7] ?? assert.fail(), { user: 'eve' });
  const forged = seal(content, records[6] ?? assert.fail());
  tamper(dir, (db) => {
    db.prepare(`UPDATE records SET body = ?, hash = ? WHERE seq = 8`).run(forged.body, forged.hash);
  });
  assert.deepEqual(await faults(dir), ['9: does not follow the record before it']);
});

test('an index entry that no longer tells what the record says is found', async (t) => {
  const dir = await written(t);
  tamper(dir, (db) => db.exec(`UPDATE records SET user = 'eve', kind = 'config' WHERE seq = 8`));
  assert.deepEqual(await faults(dir), [
    '8: its index entry kind was changed',
    '8: its index entry user was changed',
  ]);
});

test('a removed record is found', async (t) => {
  const dir = await written(t);
  tamper(dir, (db) => db.exec('DELETE FROM records WHERE seq = 8'));
  assert.deepEqual(await faults(dir), [
    '9: follows record 7: 8 is missing',
    '9: does not follow the record before it',
  ]);
});

test('a removed record is found when the others are renumbered', async (t) => {
  const dir = await written(t);
  tamper(dir, (db) => {
    db.exec('DELETE FROM records WHERE seq = 8');
    db.exec('UPDATE records SET seq = seq - 1 WHERE seq > 8');
  });
  assert.ok((await faults(dir)).includes('8: was record 9: moved'));
});

test('exchanged records are found', async (t) => {
  const dir = await written(t);
  tamper(dir, (db) => {
    db.exec('UPDATE records SET seq = -1 WHERE seq = 8');
    db.exec('UPDATE records SET seq = 8 WHERE seq = 9');
    db.exec('UPDATE records SET seq = 9 WHERE seq = -1');
  });
  const found = await faults(dir);
  assert.ok(found.includes('8: was record 9: moved'), found.join('\n'));
  assert.ok(found.includes('9: was record 8: moved'));
});

test('an inserted record is found', async (t) => {
  const dir = await written(t);
  tamper(dir, (db) => {
    db.exec('UPDATE records SET seq = -seq WHERE seq > 8');
    db.exec('UPDATE records SET seq = 1 - seq WHERE seq < 0');
    db.exec(`INSERT INTO records SELECT 9, at, kind, request_id, user, api, decision, code, body, hash
             FROM records WHERE seq = 8`);
  });
  const found = await faults(dir);
  assert.ok(found.includes('9: was record 8: moved'), found.join('\n'));
});

test('a record put before the first is found', async (t) => {
  const dir = await written(t);
  tamper(dir, (db) => {
    db.exec(`INSERT INTO records SELECT -5, at, kind, request_id, user, api, decision, code, body, hash
             FROM records WHERE seq = 8`);
  });
  const found = await faults(dir);
  assert.ok(found.includes('-5: stands after record 0: inserted or repeated'), found.join('\n'));
});

test('a cut tail is found by the ledger’s own checkpoint, and refused at the next start', async (t) => {
  const dir = await written(t);
  tamper(dir, (db) => db.exec('DELETE FROM records WHERE seq > 30'));
  assert.deepEqual(await faults(dir), [
    '42: checkpoint line 2: the ledger ends at record 30: its tail was cut',
  ]);
  assert.throws(() => createLedger({ dir, side: 'relay' }), { code: 'audit_tampered' });
});

test('an altered tail is refused at the next start', async (t) => {
  const dir = await written(t);
  tamper(dir, (db) => db.exec(`UPDATE records SET body = replace(body, '200', '201')`));
  assert.throws(() => createLedger({ dir, side: 'relay' }), {
    code: 'audit_tampered',
    message: /record \d+ was altered/,
  });
});

test('a cut tail with cut checkpoints is found by one that was kept elsewhere', async (t) => {
  const dir = await written(t);
  const own = join(dir, 'checkpoints.jsonl');
  const kept = `${dir}.kept.jsonl`;
  copyFileSync(own, kept);
  tamper(dir, (db) => db.exec('DELETE FROM records WHERE seq > 30'));
  writeFileSync(own, `${readFileSync(own, 'utf8').split('\n')[0]}\n`);
  assert.deepEqual(await faults(dir), []);
  assert.deepEqual(await faults(dir, { checkpointFile: kept }), [
    '42: checkpoint line 2: the ledger ends at record 30: its tail was cut',
  ]);
  rmSync(own);
  assert.deepEqual(await faults(dir), ['-: checkpoints.jsonl is missing or empty']);
});

test('a chain computed anew is whole in itself, but not what was signed', async (t) => {
  const dir = await written(t);
  const records = await allRecords(dir);
  tamper(dir, (db) => {
    let head: Head = genesis;
    for (const record of records) {
      const content = { ...contentOf(record), at: record.at.replace(/^\d{4}/, '2020') };
      const { seq, body, hash } = seal(content, head);
      db.prepare('UPDATE records SET at = ?, body = ?, hash = ? WHERE seq = ?').run(
        content.at,
        body,
        hash,
        seq,
      );
      head = { seq, hash };
    }
  });
  assert.deepEqual(await faults(dir), [
    '1: checkpoint line 1: the record is not the one that was signed',
    '42: checkpoint line 2: the record is not the one that was signed',
  ]);
});

test('a forged checkpoint is not believed, nor one by a key that was slipped in', async (t) => {
  const dir = await written(t);
  const trusted = `${dir}.trusted.pem`;
  copyFileSync(join(dir, 'checkpoint-key.pub.pem'), trusted);
  const own = join(dir, 'checkpoints.jsonl');
  const text = readFileSync(own, 'utf8');
  writeFileSync(own, text.replace(/"seq":42/, '"seq":41'));
  assert.deepEqual(await faults(dir), ['41: checkpoint line 2: not signed by a known key']);
  writeFileSync(own, `${text}garbage\n`);
  assert.deepEqual(await faults(dir), [
    '-: checkpoint line 3: not a checkpoint, or not as it was written',
  ]);

  writeFileSync(own, text);
  rmSync(`${dir}.key`);
  await openLedger(t, dir).close();
  assert.deepEqual(await faults(dir), []);
  assert.equal((await faults(dir, { publicKeyFile: trusted })).length, 2);
});

test('a removed, exchanged or unreadable segment is found', async (t) => {
  const path = (dir: string, n: number): string => join(dir, `audit-00000${n}.sqlite`);
  const removed = await written(t, 10);
  rmSync(path(removed, 2));
  const result = await verifyLedger(removed);
  assert.deepEqual(
    result.faults.slice(0, 2).map(({ segment }) => segment),
    ['audit-000003.sqlite', 'audit-000003.sqlite'],
  );
  assert.match(result.faults[0]?.what ?? '', /segments before this one are missing/);

  const exchanged = await written(t, 10);
  renameSync(path(exchanged, 2), path(exchanged, 9));
  renameSync(path(exchanged, 3), path(exchanged, 2));
  renameSync(path(exchanged, 9), path(exchanged, 3));
  assert.match((await faults(exchanged))[0] ?? '', /not where the one before ended/);

  const broken = await written(t, 10);
  writeFileSync(path(broken, 2), 'this was a database'.repeat(1000));
  assert.match((await faults(broken))[0] ?? '', /can't be read/);

  const newest = await written(t, 10);
  rmSync(path(newest, 5));
  assert.match((await faults(newest)).at(-1) ?? '', /tail was cut/);
});

test('a ledger that is being written verifies all the while', async (t) => {
  const dir = ledgerDir(t);
  const ledger = openLedger(t, dir, { segmentRecords: 100, checkpointRecords: 20 });
  const writing = writeRequests(ledger, 600);
  let rounds = 0;
  for (; ledger.health().head < 1200; rounds += 1) assert.deepEqual(await faults(dir), []);
  await writing;
  assert.ok(rounds > 1);
  await until('all records are written', () => ledger.health().head === 1201);
});

test('where there is no ledger, verify says so', async (t) => {
  const dir = ledgerDir(t);
  await assert.rejects(verifyLedger(dir), { code: 'audit_config', message: /no directory/ });
});

test('the files refuse changes by themselves', async (t) => {
  const dir = await written(t);
  const { default: Database } = await import('better-sqlite3');
  const db = new Database(join(dir, 'audit-000001.sqlite'));
  t.after(() => db.close());
  for (const sql of [
    `UPDATE records SET user = 'eve' WHERE seq = 8`,
    'DELETE FROM records WHERE seq = 8',
    `REPLACE INTO records SELECT 8, at, kind, request_id, user, api, decision, code, body, hash FROM records WHERE seq = 9`,
    `INSERT INTO records SELECT 0, at, kind, request_id, user, api, decision, code, body, hash FROM records WHERE seq = 9`,
  ]) {
    assert.throws(() => db.exec(sql), /append-only/, sql);
  }
});

test('a clock that was set back is told with its place, and is no fault', async (t) => {
  const dir = ledgerDir(t);
  let ms = Date.parse('2026-11-23T12:00:00Z');
  const ledger = openLedger(t, dir, { now: () => ms });
  await writeRequests(ledger, 2);
  await ledger.append('config', {});
  const before = ledger.health().head;
  ms -= 36 * 3_600_000;
  await writeRequests(ledger, 2);
  ms += 60 * 3_600_000;
  await ledger.append('config', {});
  await ledger.close();
  const { faults: found, notices, segments } = await verifyLedger(dir);
  assert.deepEqual(found, []);
  assert.deepEqual(notices, [
    {
      seq: before + 1,
      segment: 'audit-000001.sqlite',
      what: 'the clock was set back by 129600 s',
    },
  ]);
  assert.equal(segments, 2, 'a day that comes again begins no segment, the next one does');
});

test('what earlier versions wrote behind a gap shows no clock that was set back', async (t) => {
  const at = (time: string): number => Date.parse(`2026-11-23T${time}Z`);
  // In one segment, and with a segment's end behind each.
  for (const segmentRecords of [1000, 1]) {
    const dir = ledgerDir(t);
    let ms = at('12:00:00');
    const ledger = openLedger(t, dir, { now: () => ms, segmentRecords });
    for (const [kind, time] of [
      ['config', '12:00:00'],
      ['gap', '12:10:00'],
      ['gap', '12:10:01'],
      ['config', '12:01:00'],
      ['gap', '12:20:00'],
    ] as const) {
      ms = at(time);
      await ledger.append(kind, {});
    }
    await ledger.close();
    const { faults: found, notices, segments } = await verifyLedger(dir);
    assert.deepEqual([found, notices], [[], []]);
    assert.equal(segments > 1, segmentRecords === 1);
  }
});

test('a clock that was set back behind a gap is told', async (t) => {
  const dir = ledgerDir(t);
  let ms = Date.parse('2026-11-23T12:00:00Z');
  const ledger = openLedger(t, dir, { now: () => ms });
  await ledger.append('gap', {});
  ms -= 3_600_000;
  await ledger.append('config', {});
  await ledger.close();
  const { notices } = await verifyLedger(dir);
  assert.deepEqual(
    notices.map(({ what }) => what),
    ['the clock was set back by 3600 s'],
  );
});

test('a checkpoint that was removed, repeated or moved is missed by the next one', async (t) => {
  const dir = ledgerDir(t);
  for (let run = 0; run < 2; run += 1) await openLedger(t, dir).close();
  const own = join(dir, 'checkpoints.jsonl');
  const [a, b, c, d] = readFileSync(own, 'utf8').trimEnd().split('\n');
  assert.deepEqual(await faults(dir), []);
  for (const [lines, line, seq] of [
    [[b, c, d], 1, 2],
    [[a, c, d], 2, 3],
    [[a, b, b, c, d], 3, 2],
    [[a, a, b, c, d], 2, 1],
    [[a, c, b, d], 2, 3],
  ] as const) {
    writeFileSync(own, `${lines.join('\n')}\n`);
    const [first] = await faults(dir);
    const what = 'does not follow the line before it: lines were removed or moved';
    assert.equal(first, `${seq}: checkpoint line ${line}: ${what}`);
  }
  writeFileSync(own, `${[a, b, c].join('\n')}\n`);
  const kept = `${dir}.kept`;
  writeFileSync(kept, `${d}\n`);
  assert.deepEqual(
    await faults(dir, { checkpointFile: kept }),
    [],
    'one alone may be kept elsewhere',
  );
});

test('a segment put back as it was earlier is found', async (t) => {
  const dir = ledgerDir(t);
  await openLedger(t, dir).close();
  const path = join(dir, 'audit-000001.sqlite');
  copyFileSync(path, `${dir}.earlier`);
  const ledger = openLedger(t, dir);
  await writeRequests(ledger, 3);
  await ledger.close();
  copyFileSync(`${dir}.earlier`, path);
  const found = await faults(dir);
  assert.match(found[0] ?? '', /the ledger ends at record 2: its tail was cut/);
});

test('a ledger of the first format is read, verified and continued', async (t) => {
  const dir = await written(t);
  asFirstFormat(dir);
  const ledger = openLedger(t, dir);
  await writeRequests(ledger, 2);
  await ledger.close();
  const { faults: found, segments, records } = await verifyLedger(dir);
  assert.deepEqual(found, []);
  assert.deepEqual([segments, records], [2, 48]);
});

test('several threads find what one finds', async (t) => {
  const dir = await written(t, 6);
  tamper(dir, (db) => db.exec('DELETE FROM records WHERE seq = 3'));
  tamper(dir, (db) => db.exec(`UPDATE records SET body = replace(body, '/', '?')`), 4);
  const alone = await verifyLedger(dir);
  assert.ok(alone.faults.length > 3);
  assert.deepEqual(await verifyLedger(dir, { threads: 2 }), alone);
});
