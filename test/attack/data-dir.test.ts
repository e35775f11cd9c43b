import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { ensureDataDir } from '../../app/main/agent/settings/data-dir.ts';
import { makeDirectory } from '../../audit/directory.ts';
import { runCli } from '../support/cli.ts';
import { privateDir } from '../support/private-dir.ts';
import { GOOD } from '../support/relay-yaml.ts';

const main = join(import.meta.dirname, '../../app/cli/main.ts');
const relayMain = join(import.meta.dirname, '../../relay/main.ts');
const skip = process.platform === 'win32' && 'Windows has no modes';
const modeOf = (dir: string): number => statSync(dir).mode & 0o777;

/** A directory that others may look into. */
function sharedPlace(t: TestContext, ...names: readonly string[]): string {
  const dir = join(privateDir(t), 'shared');
  mkdirSync(dir);
  for (const name of names) writeFileSync(join(dir, name), '');
  chmodSync(dir, 0o755);
  return dir;
}

function command(
  script: string,
  args: readonly string[],
  options: { cwd?: string; home?: string },
) {
  const { home, ...rest } = options;
  const env = { ...process.env, NODE_COMPILE_CACHE: '', ...(home && { HOME: home }) };
  const ended = spawnSync(process.execPath, [script, ...args], { ...rest, env, timeout: 60_000 });
  return { code: ended.status, out: ended.stdout.toString(), err: ended.stderr.toString() };
}

test('an empty --data-dir is bad usage, and closes no directory', { skip }, (t) => {
  const cwd = sharedPlace(t, 'notes.txt');
  for (const args of [
    ['agent', '--data-dir', ''],
    ['agent', '--data-dir='],
    ['audit', 'verify', '--data-dir', ''],
    ['audit', 'verify', '--data-dir='],
  ]) {
    const { code, err } = command(main, args, { cwd });
    assert.equal(code, 2, err);
    assert.match(err, /--data-dir needs a (?:value|directory)/u);
  }
  assert.equal(modeOf(cwd), 0o755);
  assert.deepEqual(readdirSync(cwd), ['notes.txt']);
});

test('an option that is empty is bad usage, whichever it is', async () => {
  for (const argv of [
    ['status', '--profile', ''],
    ['agent', '--relay', ''],
    ['agent', '--port='],
    ['keys', 'add', 'x', '--api', 'billing', '--api', ''],
    ['bundle', '--yes', '--output', ''],
    ['env', '--shell', ''],
    ['audit', 'export', '--profile', ''],
  ]) {
    const { code, err } = await runCli(argv, {});
    assert.equal(code, 2, argv.join(' '));
    assert.match(err, /needs a (?:value|name)\n/u);
  }
});

test('a directory that holds what is not Latchkey’s is not closed to others', { skip }, (t) => {
  const dir = sharedPlace(t, 'settings.json', 'family.jpg');
  assert.throws(() => ensureDataDir(dir), {
    code: 'bad_settings',
    message:
      /others may enter it, and it holds "family\.jpg", .* Choose another one with --data-dir/u,
  });
  assert.equal(modeOf(dir), 0o755);
});

test('neither are the current folder, the home folder and the root', { skip }, (t) => {
  const [home, cwd] = [sharedPlace(t), sharedPlace(t)];
  for (const [dir, why] of [
    ['.', /it is the current folder/u],
    [home, /it is your home folder/u],
    ['/', /belongs to another user|root of the file system|made private/u],
  ] as const) {
    const { code, err } = command(main, ['agent', '--data-dir', dir], { cwd, home });
    assert.equal(code, 2, err);
    assert.match(err, why);
  }
  assert.deepEqual([modeOf(home), modeOf(cwd)], [0o755, 0o755]);
});

test('the home folder is no data directory, though it is private', { skip }, (t) => {
  const home = privateDir(t);
  const { code, err } = command(main, ['agent', '--data-dir', home], { home });
  assert.equal(code, 2, err);
  assert.match(err, /\(it is your home folder\)\. Choose another one with --data-dir/u);
  assert.deepEqual(readdirSync(home), []);
});

test('one that is private already stays in use, whatever else it holds', { skip }, (t) => {
  const dir = privateDir(t);
  writeFileSync(join(dir, 'notes.txt'), '');
  ensureDataDir(dir);
  assert.equal(modeOf(dir), 0o700);
});

test('doctor never tells people to close what is not Latchkey’s', { skip }, (t) => {
  const [home, foreign] = [privateDir(t), sharedPlace(t, 'family.jpg')];
  for (const [dir, why] of [
    ['/', /belongs to another user|is no place for Latchkey: it is the root/u],
    [home, /is no place for Latchkey: it is your home folder/u],
    [foreign, /is no place for Latchkey: others may enter it, and it holds "family\.jpg"/u],
  ] as const) {
    const { code, out } = command(main, ['doctor', '--data-dir', dir], { home });
    assert.equal(code, 1, out);
    assert.match(out, why);
    assert.match(out, /do: Choose (?:another directory|your own) with --data-dir/u);
    assert.doesNotMatch(out, /chmod/u);
  }
});

test('one that is empty, or holds Latchkey’s files only, is made private', { skip }, (t) => {
  const names = ['settings.json', 'tool-keys.json', 'session.sealed', 'latchkey.log', 'audit'];
  for (const dir of [sharedPlace(t), sharedPlace(t, ...names)]) {
    ensureDataDir(dir);
    assert.equal(modeOf(dir), 0o700);
  }
});

test(
  'where no directory can be made, app and relay say so and end',
  { skip: process.platform !== 'linux' && 'needs /proc' },
  (t) => {
    const app = command(main, ['agent', '--data-dir', '/proc/foo/bar'], {});
    assert.equal(app.code, 2, app.err);
    assert.match(app.err, /\/proc\/foo\/bar cannot be used \(ENOENT.*Choose another one/u);
    const config = join(privateDir(t), 'relay.yaml');
    writeFileSync(config, `${GOOD}audit: { dir: /proc/nope }\nlisten: 127.0.0.1:0\n`, {
      mode: 0o600,
    });
    const relay = command(relayMain, ['serve', '--config', config], {});
    assert.equal(relay.code, 1, relay.err);
    assert.match(relay.err, /ENOENT.*\/proc\/nope/u);
    assert.throws(() => makeDirectory('/proc/foo/bar', false), { code: 'ENOENT' });
  },
);

test('directories are made one inside the other, and a file in their place is told', (t) => {
  const dir = privateDir(t);
  const deep = join(dir, 'a', 'b', 'c');
  makeDirectory(deep, true);
  makeDirectory(deep, true);
  if (process.platform !== 'win32') assert.equal(modeOf(join(dir, 'a')), 0o700);
  writeFileSync(join(dir, 'file'), '');
  assert.throws(() => makeDirectory(join(dir, 'file'), false), { code: 'EEXIST' });
  assert.throws(() => makeDirectory(join(dir, 'file', 'x'), false), { code: 'EEXIST' });
});
