import assert from 'node:assert/strict';
import { appendFile, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { spawnSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { pathToFileURL } from 'node:url';
import { RelayError } from '../../../relay/errors.ts';
import { openJournal, type Journal } from '../../../relay/state/journal.ts';
import { createMemoryState } from '../../../relay/state/memory.ts';
import type { Revocation } from '../../../relay/state/shared-state.ts';

const nowMs = 1_800_000_000_000;
const entry = (value: string, members: Partial<Revocation> = {}): Revocation => ({
  issuer: 'https://idp.example.com',
  kind: 'sub',
  value,
  revokedAtMs: nowMs,
  expiresAtMs: nowMs + 1_000,
  ...members,
});

async function journalFile(t: TestContext): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'latchkey-journal-'));
  t.after(() => rm(dir, { recursive: true, force: true }));
  return join(dir, 'revocations.jsonl');
}

async function withJournal<T>(file: string, use: (journal: Journal) => T | Promise<T>): Promise<T> {
  const journal = await openJournal(file, nowMs);
  try {
    return await use(journal);
  } finally {
    await journal.close();
  }
}

const valuesIn = (file: string): Promise<string[]> =>
  withJournal(file, ({ entries }) => entries.map(({ value }) => value).sort());

test('what was appended is there after a restart, for the owner only', async (t) => {
  const file = await journalFile(t);
  await withJournal(file, async (journal) => {
    await Promise.all([journal.append([entry('ann')]), journal.append([entry('bob')])]);
    await journal.append([entry('line\nbreak "quoted"')]);
  });
  assert.equal((await stat(file)).mode & 0o777, 0o600);
  assert.deepEqual(await valuesIn(file), ['ann', 'bob', 'line\nbreak "quoted"']);
});

test('opening leaves out what is over and what a later entry says again', async (t) => {
  const file = await journalFile(t);
  await withJournal(file, async (journal) => {
    await journal.append([entry('gone', { expiresAtMs: nowMs - 1 })]);
    await journal.append([entry('ann', { revokedAtMs: nowMs - 5 }), entry('ann')]);
  });
  assert.deepEqual(await valuesIn(file), ['ann']);
  const lines = (await readFile(file, 'utf8')).trim().split('\n');
  assert.equal(lines.length, 1);
  assert.equal((JSON.parse(String(lines[0])) as Revocation).revokedAtMs, nowMs);
});

test('a torn last line is dropped, and what follows it is whole', async (t) => {
  const file = await journalFile(t);
  await withJournal(file, (journal) => journal.append([entry('ann')]));
  await appendFile(file, '{"issuer":"https://idp.ex');
  assert.deepEqual(await valuesIn(file), ['ann']);
  await withJournal(file, (journal) => journal.append([entry('bob')]));
  assert.deepEqual(await valuesIn(file), ['ann', 'bob']);
});

test('any other damage refuses to open, says where, and leaves the file as it is', async (t) => {
  const file = await journalFile(t);
  const good = JSON.stringify(entry('ann'));
  for (const bad of [
    'garbage',
    '',
    '{}',
    good.replace('"sub"', '"everything"'),
    good.replace(/"expiresAtMs":[0-9]+/, '"expiresAtMs":"soon"'),
    good.replace('"ann"', '7'),
  ]) {
    const text = `${good}\n${bad}\n${good}\n`;
    await writeFile(file, text);
    await assert.rejects(openJournal(file, nowMs), (error: Error) => {
      assert.match(error.message, /revocations\.jsonl:2 is not a revocation/);
      return true;
    });
    assert.equal(await readFile(file, 'utf8'), text);
  }
});

test('a revocation that cannot be written holds, is answered with 503, and is written when sent again', async (t) => {
  const file = await journalFile(t);
  const journal = await openJournal(file, nowMs);
  let fails = true;
  const state = createMemoryState(() => nowMs, {
    ...journal,
    append: (entries) =>
      fails
        ? Promise.reject(Object.assign(new Error('disk'), { code: 'ENOSPC' }))
        : journal.append(entries),
  });
  const unavailable = (error: unknown): boolean =>
    error instanceof RelayError && error.code === 'state_unavailable';
  const ann = { issuer: entry('ann').issuer, subject: 'ann', issuedAtMs: nowMs - 1 };
  await assert.rejects(state.revoke(entry('ann')), unavailable);
  assert.equal(state.isRevoked(ann), true);
  assert.match(String(state.health().problem), /ENOSPC/);
  await assert.rejects(state.revoke(entry('ann')), unavailable);
  fails = false;
  await state.revoke(entry('ann'));
  assert.deepEqual(state.health(), { ok: true });
  await state.close();
  assert.deepEqual(await valuesIn(file), ['ann']);
});

test('a revocation that is known is not written again', async (t) => {
  const file = await journalFile(t);
  const state = createMemoryState(() => nowMs, await openJournal(file, nowMs));
  t.after(() => state.close());
  let heard = 0;
  state.onRevoked(() => (heard += 1));
  for (let at = 0; at < 50; at++) await state.revoke(entry('ann'));
  assert.equal((await readFile(file, 'utf8')).trim().split('\n').length, 1);
  assert.equal(heard, 1);
});

test('a disk that fills up in the middle of a line leaves whole lines only', async (t) => {
  const file = await journalFile(t);
  const journal = join(import.meta.dirname, '../../../relay/state/journal.ts');
  const script = `
    import { openJournal } from ${JSON.stringify(pathToFileURL(journal).href)};
    const journal = await openJournal(process.argv[1], 0);
    const entry = ${JSON.stringify(entry('x'.repeat(100)))};
    let kept = 0;
    try {
      for (;;) { await journal.append([{ ...entry, value: entry.value + kept }]); kept += 1; }
    } catch (error) { console.log(JSON.stringify({ kept, code: error.code })); }`;
  // No file of the child may grow beyond 4 KiB: what does not fit fails half-way, as on a full disk.
  const { stdout } = spawnSync(
    'bash',
    [
      '-c',
      'ulimit -f 4; exec "$0" --input-type=module --eval "$1" "$2"',
      process.execPath,
      script,
      file,
    ],
    { encoding: 'utf8', timeout: 60_000 },
  );
  const { kept, code } = JSON.parse(stdout) as { kept: number; code: string };
  assert.equal(code, 'EFBIG');
  assert.ok(kept > 5);
  assert.equal((await readFile(file, 'utf8')).split('\n').length - 1, kept);
  assert.ok((await readFile(file, 'utf8')).endsWith('}\n'));
});
