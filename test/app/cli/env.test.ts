import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { addressVariables } from '../../../app/cli/addresses.ts';
import { setLine, shellOf } from '../../../app/cli/shell-lines.ts';
import { runCli } from '../../support/cli.ts';
import { apiNamed, openKeyAgent } from '../../support/key-agent.ts';

const dataDir = mkdtempSync(join(tmpdir(), 'latchkey-cli-env-'));
after(() => rmSync(dataDir, { recursive: true, force: true }));

async function env(
  argv: readonly string[],
  options: Parameters<typeof openKeyAgent>[1] = {},
  around: Readonly<Record<string, string>> = {},
) {
  const agent = await openKeyAgent(dataDir, options);
  try {
    return await runCli(['env', ...argv], { LATCHKEY_DATA_DIR: dataDir, ...around });
  } finally {
    await agent.close();
  }
}

/** What bash and its children see after the lines. */
function evaluated(lines: string, name: string): string {
  const script = `${lines}\nprintenv ${name}`;
  const { stdout, stderr } = spawnSync('bash', ['--norc', '-c', script], { cwd: dataDir });
  assert.equal(stderr.toString(), '');
  return stdout.toString();
}

test('bash gets the port and each API', async () => {
  const { code, out, err } = await env(['--shell', 'bash']);
  assert.equal(code, 0, err);
  assert.equal(err, '');
  assert.equal(evaluated(out, 'LATCHKEY_URL'), 'http://localhost:5390\n');
  assert.equal(evaluated(out, 'LATCHKEY_BILLING_URL'), 'http://localhost:5390/billing\n');
  assert.equal(evaluated(out, 'LATCHKEY_PEOPLE_2_URL'), 'http://localhost:5390/people-2\n');
  assert.ok(!out.includes('proxy'));
});

test('--proxy sets both spellings and keeps the exceptions that are there', async () => {
  const { out } = await env(['--shell', 'bash', '--proxy'], {}, { NO_PROXY: 'corp.example, ::1' });
  for (const name of ['HTTP_PROXY', 'http_proxy'])
    assert.equal(evaluated(out, name), 'http://localhost:5390\n');
  for (const name of ['NO_PROXY', 'no_proxy'])
    assert.equal(evaluated(out, name), 'corp.example,::1,localhost,127.0.0.1,.localhost\n');
  assert.ok(!/https_proxy/i.test(out), 'https goes its own way');
});

test('each shell gets lines of its own; --json gets the values', async () => {
  const first = async (shell: string) => (await env(['--shell', shell])).out.split('\n')[0];
  assert.equal(await first('zsh'), "export LATCHKEY_URL='http://localhost:5390'");
  assert.equal(await first('fish'), "set -gx LATCHKEY_URL 'http://localhost:5390'");
  assert.equal(await first('powershell'), "$env:LATCHKEY_URL = 'http://localhost:5390'");
  assert.equal(await first('cmd'), 'set "LATCHKEY_URL=http://localhost:5390"');
  const values = JSON.parse((await env(['--json'])).out) as Record<string, string>;
  assert.equal(values['LATCHKEY_BILLING_URL'], 'http://localhost:5390/billing');
  const bad = await env(['--shell', 'tcsh']);
  assert.equal(bad.code, 2);
  assert.match(bad.err, /bash, zsh, fish, powershell, cmd/);
});

test('the shell that asks is found out', () => {
  assert.equal(shellOf({ SHELL: '/usr/bin/fish' }, 'linux'), 'fish');
  assert.equal(shellOf({ SHELL: '/bin/zsh' }, 'darwin'), 'zsh');
  assert.equal(shellOf({ SHELL: '/bin/dash' }, 'linux'), 'bash');
  assert.equal(shellOf({ SHELL: 'C:\\Git\\usr\\bin\\bash.exe' }, 'win32'), 'bash');
  assert.equal(shellOf({ PSModulePath: 'C:\\x' }, 'win32'), 'powershell');
  assert.equal(shellOf({}, 'win32'), 'cmd');
});

test('signed out, the lines stay good and stderr says why there are few', async () => {
  const { code, out, err } = await env(['--shell', 'bash'], {
    snapshot: { status: 'signed-out', apis: [] },
  });
  assert.equal(code, 0);
  assert.equal(out, "export LATCHKEY_URL='http://localhost:5390'\n");
  assert.match(err, /sign in first/);
});

const hostile = [
  "x'; touch pwned; '",
  'x"; touch pwned; "',
  'x$(touch pwned)',
  'x`touch pwned`',
  'x\ntouch pwned\n',
  'x; touch pwned #',
  'x & touch pwned & rem ',
  'x%COMSPEC%',
  String.raw`x\'; touch pwned; '`,
  'x’; touch pwned; ’',
];

const forms = {
  bash: /^export LATCHKEY_\w+='http:\/\/localhost:5390[a-z/]*'$/,
  zsh: /^export LATCHKEY_\w+='http:\/\/localhost:5390[a-z/]*'$/,
  fish: /^set -gx LATCHKEY_\w+ 'http:\/\/localhost:5390[a-z/]*'$/,
  powershell: /^\$env:LATCHKEY_\w+ = 'http:\/\/localhost:5390[a-z/]*'$/,
  cmd: /^set "LATCHKEY_\w+=http:\/\/localhost:5390[a-z/]*"$/,
} as const;

test('attack: neither name nor address of an API runs code in the shell that evaluates the lines', async () => {
  const apis = hostile.flatMap((text, at) => [
    apiNamed(text, 'http://localhost:5390/ok'),
    { ...apiNamed(`path${at}`, `http://localhost:5390/${text}`), title: text, description: text },
  ]);
  for (const shell of Object.keys(forms) as (keyof typeof forms)[]) {
    const { code, out, err } = await env(['--shell', shell], { snapshot: { apis } });
    assert.equal(code, 0);
    assert.match(err, /"path0" has no address/);
    for (const line of out.trimEnd().split('\n')) assert.match(line, forms[shell]);
    if (shell === 'bash') evaluated(out, 'LATCHKEY_URL');
  }
  assert.ok(!existsSync(join(dataDir, 'pwned')));
});

test('attack: any value stands in bash as it is, and cmd takes only what it can quote', () => {
  for (const value of [...hostile, '', "'", "''", '\\', '!x', '~', '*', '\u0001', 'é'])
    assert.equal(evaluated(setLine('bash', 'LATCHKEY_X', value) ?? '', 'LATCHKEY_X'), `${value}\n`);
  assert.ok(!existsSync(join(dataDir, 'pwned')));
  assert.equal(setLine('fish', 'X', String.raw`a\'b`), `set -gx X 'a\\\\\\'b'\n`);
  assert.equal(setLine('powershell', 'X', "a'b’c"), "$env:X = 'a''b’’c'\n");
  for (const value of ['a"b', 'a%b%', 'a!b', 'a\nb'])
    assert.equal(setLine('cmd', 'X', value), undefined);
  assert.equal(setLine('bash', 'X', 'a\0b'), undefined);
  assert.equal(setLine('bash', 'X;touch pwned;', 'a'), undefined);
});

test('attack: two APIs whose names become one variable get none, so that none stands for the other', () => {
  const { variables, left } = addressVariables('http://localhost:1', [
    apiNamed('a-b'),
    apiNamed('a_b'),
  ]);
  assert.deepEqual(Object.keys(variables), ['LATCHKEY_URL']);
  assert.deepEqual(left, ['a-b', 'a_b']);
});
