import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { test, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { settledRecords } from '../audit/ledger-dir.ts';
import { openRaw } from '../support/letter.ts';
import { createRawUpstream, sendRaw, statusOf } from '../support/raw.ts';
import { createRelayBench } from '../support/relay.ts';

const SLOW_MS = 300;
const SWITCH =
  'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n';

/** Switches at once, and takes its time for everything else. */
function answer(socket: Socket, bytes: string): void {
  if (/upgrade: websocket/i.test(bytes)) socket.write(SWITCH);
  else
    setTimeout(() => {
      if (socket.writable) socket.write('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nslow');
    }, SLOW_MS);
}

async function start(t: TestContext) {
  const bench = await createRelayBench(t, { upstream: await createRawUpstream(answer) });
  const { host } = new URL(bench.relay.url);
  const fields = `Host: ${host}\r\nAuthorization: Bearer ${await bench.token()}\r\n`;
  return {
    bench,
    slow: `GET /x/slow HTTP/1.1\r\n${fields}\r\n`,
    upgrade: `GET /x/ws HTTP/1.1\r\n${fields}Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n`,
    connect: `CONNECT ${host} HTTP/1.1\r\nHost: ${host}\r\n\r\n`,
  };
}

test('an upgrade or CONNECT behind a request whose answer is owed never overtakes that answer', async (t) => {
  const { bench, slow, upgrade, connect } = await start(t);
  for (const behind of [upgrade, connect, slow + upgrade]) {
    assert.equal(await sendRaw(bench.relay.url, slow + behind, { quietMs: 2 * SLOW_MS }), '');
  }
  await sleep(2 * SLOW_MS);
  assert.ok(!bench.upstream.received().join('').includes('/ws'), 'the upstream saw the upgrade');
  const records = await settledRecords(bench.auditDir);
  const refused = records.find(({ kind, code }) => kind === 'request' && code === 'bad_request');
  assert.deepEqual([refused?.decision, refused?.ip], ['deny', '127.0.0.1']);
  const left = records.filter(({ kind, api }) => kind === 'outcome' && api === 'x');
  assert.deepEqual([...new Set(left.map(({ closedBy }) => closedBy))], ['client']);
  assert.deepEqual(
    bench.log.filter((line) => /"code":"internal"|uncaught/.test(line)),
    [],
  );
  assert.equal(statusOf(await sendRaw(bench.relay.url, slow, { quietMs: 2 * SLOW_MS })), 200);
});

test('an upgrade after the answer, on the same connection, is served', async (t) => {
  const { bench, slow, upgrade } = await start(t);
  const client = await openRaw(bench.relay.url);
  client.send(slow);
  await client.until(/^HTTP\/1\.1 200 [^]*slow$/);
  client.send(upgrade);
  await client.until(/slowHTTP\/1\.1 101 [^]*\r\n\r\n$/);
  client.socket.destroy();
});
