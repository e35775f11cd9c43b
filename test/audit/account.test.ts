import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { userInfo } from 'node:os';
import { test } from 'node:test';
import { accountName } from '../../audit/people/account.ts';

test('who did something is the account that runs the process', () => {
  assert.equal(accountName(), userInfo().username);
});

const isRoot = process.getuid?.() === 0;

test(
  'an account without a name, as in a container, is told by its number',
  { skip: isRoot ? false : 'only root may take another account' },
  () => {
    const module = new URL('../../audit/people/account.ts', import.meta.url).href;
    const script = `
      import { accountName } from ${JSON.stringify(module)};
      process.setuid(54_321);
      console.log(accountName());`;
    const argv = ['--input-type=module', '--eval', script];
    assert.equal(execFileSync(process.execPath, argv, { encoding: 'utf8' }), 'uid 54321\n');
  },
);
