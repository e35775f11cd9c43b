import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { createIdentityProvider } from '../../../demo/idp.ts';
import type { IdentityProvider } from '../../../demo/idp.ts';
import { signInWithFetch } from '../../support/sign-in.ts';
import { startSmallRelay } from '../../support/small-relay.ts';
import type { SmallRelay } from '../../support/small-relay.ts';

const main = fileURLToPath(new URL('../../../app/cli/main.ts', import.meta.url));
const dataDir = mkdtempSync(join(tmpdir(), 'latchkey-cli-'));
const children = new Set<ChildProcess>();
let idp: IdentityProvider;
let relay: SmallRelay;

before(async () => {
  idp = await createIdentityProvider();
  relay = await startSmallRelay(idp.issuer);
});
after(async () => {
  for (const child of children) child.kill('SIGKILL');
  await relay.close();
  await idp.close();
  rmSync(dataDir, { recursive: true, force: true });
});

function start(args: readonly string[]): ChildProcess {
  const child = spawn(process.execPath, [main, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, LATCHKEY_DATA_DIR: dataDir },
  });
  children.add(child);
  child.once('exit', () => children.delete(child));
  return child;
}

async function run(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const child = start(args);
  assert.ok(child.stdout && child.stderr);
  const exit = once(child, 'exit', { signal: AbortSignal.timeout(60_000) });
  const [out, err, [code]] = await Promise.all([text(child.stdout), text(child.stderr), exit]);
  return { code: code as number, out, err };
}

type Event = Record<string, unknown> & { event: string };

/** Reads the agent's lines as they come; `next` waits for one that fits. */
function reader(child: ChildProcess): (test: (event: Event) => boolean) => Promise<Event> {
  assert.ok(child.stdout);
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return async (test) => {
    const endsAtMs = Date.now() + 60_000;
    while (Date.now() < endsAtMs) {
      const { value, done } = await lines.next();
      if (done) break;
      const event = JSON.parse(value) as Event;
      if (test(event)) return event;
    }
    throw new Error('the event did not come');
  };
}

test('bad usage is 2 and says what is possible; nothing running is 1 and says what to do', async () => {
  for (const args of [[], ['fly'], ['status', '--what'], ['agent', '--port', '99999']]) {
    const { code, err } = await run(...args);
    assert.equal(code, 2, args.join(' '));
    assert.match(err, /usage: latchkey/);
  }
  const bad = await run('agent', '--relay', 'http://relay.example.com');
  assert.equal(bad.code, 2);
  assert.match(bad.err, /must begin with https/);
  const { code, err } = await run('status');
  assert.equal(code, 1);
  assert.match(err, /not running\. Start the app/);
  const json = await run('status', '--json');
  assert.equal((JSON.parse(json.err) as { error: { code: string } }).error.code, 'not_running');
});

test('agent, sign-in, status, apis, logout, login, audit; SIGTERM ends with 0', async () => {
  const agent = start(['agent', '--relay', relay.url, '--port', '0', '--no-browser']);
  const next = reader(agent);
  const listening = await next(() => true);
  assert.equal(listening.event, 'listening');
  assert.match(String(listening['url']), /^http:\/\/127\.0\.0\.1:[1-9]\d*$/);
  const page = await next(({ event }) => event === 'sign-in-url');
  await signInWithFetch(String(page['url']), 'alice', 'alice-demo');
  await next((event) => event['status'] === 'ready' && String(event['apis']) === 'billing');

  const status = await run('status', '--json');
  assert.equal(status.code, 0);
  assert.equal((JSON.parse(status.out) as { status: string }).status, 'ready');
  assert.match((await run('status')).out, /Status: +ready\nPerson: +.*alice/);
  assert.match((await run('apis')).out, /billing {2}http:\/\/localhost:\d+\/billing/);

  const second = await run('agent', '--relay', relay.url, '--port', '0');
  assert.equal(second.code, 1);
  assert.match(second.err, /already running/);

  assert.equal((await run('logout')).code, 0);
  await next((event) => event['status'] === 'signed-out');
  const login = run('login', '--json');
  const again = await next(({ event }) => event === 'sign-in-url');
  await signInWithFetch(String(again['url']), 'alice', 'alice-demo');
  const done = await login;
  assert.equal(done.code, 0, done.err);
  assert.match(done.out, /sign-in-url.*\n.*"status":"ready"/);

  const exit = once(agent, 'exit', { signal: AbortSignal.timeout(60_000) });
  agent.kill('SIGTERM');
  assert.deepEqual(await exit, [0, null]);
  const verified = await run('audit', 'verify', '--json');
  assert.equal(verified.code, 0, verified.out + verified.err);
  assert.equal((JSON.parse(verified.out) as { ok: boolean }).ok, true);
  assert.match((await run('audit', 'export')).out, /"kind":"sign-in"/);
});

test('after SIGKILL the next agent starts over the stale socket', async () => {
  const args = ['agent', '--relay', relay.url, '--port', '0', '--no-browser'];
  const first = start(args);
  await reader(first)(({ event }) => event === 'listening');
  const exit = once(first, 'exit', { signal: AbortSignal.timeout(60_000) });
  first.kill('SIGKILL');
  await exit;
  const second = start(args);
  await reader(second)(({ event }) => event === 'listening');
  const end = once(second, 'exit', { signal: AbortSignal.timeout(60_000) });
  second.kill('SIGINT');
  assert.deepEqual(await end, [0, null]);
});

test('a busy port is exit 1 with the owner', async () => {
  const busy = createServer().listen(0, '127.0.0.1');
  await once(busy, 'listening');
  const { port } = busy.address() as AddressInfo;
  const { code, err } = await run('agent', '--relay', relay.url, '--port', String(port));
  assert.equal(code, 1);
  assert.match(err, new RegExp(`Port ${port} is taken by `));
  busy.close();
});
