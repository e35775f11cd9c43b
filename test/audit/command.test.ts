import assert from 'node:assert/strict';
import { copyFileSync, cpSync } from 'node:fs';
import { join } from 'node:path';
import { PassThrough, Writable } from 'node:stream';
import { test } from 'node:test';
import { writeExport } from '../../audit/export.ts';
import type { AuditRecord } from '../../audit/record.ts';
import { runAuditCommand } from '../../audit/command.ts';
import { bodyHash } from '../../audit/chain.ts';
import { canonicalJson } from '../../audit/canonical-json.ts';
import { ledgerDir, openLedger, tamper, writeRequests } from './ledger-dir.ts';
import { until } from '../support/until.ts';

async function run(dir: string, ...argv: string[]) {
  const stdout = new PassThrough();
  const stderr = new PassThrough();
  const texts = Promise.all([stdout.toArray(), stderr.toArray()]);
  const code = await runAuditCommand(argv, { dir, stdout, stderr });
  stdout.end();
  stderr.end();
  const [out, err] = await texts;
  return { code, out: out.join(''), err: err.join('') };
}

test('verify prints one JSON object and ends with 0', async (t) => {
  const dir = ledgerDir(t);
  const ledger = openLedger(t, dir);
  await writeRequests(ledger, 5);
  await ledger.close();
  const { code, out } = await run(dir, 'verify');
  assert.equal(code, 0);
  assert.match(out, /^\{"ok":true,"records":12,"checkpoints":2,/);
  const kept = `${dir}.kept`;
  copyFileSync(join(dir, 'checkpoints.jsonl'), kept);
  const again = await run(dir, 'verify', '--checkpoint', kept, '--json');
  assert.match(again.out, /^\{"ok":true,"records":12,"checkpoints":4,/);
});

test('verify prints each fault and ends with 1', async (t) => {
  const dir = ledgerDir(t);
  const ledger = openLedger(t, dir);
  await writeRequests(ledger, 5);
  await ledger.close();
  tamper(dir, (db) =>
    db.exec(
      `UPDATE records SET body = replace(body, '/invoices', '/') WHERE kind = 'request' AND seq < 5`,
    ),
  );
  const { code, out } = await run(dir, 'verify');
  assert.equal(code, 1);
  assert.equal(
    out,
    'audit-000001.sqlite: record 2: its contents were changed\n' +
      'audit-000001.sqlite: record 4: its contents were changed\n',
  );
  const json = await run(dir, 'verify', '--json');
  assert.equal(json.code, 1);
  assert.match(json.out, /^\{"ok":false,.*"faults":\[\{"seq":2,/);
});

test('export writes lines whose hashes anybody can check', async (t) => {
  const dir = ledgerDir(t);
  await writeRequests(openLedger(t, dir, { segmentRecords: 7 }), 20);
  const { code, out } = await run(
    dir,
    'export',
    '--format',
    'jsonl',
    '--user',
    'user1',
    '--api',
    'legacy',
  );
  assert.equal(code, 0);
  const records = out
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as AuditRecord);
  assert.ok(records.length >= 6);
  for (const { hash, user, ...record } of records) {
    assert.equal(user, 'user1');
    assert.equal(record.api, 'legacy');
    assert.equal(bodyHash(canonicalJson(record)), hash);
  }
  const none = await run(dir, 'export', '--until', '2020-01-01');
  assert.deepEqual(none, { code: 0, out: '', err: '' });
});

test('export waits for a slow reader', async (t) => {
  const dir = ledgerDir(t);
  const ledger = openLedger(t, dir);
  await Promise.all(Array.from({ length: 5000 }, () => ledger.append('config', {})));
  let pending = 0;
  let most = 0;
  let bytes = 0;
  const slow = new Writable({
    highWaterMark: 1024,
    write(chunk: Buffer, _encoding, done) {
      bytes += chunk.length;
      most = Math.max(most, slow.writableLength);
      pending += 1;
      setTimeout(done, 5);
    },
  });
  await writeExport(dir, { format: 'jsonl' }, slow);
  assert.ok(pending >= 5, String(pending));
  assert.ok(most < bytes / 3, `${most} of ${bytes} bytes were buffered`);
});

test('bad usage ends with 2 and says what to do', async (t) => {
  const dir = ledgerDir(t);
  await openLedger(t, dir).close();
  const cases: [string[], RegExp][] = [
    [[], /which audit command/],
    [['frobnicate'], /no command frobnicate/],
    [['erase'], /a command of the relay/],
    [['verify', '--bogus'], /--bogus/],
    [['verify', '--checkpoint', `${dir}/none`], /missing or empty/],
    [['verify', '--public-key', `${dir}/none`], /public keys/],
    [['export', '--format', 'pdf'], /no format pdf/],
    [['export', '--since', 'soon'], /since must be/],
    [['export', '--since', '2026-11-30', '--until', '2026-11-01'], /the period is empty/],
    [['export', '--since', '2026-11-30', '--until', '2026-11-30'], /the period is empty/],
  ];
  for (const [argv, message] of cases) {
    const { code, out, err } = await run(dir, ...argv);
    assert.equal(code, 2, argv.join(' '));
    assert.equal(out, '');
    assert.match(err, message);
  }
  assert.equal((await run(`${dir}/nowhere`, 'verify')).code, 2);
});

test('who exports or reports is recorded by the writer, and a copy stays as it is', async (t) => {
  const dir = ledgerDir(t);
  const ledger = openLedger(t, dir);
  await writeRequests(ledger, 2);
  assert.equal((await run(dir, 'export', '--format', 'csv', '--user', 'user0')).err, '');
  assert.equal((await run(dir, 'report', '--since', '2020-01-01', '--json')).err, '');
  assert.equal((await run(dir, 'export', '--since', 'soon')).code, 2);
  const reads = () => ledger.query({ kinds: ['export', 'admin-read'] }).records;
  await until('both are recorded', () => reads().length >= 2);
  const [report, exported] = reads();
  assert.equal(exported?.kind, 'export');
  assert.match(exported.detail ?? '', /^export as csv by \S+, of one person$/);
  assert.ok(exported.who, 'the person stands there under the pseudonym');
  assert.match(report?.detail ?? '', /^report by \S+, since 2020-01-01$/);
  await ledger.close();
  const copy = ledgerDir(t);
  cpSync(dir, copy, { recursive: true });
  const { code, err } = await run(copy, 'export');
  assert.equal(code, 0, err);
  assert.match(err, /this is not recorded/);
  assert.equal((await run(copy, 'verify')).code, 0);
});
