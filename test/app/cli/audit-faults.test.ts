import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { privateDir } from '../../support/private-dir.ts';

const main = join(import.meta.dirname, '../../../app/cli/main.ts');

test('a fault of audit is JSON where that was asked for, as of every other command', (t) => {
  const dataDir = privateDir(t);
  const audit = (...argv: readonly string[]) => {
    const args = [main, 'audit', ...argv, '--data-dir', dataDir];
    const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
    assert.equal(stdout, '');
    return { status, stderr };
  };
  for (const [argv, code, words] of [
    [['verify', '--json'], 'audit_config', /^there is no directory .*audit$/u],
    [['verify', '--json', '--what'], 'bad_usage', /--what/u],
  ] as const) {
    const { status, stderr } = audit(...argv);
    assert.equal(status, 2);
    const { error } = JSON.parse(stderr) as { error: { code: string; message: string } };
    assert.equal(error.code, code);
    assert.match(error.message, words);
  }
  assert.match(audit('verify').stderr, /^there is no directory /u);
});

test('a command that audit does not have is named, with those that there are', (t) => {
  const args = [main, 'audit', 'nope', '--data-dir', privateDir(t)];
  const { status, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  assert.equal(status, 2);
  assert.match(
    stderr,
    /^no command nope: use verify, export, report\nusage: latchkey audit verify /u,
  );
});
