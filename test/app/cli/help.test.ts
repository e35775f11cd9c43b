import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FORMATS } from '../../../audit/formats/names.ts';
import { specs, type CommandSpec } from '../../../app/cli/specs.ts';
import { runCli } from '../../support/cli.ts';
import { privateDir } from '../../support/private-dir.ts';

const told = async (...argv: string[]) => runCli(argv, {});

test('every command tells its own usage, by --help, by -h and by help', async () => {
  for (const [name, spec] of Object.entries<CommandSpec>(specs)) {
    const { code, out, err } = await told(name, '--help');
    assert.deepEqual({ code, err }, { code: 0, err: '' }, name);
    assert.match(out, new RegExp(`^usage: latchkey ${name} `, 'u'));
    assert.ok(out.includes(spec.about));
    for (const [option, { about }] of Object.entries(spec.options)) {
      assert.match(out, new RegExp(`^ {2}--${option}\\b.* ${about}`, 'mu'));
    }
    for (const argv of [
      [name, '-h'],
      ['help', name],
      ['--help', name],
    ]) {
      assert.deepEqual(await told(...argv), { code: 0, out, err: '' }, argv.join(' '));
    }
  }
});

test('so do words and options before it', async () => {
  const keys = await told('keys', '--help');
  for (const argv of [
    ['keys', 'add', '--help'],
    ['keys', 'add', 'curl', '--api', 'billing', '-h'],
    ['help', 'keys', 'add'],
  ]) {
    assert.deepEqual(await told(...argv), keys, argv.join(' '));
  }
  assert.match(
    (await told('run', '--help', '--', 'curl')).out,
    /^usage: latchkey run .* -- CMD ARGS…/u,
  );
});

test('behind -- it belongs to the other command', async (t) => {
  const argv = ['run', '--data-dir', privateDir(t), '--', 'curl', '--help'];
  const { code, err } = await told(...argv);
  assert.equal(code, 1);
  assert.match(err, /not running/u);
});

test('help for what is no command is bad usage', async () => {
  const { code, err } = await told('help', 'toString');
  assert.equal(code, 2);
  assert.match(err, /there is no command "toString"/u);
});

test('the formats of audit export are those that there are', async () => {
  assert.deepEqual(specs.audit.options.format.choices, FORMATS);
  const { out } = await told('completion', 'bash');
  assert.match(out, /'audit --format'\).*-W 'jsonl csv ocsf cef'/u);
  assert.match((await told('audit', '--help')).out, /--format FORMAT .*: jsonl, csv, ocsf, cef$/mu);
});

test('the version is JSON where that is asked for, and takes no other option', async () => {
  const plain = await told('--version');
  assert.match(plain.out, /^\d+\.\d+\.\d+\n$/u);
  const { code, out } = await told('--version', '--json');
  assert.equal(code, 0);
  assert.deepEqual(JSON.parse(out), { version: plain.out.trim() });
  assert.equal((await told('--version', '--what')).code, 2);
});
