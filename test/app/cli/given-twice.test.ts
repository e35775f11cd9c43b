import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runCli } from '../../support/cli.ts';
import { privateDir } from '../../support/private-dir.ts';

test('an option given twice is bad usage: the first would be dropped without a word', async (t) => {
  const dir = privateDir(t);
  for (const [option, argv] of [
    ['profile', ['status', '--profile', 'acme', '--profile', 'globex']],
    ['proxy', ['env', '--proxy', '--proxy']],
    ['expires', ['keys', 'add', 'x', '--expires=1d', '--expires', '2d']],
    ['profile', ['run', '--profile', 'a', '--profile', 'b', '--', 'curl']],
    ['profile', ['audit', 'verify', '--profile', 'a', '--profile=b']],
    ['data-dir', ['audit', 'verify', '--data-dir', dir, '--data-dir', dir]],
  ] as const) {
    const { code, out, err } = await runCli(argv, { LATCHKEY_DATA_DIR: dir });
    assert.deepEqual([code, out], [2, ''], argv.join(' '));
    assert.match(err, new RegExp(`^latchkey: --${option} is given twice\n`, 'u'));
    assert.match(err, /usage: latchkey/u);
  }
});

test('those that may be repeated still may, and behind -- nothing is read', async (t) => {
  const env = { LATCHKEY_DATA_DIR: privateDir(t) };
  for (const argv of [
    ['keys', 'add', 'x', '--api', 'billing', '--api', 'people'],
    ['run', '--api', 'billing', '--api', 'people', '--', 'curl', '--json', 'a', '--json', 'b'],
  ]) {
    const { code, err } = await runCli(argv, env);
    assert.equal(code, 1, argv.join(' '));
    assert.match(err, /not running/u);
  }
});
