import assert from 'node:assert/strict';
import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { createFormatter } from '../../../audit/formats/format.ts';
import type { FileSinkConfig } from '../../../relay/config/sink-config.ts';
import { createFileSink } from '../../../relay/shipping/file-sink.ts';
import { allRecords, ledgerDir, openLedger, writeRequests } from '../../audit/ledger-dir.ts';
import { common, seqs, startShipping, upTo } from './bench.ts';
import { privateDir } from '../../support/private-dir.ts';
import { until } from '../../support/until.ts';

const fileSink = (path: string, changes: Partial<FileSinkConfig> = {}): FileSinkConfig => ({
  ...common,
  type: 'file',
  format: 'jsonl',
  path,
  rotate: { bytes: 100 * 1024 ** 2, keep: 3 },
  ...changes,
});

const linesOf = (path: string): string[] =>
  existsSync(path)
    ? readFileSync(path, 'utf8')
        .split(/\r?\n/)
        .filter((line) => line)
    : [];

void test('a file grows in order, for its owner only, and is begun anew by others at will', async (t) => {
  const dir = ledgerDir(t);
  const ledger = openLedger(t, dir);
  const path = join(dirname(dir), 'export.jsonl');
  await startShipping(t, dir, [fileSink(path)]);
  await writeRequests(ledger, 20);
  await until('all lines are in the file', () => linesOf(path).length === 41);
  assert.deepEqual(seqs(linesOf(path)), upTo(41));
  assert.equal(statSync(path).mode & 0o777, 0o600);
  renameSync(path, `${path}.moved`);
  await writeRequests(ledger, 5);
  await until('all lines are in the new file', () => linesOf(path).length === 10);
  assert.deepEqual(seqs(linesOf(path)), upTo(51).slice(41));
});

void test('files are rotated by size; the oldest goes', async (t) => {
  const dir = ledgerDir(t);
  const ledger = openLedger(t, dir);
  const folder = join(dirname(dir), 'out');
  mkdirSync(folder);
  const path = join(folder, 'export.csv');
  const sink = fileSink(path, {
    format: 'csv',
    rotate: { bytes: 8_000, keep: 2 },
    batch: { records: 10, bytes: 1024 ** 2, delayMs: 0 },
  });
  const bench = await startShipping(t, dir, [sink]);
  await writeRequests(ledger, 100);
  await until('all records are shipped', () => bench.state().seq === 201);
  assert.deepEqual(readdirSync(folder).toSorted(), ['export.csv', 'export.csv.1', 'export.csv.2']);
  const numbers = ['.2', '.1', ''].flatMap((suffix) => {
    const [head, ...rows] = linesOf(path + suffix);
    assert.match(head ?? '', /^seq,id,at,/);
    assert.equal(statSync(path + suffix).mode & 0o777, 0o600);
    return rows.map((row) => Number(row.split(',')[0]));
  });
  assert.deepEqual(numbers, upTo(201).slice(-numbers.length));
});

void test('a line that a crash cut short is dropped before the next', async (t) => {
  const dir = ledgerDir(t);
  openLedger(t, dir);
  const path = join(dirname(dir), 'export.jsonl');
  writeFileSync(path, '{"seq":0}\n{"seq":1,"id":"01J', { mode: 0o644 });
  chmodSync(path, 0o644);
  const bench = await startShipping(t, dir, [fileSink(path)]);
  await until('the first record is shipped', () => bench.state().seq === 1);
  assert.deepEqual(seqs(linesOf(path)), [0, 1]);
  assert.equal(statSync(path).mode & 0o777, 0o600);
});

void test(
  'a link in place of the file is not followed',
  { skip: process.platform === 'win32' && 'links need a privilege there' },
  async (t) => {
    const dir = ledgerDir(t);
    openLedger(t, dir);
    const victim = join(dirname(dir), 'victim');
    appendFileSync(victim, 'precious\n');
    const path = join(dirname(dir), 'export.jsonl');
    symlinkSync(victim, path);
    const bench = await startShipping(t, dir, [fileSink(path)]);
    await until('the sink tells of a problem', () => bench.state().problem !== undefined);
    assert.match(String(bench.state().problem), /^file: .*export\.jsonl: ELOOP/);
    assert.equal(readFileSync(victim, 'utf8'), 'precious\n');
    assert.equal(bench.state().seq, 0);
  },
);

void test('a row of CSV is dropped wherever it was cut short, between the line ends of a cell too', async (t) => {
  const dir = ledgerDir(t);
  const ledger = openLedger(t, dir);
  await ledger.append('sign-in', { detail: 'a\r\n9,"x",\n\r\n"\r\n' });
  const { head, line } = createFormatter('csv', { version: '1.2.3' });
  const items = (await allRecords(dir)).map((record) => ({ record, text: line(record) }));
  const rows = items.map(({ text }) => `${text}\r\n`);
  const whole = [head, ...rows].join('');
  const path = join(privateDir(t), 'export.csv');
  const { signal } = new AbortController();
  const kept = head.length + Number(rows[0]?.length);
  for (let cut = kept; cut < whole.length; cut += 1) {
    writeFileSync(path, whole.slice(0, cut));
    const sink = createFileSink(fileSink(path, { format: 'csv' }), head);
    assert.deepEqual(await sink.deliver(items.slice(1), signal), { kind: 'accepted' });
    assert.equal(readFileSync(path, 'utf8'), whole, `cut at ${cut - kept}`);
  }
});

void test('a line that was cut short is dropped however long it is, and nothing that is more than a line', async (t) => {
  const dir = ledgerDir(t);
  const ledger = openLedger(t, dir);
  await ledger.append('sign-in', {});
  const [record] = await allRecords(dir);
  assert.ok(record !== undefined);
  const item = { record, text: JSON.stringify(record) };
  const path = join(privateDir(t), 'export');
  const { signal } = new AbortController();
  writeFileSync(path, `{"seq":0}\n{"seq":1,"detail":"${'x'.repeat(200_000)}`);
  const lines = createFileSink(fileSink(path), '');
  assert.deepEqual(await lines.deliver([item], signal), { kind: 'accepted' });
  assert.deepEqual(seqs(linesOf(path)), [0, 1]);

  const foreign = `seq\r\n"${'0\r\n'.repeat(1024 ** 2)}`;
  writeFileSync(path, foreign);
  const rows = createFileSink(fileSink(path, { format: 'csv' }), 'seq\r\n');
  const delivery = await rows.deliver([item], signal);
  assert.ok(delivery.kind === 'failed');
  assert.equal(delivery.reason, 'file');
  assert.match(delivery.problem, /more than a line cut short; move it away/);
  assert.equal(readFileSync(path, 'utf8'), foreign);
});
