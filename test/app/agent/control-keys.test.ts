import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import type { ClientRequest, IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { after, before, test } from 'node:test';
import { AgentError } from '../../../app/main/agent/errors.ts';
import { createControlClient } from '../../../app/main/agent/control/client.ts';
import { openKeyAgent, type KeyAgent } from '../../support/key-agent.ts';
import { until } from '../../support/until.ts';

const dataDir = mkdtempSync(join(tmpdir(), 'latchkey-control-'));
let agent: KeyAgent;
before(async () => (agent = await openKeyAgent(dataDir)));
after(async () => {
  await agent.close();
  rmSync(dataDir, { recursive: true, force: true });
});

const get = { api: 'billing', method: 'GET' };

function send(method: string, path: string, body?: string): ClientRequest {
  const headers = { 'latchkey-control': '1', host: 'control' };
  const call = request({ socketPath: agent.address, method, path, agent: false, headers });
  // The agent may hang up on what it does not want to read; what counts is its answer.
  call.on('error', () => undefined);
  call.end(body);
  return call;
}

async function answer(call: ClientRequest): Promise<{ status: number; body: string }> {
  const [response] = (await once(call, 'response')) as [IncomingMessage];
  return { status: response.statusCode ?? 0, body: await text(response) };
}

test('keys are made, listed and revoked through the socket', async () => {
  const client = createControlClient(agent.address);
  const name = 'my tool/β ?';
  const { key, secret } = await client.addKey({ name, apis: ['billing'], readOnly: true });
  assert.equal(agent.keys.check([secret], get).kind, 'ok');
  const [listed] = await client.keys();
  assert.equal(listed?.id, key.id);
  assert.ok(!JSON.stringify(listed).includes(secret));
  assert.equal((await client.revokeKey(name)).id, key.id);
  assert.equal(agent.keys.check([secret], get).kind, 'refused');
  await assert.rejects(
    client.revokeKey(name),
    (error) => error instanceof AgentError && error.code === 'unknown_key',
  );
});

test('a lent key ends when its borrower gives it back', async () => {
  const loan = await createControlClient(agent.address).lend({ name: 'run x' });
  assert.equal(loan.localUrl, 'http://localhost:5390');
  assert.equal(loan.apis[0]?.name, 'billing');
  assert.equal(agent.keys.check([loan.secret], get).kind, 'ok');
  loan.end();
  await loan.ended;
  await until(
    'the lent key is refused',
    () => agent.keys.check([loan.secret], get).kind === 'refused',
  );
});

test('attack: a borrower that is cut off leaves no key behind', async () => {
  const call = send('POST', '/lend', JSON.stringify({ name: 'run y' }));
  const [response] = (await once(call, 'response')) as [IncomingMessage];
  const [line] = (await once(response, 'data')) as [Buffer];
  const { secret } = JSON.parse(line.toString()) as { secret: string };
  assert.equal(agent.keys.check([secret], get).kind, 'ok');
  response.on('error', () => undefined);
  call.socket?.destroy();
  await until('the lent key is refused', () => agent.keys.check([secret], get).kind === 'refused');
});

test('attack: a key is not made of a body that is too large, no JSON, or asks for what is not known', async () => {
  const cases: [string, RegExp][] = [
    [JSON.stringify({ name: 'x'.repeat(64 * 1024) }), /larger than 65536 bytes/],
    ['{"name":', /is not JSON/],
    ['', /is not JSON/],
    ['[]', /the body: .*expected object/],
    [JSON.stringify({ name: 'x', onlyOn: ['mondays'] }), /Unrecognized key.*onlyOn/],
    [JSON.stringify({ name: 'x', apis: [] }), /apis: Too small/],
    [JSON.stringify({ name: 'x', apis: null }), /apis: /],
    [JSON.stringify({ name: 'x', readOnly: 'false' }), /readOnly: /],
    [JSON.stringify({ name: 'a\nb' }), /printable/],
  ];
  for (const path of ['/keys', '/lend'])
    for (const [body, expected] of cases) {
      const { status, body: told } = await answer(send('POST', path, body));
      assert.equal(status, 400, told);
      assert.match((JSON.parse(told) as { message: string }).message, expected);
    }
  assert.equal(agent.keys.list().length, 0);
});

test('attack: a body without end is answered as soon as it is too large', async () => {
  const headers = { 'latchkey-control': '1', 'content-length': '1000000000' };
  const call = request({
    socketPath: agent.address,
    method: 'POST',
    path: '/keys',
    agent: false,
    headers,
  });
  call.on('error', () => undefined);
  call.write('x'.repeat(70_000));
  const { status, body } = await answer(call);
  call.destroy();
  assert.equal(status, 400);
  assert.match(body, /larger than 65536 bytes/);
});

test('attack: calls about keys without the version header, or with a bad path, do nothing', async () => {
  const bare = request({ socketPath: agent.address, method: 'POST', path: '/keys', agent: false });
  bare.end(JSON.stringify({ name: 'x' }));
  assert.equal((await answer(bare)).status, 400);
  for (const path of ['/keys/%', '/keys/', '/keys/a/b', '/keys'])
    assert.equal((await answer(send('DELETE', path))).status, 400, path);
  assert.equal(agent.keys.list().length, 0);
});

test('the policy is told', async () => {
  const client = createControlClient(agent.address);
  assert.equal((await client.policy()).settings[0]?.key, 'port');
});

test('the end of the agent ends what it lent, and its borrower learns of it', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'latchkey-control-'));
  const short = await openKeyAgent(dir);
  const loan = await createControlClient(short.address).lend({ name: 'run z' });
  await short.close();
  await loan.ended;
  assert.equal(short.keys.check([loan.secret], get).kind, 'refused');
  rmSync(dir, { recursive: true, force: true });
});
