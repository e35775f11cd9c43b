import assert from 'node:assert/strict';
import {
  appendFile,
  mkdir,
  mkdtemp,
  rename,
  rm,
  symlink,
  unlink,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { watchFiles, type WatchTiming } from '../../relay/watch.ts';
import { until } from '../support/until.ts';

const NEVER = 600_000;

async function temporary(t: TestContext): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'latchkey-watch-'));
  t.after(() => rm(dir, { recursive: true, force: true }));
  return dir;
}

/** Watches files, and counts what is reported. */
async function counting(
  t: TestContext,
  files: readonly string[],
  timing: Partial<WatchTiming>,
): Promise<{ readonly count: () => number; readonly update: (files: readonly string[]) => void }> {
  let count = 0;
  const watch = watchFiles(files, () => (count += 1), { settleMs: 60, ...timing });
  t.after(() => watch.close());
  // The first look says what later ones are compared with, and nothing tells that it is over.
  await sleep(1_000);
  return { count: () => count, update: watch.update };
}

test('a file replaced by renaming is reported, by the system and without it', async (t) => {
  for (const pollMs of [NEVER, 50]) {
    const dir = await temporary(t);
    const file = join(dir, 'relay.yaml');
    await writeFile(file, 'one');
    const { count } = await counting(t, [file], { pollMs });
    await writeFile(`${file}.new`, 'two');
    await rename(`${file}.new`, file);
    await until('the change is reported', () => count() === 1);
    await sleep(200);
    assert.equal(count(), 1, 'once');
  }
});

test('a mounted directory swapped behind its links is reported', async (t) => {
  const dir = await temporary(t);
  for (const name of ['v1', 'v2']) {
    await mkdir(join(dir, name));
    await writeFile(join(dir, name, 'relay.yaml'), name);
  }
  await symlink('v1', join(dir, '..data'));
  const file = join(dir, 'relay.yaml');
  await symlink('..data/relay.yaml', file);
  const { count } = await counting(t, [file], { pollMs: NEVER });
  await symlink('v2', join(dir, '..data_tmp'));
  await rename(join(dir, '..data_tmp'), join(dir, '..data'));
  await until('the change is reported', () => count() === 1);
});

test('a file is reported once it is whole, and when it comes back', async (t) => {
  const dir = await temporary(t);
  const file = join(dir, 'relay.yaml');
  await writeFile(file, 'one');
  const { count } = await counting(t, [file], { pollMs: 20, settleMs: 5_000 });
  for (let part = 0; part < 5; part++) {
    await appendFile(file, 'more');
    await sleep(40);
  }
  assert.equal(count(), 0, 'not while it is written');
  await until('the whole file is reported', () => count() === 1);
  const { count: again } = await counting(t, [file], { pollMs: 20 });
  await unlink(file);
  await until('its loss is reported', () => again() === 1);
  await writeFile(file, 'back');
  await until('its return is reported', () => again() >= 2);
});

test('neighbours and reads are no change; files that are added are watched', async (t) => {
  const dir = await temporary(t);
  const [file, later] = [join(dir, 'relay.yaml'), join(dir, 'secret.txt')];
  await writeFile(file, 'one');
  await writeFile(later, 'one');
  const { count, update } = await counting(t, [file], { pollMs: 20 });
  await appendFile(later, 'two');
  await sleep(300);
  assert.equal(count(), 0);
  update([file, later]);
  await sleep(1_000);
  await appendFile(later, 'three');
  await until('the change is reported', () => count() === 1);
});
