import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { specs } from '../../../app/cli/specs.ts';
import { runCli } from '../../support/cli.ts';

const dir = mkdtempSync(join(tmpdir(), 'latchkey-completion-'));
after(() => rmSync(dir, { recursive: true, force: true }));

async function script(shell: string): Promise<string> {
  const { code, out, err } = await runCli(['completion', shell], {});
  assert.equal(code, 0, err);
  return out;
}

const has = (program: string): boolean => spawnSync(program, ['-c', 'true']).status === 0;

/** What bash offers for the last of the words. */
async function offered(...words: string[]): Promise<readonly string[]> {
  const file = join(dir, 'latchkey.bash');
  writeFileSync(file, await script('bash'));
  const quoted = ['latchkey', ...words].map((word) => `'${word}'`).join(' ');
  const ask = `source "$0"; COMP_WORDS=(${quoted}); COMP_CWORD=${words.length}; _latchkey
    complete -p latchkey >/dev/null || exit 3
    for one in "\${COMPREPLY[@]}"; do printf '%s\\n' "$one"; done`;
  const bash = spawnSync('bash', ['--norc', '-u', '-c', ask, file], { cwd: dir });
  assert.equal(bash.stderr.toString(), '');
  assert.equal(bash.status, 0);
  return bash.stdout.toString().split('\n').filter(Boolean);
}

test('bash: commands, words, options and their values', async () => {
  const commands = await offered('');
  for (const name of Object.keys(specs)) assert.ok(commands.includes(name), name);
  assert.deepEqual(await offered('ke'), ['keys']);
  assert.deepEqual(await offered('keys', 'r'), ['revoke']);
  assert.deepEqual(await offered('keys', 'add', 'x', '--re'), ['--read-only']);
  assert.deepEqual(await offered('env', '--shell', 'p'), ['powershell']);
  assert.deepEqual(await offered('env', '--shell', 'fish', '--prox'), ['--proxy']);
  assert.deepEqual(await offered('status', '--prof'), ['--profile']);
  assert.deepEqual(await offered('agent', '--relay', ''), []);
  assert.deepEqual(await offered('completion', 'z'), ['zsh']);
  assert.deepEqual(await offered('no-such', ''), []);
});

test('bash: behind -- of run come commands and files, and directories behind --data-dir', async () => {
  const commands = await offered('run', '--read-only', '--', 'prin');
  assert.ok(commands.includes('printf'));
  for (const name of ['notes.txt', 'two words']) writeFileSync(join(dir, name), '');
  assert.deepEqual(await offered('run', '--', 'cat', 'not'), ['notes.txt']);
  assert.deepEqual(await offered('run', '--', 'cat', 'two'), ['two words']);
  assert.deepEqual(await offered('status', '--data-dir', 'not'), [], 'a file is no directory');
  assert.deepEqual(await offered('audit', 'verify', '--checkpoint', 'not'), ['notes.txt']);
});

test('attack: what is typed is completed, never run', async () => {
  for (const word of ['$(touch pwned)', '`touch pwned`', '; touch pwned', '-- x', '*'])
    assert.deepEqual(await offered('keys', word), []);
  assert.deepEqual(await offered('run', '--', 'cat', 'pwn'), []);
});

test('every script names every command and option', async () => {
  for (const shell of ['bash', 'zsh', 'fish', 'powershell']) {
    const text = await script(shell);
    for (const [name, { options }] of Object.entries(specs)) {
      assert.ok(text.includes(name), `${shell}: ${name}`);
      for (const option of Object.keys(options)) {
        const spelt = shell === 'fish' ? `-l ${option} ` : `--${option}`;
        assert.ok(text.includes(spelt), `${shell}: ${option}`);
      }
    }
  }
  for (const argv of [[], ['tcsh'], ['bash', 'zsh']])
    assert.equal((await runCli(['completion', ...argv], {})).code, 2);
});

for (const shell of ['zsh', 'fish']) {
  const skip = has(shell) ? false : `${shell} is not installed`;
  test(`${shell} takes its script`, { skip }, async () => {
    const file = join(dir, `latchkey.${shell}`);
    writeFileSync(file, await script(shell));
    const checked = spawnSync(shell, ['-n', file]);
    assert.equal(checked.stderr.toString(), '');
    assert.equal(checked.status, 0);
  });
}
