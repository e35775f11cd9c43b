import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { createMemoryVault } from '../../app/main/agent/session/vault.ts';
import type { AuditRecord } from '../../audit/record.ts';
import { allRecords } from '../audit/ledger-dir.ts';
import { openRaw } from '../support/letter.ts';
import { readMetrics } from '../support/operator.ts';
import { seed, startProfiles } from '../support/profile-bench.ts';
import { statusOf } from '../support/raw.ts';
import { bearer, send } from '../support/refused.ts';
import { createRelayBench } from '../support/relay.ts';
import { until } from '../support/until.ts';

const SWITCH =
  'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n';
const OWN: Readonly<Record<string, unknown>> = {
  '/.latchkey/whoami': { user: 'alice' },
  '/.latchkey/apis': { apis: [{ name: 'x', path: '/x', hosts: [] }] },
};

/** Switches, reads, and never answers an end: a socket of an HTTP server is half open by itself. */
async function startDeafServer(t: TestContext): Promise<string> {
  const sockets: Socket[] = [];
  const server = http.createServer((request, response) => {
    response.end(JSON.stringify(OWN[request.url ?? ''] ?? 'fine'));
  });
  server.on('upgrade', (_request, socket: Socket) => {
    sockets.push(socket);
    socket.on('error', () => socket.destroy());
    socket.write(SWITCH);
    socket.resume();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** Opens a WebSocket and leaves it by an end (FIN), as a process does that is over. */
async function openAndLeave(
  url: string,
  how: 'end' | 'destroy',
  fields: readonly string[] = [],
): Promise<void> {
  const { host } = new URL(url);
  const head = [
    'GET /x/ws HTTP/1.1',
    `Host: ${host}`,
    ...fields,
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==',
  ];
  const client = await openRaw(url);
  client.send([...head, '', ''].join('\r\n'));
  await client.until(/^HTTP\/1\.1 101 [^]*\r\n\r\n$/);
  if (how === 'end') client.socket.end();
  else client.socket.destroy();
}

const endsOf = (records: readonly AuditRecord[]) =>
  records
    .filter(({ kind, status }) => kind === 'outcome' && status === 101)
    .map(({ closedBy }) => closedBy);

test('a client that leaves its WebSocket holds no place, though the API never ends its side', async (t) => {
  const upstream = await startDeafServer(t);
  const bench = await createRelayBench(t, {
    upstreams: [upstream],
    api: '    limits: { concurrent: 1 }',
  });
  const token = bearer(await bench.token());
  for (const how of ['end', 'destroy'] as const) {
    await openAndLeave(bench.relay.url, how, token);
    const open = 'latchkey_active_streams{api="x",kind="websocket"}';
    await until('nothing is under way', async () => (await readMetrics(bench)).get(open) === 0);
    assert.equal(statusOf(await send(bench, token)), 200, how);
  }
  await until('both outcomes are recorded', async () => {
    const ends = endsOf(await allRecords(bench.auditDir));
    return ends.length === 2 && ends.every((closedBy) => closedBy === 'client');
  });
});

test('a tool that leaves its WebSocket at the local port leaves nothing open behind it', async (t) => {
  const relay = await startDeafServer(t);
  const vault = createMemoryVault();
  await seed(vault, relay, 'token');
  const settings = { relays: [{ name: 'Acme', url: relay }] };
  const { authority, dataDir } = await startProfiles(t, settings, { vaultAt: () => vault });
  await openAndLeave(`http://${authority}`, 'end');
  await until('the outcome is recorded', async () =>
    endsOf(await allRecords(join(dataDir, 'audit'))).includes('client'),
  );
});
