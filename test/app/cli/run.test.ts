import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { runCli } from '../../support/cli.ts';
import { openKeyAgent, type KeyAgent } from '../../support/key-agent.ts';
import { until } from '../../support/until.ts';

const main = fileURLToPath(new URL('../../../app/cli/main.ts', import.meta.url));
const dataDir = mkdtempSync(join(tmpdir(), 'latchkey-cli-run-'));
const children = new Set<ChildProcess>();
let agent: KeyAgent;
before(async () => (agent = await openKeyAgent(dataDir)));
after(async () => {
  for (const child of children) child.kill('SIGKILL');
  await agent.close();
  rmSync(dataDir, { recursive: true, force: true });
});

function start(argv: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const child = spawn(process.execPath, [main, 'run', ...argv], {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { PATH: process.env['PATH'], LATCHKEY_DATA_DIR: dataDir, ...env },
  });
  children.add(child);
  child.once('exit', () => children.delete(child));
  return child;
}

async function run(
  argv: readonly string[],
  input = '',
  env: Readonly<Record<string, string>> = {},
) {
  const child = start(argv, env);
  child.stdin.end(input);
  const exit = exitOf(child);
  const [out, err, [code]] = await Promise.all([text(child.stdout), text(child.stderr), exit]);
  return { code: code as number, out, err };
}

const exitOf = (child: ChildProcess): Promise<unknown[]> =>
  once(child, 'exit', { signal: AbortSignal.timeout(60_000) });

const node = (script: string): readonly string[] => ['--', process.execPath, '-e', script];
const opens = (secret: string, api = 'billing', method = 'GET'): boolean =>
  agent.keys.check([secret], { api, method }).kind === 'ok';

/** Waits until the command has told its key. */
async function keyOf(child: ChildProcess): Promise<string> {
  assert.ok(child.stdout);
  const [chunk] = (await once(child.stdout, 'data', { signal: AbortSignal.timeout(60_000) })) as [
    Buffer,
  ];
  return chunk.toString().trim();
}

const tellAndWait = 'console.log(process.env.LATCHKEY_KEY); setInterval(() => {}, 1000);';

test('the command gets addresses and a key, its own input and output, and passes on its exit code', async () => {
  const script = `process.stdin.pipe(process.stderr); process.exitCode = 7;
    console.log(JSON.stringify(process.env));`;
  const outer = { LATCHKEY_OLD_URL: 'http://x', LATCHKEY_KEY: 'lk_outer', KEPT: 'yes' };
  const { code, out, err } = await run(node(script), 'hello', outer);
  assert.equal(code, 7, err);
  assert.equal(err, 'hello');
  const env = JSON.parse(out) as Record<string, string>;
  assert.match(env['LATCHKEY_KEY'] ?? '', /^lk_[A-Za-z0-9_-]{43}$/);
  assert.equal(env['LATCHKEY_URL'], 'http://localhost:5390');
  assert.equal(env['LATCHKEY_BILLING_URL'], 'http://localhost:5390/billing');
  assert.equal(env['LATCHKEY_PEOPLE_2_URL'], 'http://localhost:5390/people-2');
  assert.equal(env['KEPT'], 'yes');
  assert.equal(env['LATCHKEY_OLD_URL'], undefined, 'nothing of an outer run');
  assert.equal(env['HTTP_PROXY'], undefined);
  await until('the key of the tool has ended', () => !opens(env['LATCHKEY_KEY'] ?? ''));
  assert.deepEqual(agent.keys.list(), []);
});

test('the key has the limits asked for, lives while the command does, and ends with it', async () => {
  const child = start(['--api', 'billing', '--read-only', ...node(tellAndWait)]);
  const secret = await keyOf(child);
  assert.equal(opens(secret), true);
  assert.equal(opens(secret, 'people-2'), false);
  assert.equal(opens(secret, 'billing', 'POST'), false);
  const exit = exitOf(child);
  child.kill('SIGTERM');
  assert.deepEqual(await exit, [143, null], 'as shells tell of a signal');
  await until('the key of the tool has ended', () => !opens(secret));
});

