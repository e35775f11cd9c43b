import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { verifyLedger } from '../../audit/verify.ts';
import { allRecords, ledgerDir, openLedger } from '../audit/ledger-dir.ts';

const writer = fileURLToPath(new URL('audit-kill.writer.ts', import.meta.url));

/** Lets a process write until `lines` requests are acknowledged, then kills it. */
async function killedWriter(dir: string, lines: number): Promise<string[]> {
  const child = spawn(process.execPath, [writer, dir], { stdio: ['ignore', 'pipe', 'inherit'] });
  const timer = setTimeout(() => child.kill('SIGKILL'), 60_000);
  let text = '';
  let seen = 0;
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
    seen += chunk.split('\n').length - 1;
    if (seen >= lines) child.kill('SIGKILL');
  });
  await once(child, 'close');
  clearTimeout(timer);
  assert.ok(seen >= lines, `only ${seen} requests were acknowledged in time`);
  // The kill may have cut the last line.
  return text.split('\n').slice(0, -1);
}

test('SIGKILL at full speed loses no acknowledged request, three times over', async (t) => {
  const dir = ledgerDir(t);
  for (const [round, lines] of [300, 2500, 1].entries()) {
    const acknowledged = await killedWriter(dir, lines);
    assert.deepEqual((await verifyLedger(dir)).faults, [], `before the restart of round ${round}`);

    const before = await allRecords(dir);
    const recorded = new Set(before.map(({ kind, requestId }) => `${kind} ${requestId}`));
    const lost = acknowledged.filter((requestId) => !recorded.has(`request ${requestId}`));
    assert.deepEqual(lost, []);

    const ledger = openLedger(t, dir);
    await ledger.close();
    assert.deepEqual((await verifyLedger(dir)).faults, [], `after the restart of round ${round}`);
    const after = await allRecords(dir);
    const count = (wanted: string): number => after.filter(({ kind }) => kind === wanted).length;
    assert.equal(count('request'), count('outcome') + count('interrupted'));
  }
  assert.ok((await allRecords(dir)).some(({ kind }) => kind === 'interrupted'));
});

test('a writer killed while it closed the file stops neither a reader nor the next writer', async (t) => {
  const dir = ledgerDir(t);
  const ledger = openLedger(t, dir);
  await ledger.append('config', { detail: 'before' });
  await ledger.close();
  // A transaction half written through a rollback journal, as closing leaves it: a hot journal.
  const script = `const db = new (require('better-sqlite3'))(process.argv[1]);
    db.pragma('journal_mode = DELETE'); db.pragma('cache_size = 1'); db.exec('BEGIN IMMEDIATE');
    const put = db.prepare('INSERT INTO carried (body) VALUES (?)');
    for (let at = 0; at < 500; at++) put.run('x'.repeat(1000));
    process.kill(process.pid, 'SIGKILL');`;
  const file = join(dir, 'audit-000001.sqlite');
  const child = spawn(process.execPath, ['-e', script, file], { stdio: 'inherit' });
  await once(child, 'close');
  assert.ok(existsSync(`${file}-journal`), 'the journal was left behind');

  assert.deepEqual((await verifyLedger(dir)).faults, []);
  const again = openLedger(t, dir);
  await again.append('config', { detail: 'after' });
  await again.close();
  assert.deepEqual((await verifyLedger(dir)).faults, []);
  const details = (await allRecords(dir)).map(({ detail }) => detail).filter(Boolean);
  assert.deepEqual(details, ['before', 'after']);
});