test('signals reach the command, and it may answer them', async () => {
  const script = `process.on('SIGINT', () => process.exit(9));${tellAndWait}`;
  const child = start(node(script));
  await keyOf(child);
  const exit = exitOf(child);
  child.kill('SIGINT');
  assert.deepEqual(await exit, [9, null]);
});

test('attack: a run that is killed outright leaves no key behind', async () => {
  // Ends with its input, for nobody is left to end it.
  const child = start(node('console.log(process.env.LATCHKEY_KEY); process.stdin.resume();'));
  const secret = await keyOf(child);
  assert.equal(opens(secret), true);
  child.kill('SIGKILL');
  await until('the key of the tool has ended', () => !opens(secret));
  child.stdin.end();
});

test('--proxy hands the key on as the proxy’s user', async () => {
  const script = 'console.log(process.env.http_proxy, process.env.LATCHKEY_KEY)';
  const { code, out, err } = await run(['--proxy', ...node(script)]);
  assert.equal(code, 0, err);
  const [proxy, secret] = out.trim().split(' ');
  assert.equal(proxy, `http://${secret}@localhost:5390`);
});

test('attack: words of the command are no shell’s', async () => {
  const script = 'console.log(JSON.stringify(process.argv.slice(1)))';
  const words = ['$(touch pwned)', '; touch pwned', '--json', '--', '*', "'"];
  const { out, err } = await run([...node(script), '--', ...words]);
  assert.deepEqual(JSON.parse(out), words, err);
});

test('127 when there is no such command, 126 when it cannot be run, 2 for bad usage, 1 without Latchkey', async () => {
  const missing = await run(['--', 'latchkey-no-such-command']);
  assert.equal(missing.code, 127);
  assert.match(missing.err, /"latchkey-no-such-command" was not found/);
  const file = join(dataDir, 'plain');
  writeFileSync(file, 'x', { mode: 0o600 });
  const plain = await run(['--', file]);
  assert.equal(plain.code, 126);
  assert.match(plain.err, /cannot be run \(EACCES\)/);
  const refused = (argv: readonly string[]) =>
    runCli(['run', ...argv], { LATCHKEY_DATA_DIR: dataDir });
  for (const argv of [[], ['--'], ['curl', 'x'], ['--', ''], ['--write', '--', 'true']]) {
    const { code, err } = await refused(argv);
    assert.equal(code, 2, argv.join(' '));
    assert.match(err, /usage: latchkey/);
  }
  const unknown = await refused(['--api', 'wages', '--', 'true']);
  assert.equal(unknown.code, 1);
  assert.match(unknown.err, /no API wages\. There are: billing, people-2/);
  const nowhere = await refused(['--data-dir', join(dataDir, 'none'), '--', 'true']);
  assert.equal(nowhere.code, 1);
  assert.match(nowhere.err, /not running/);
  const quoted = await refused(['--data-dir', join(dataDir, 'none'), '--', 'true', '--json']);
  assert.match(quoted.err, /^latchkey: /, 'the option is another command’s');
  await until('no key is left', () => agent.keys.list().length === 0);
});

test('a run is told when Latchkey stops under it', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'latchkey-cli-run-'));
  const short = await openKeyAgent(dir);
  const child = start(['--data-dir', dir, ...node(tellAndWait)]);
  await keyOf(child);
  const told = once(child.stderr, 'data', { signal: AbortSignal.timeout(60_000) });
  await short.close();
  const [chunk] = (await told) as [Buffer];
  assert.match(chunk.toString(), /Latchkey has stopped, and with it the key/);
  const exit = exitOf(child);
  child.kill('SIGTERM');
  await exit;
  rmSync(dir, { recursive: true, force: true });
});
