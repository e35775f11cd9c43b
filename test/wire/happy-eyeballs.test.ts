import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { LookupAddress } from 'node:dns';
import { connect, createServer, type AddressInfo, type LookupFunction } from 'node:net';
import { test, type TestContext } from 'node:test';
import { createConnectionPool } from '../../wire/connection-pool.ts';
import { until } from '../support/until.ts';

const FOUR = { address: '127.0.0.1', family: 4 };

/** A name with these addresses, as the system would give them. */
function namesLeadTo(addresses: readonly LookupAddress[]): LookupFunction {
  return (_name, _options, callback) => callback(null, [...addresses]);
}

async function listenOn(t: TestContext, host: string): Promise<number> {
  const server = createServer((socket) => socket.on('error', () => undefined));
  server.listen({ port: 0, host });
  await once(server, 'listening');
  t.after(() => server.close());
  return (server.address() as AddressInfo).port;
}

async function reach(port: number, addresses: readonly LookupAddress[]): Promise<string> {
  const pool = createConnectionPool({
    host: 'relay.example.test',
    port,
    lookup: namesLeadTo(addresses),
  });
  try {
    const { socket } = pool.take('tunnel');
    await once(socket, 'connect', { signal: AbortSignal.timeout(60_000) });
    return socket.remoteAddress ?? '';
  } finally {
    pool.destroy();
  }
}

/** What a program does that hangs: its kernel takes what the backlog holds, and then drops each SYN. */
const HUNG = `
const server = require('node:net').createServer();
server.listen({ port: Number(process.argv[1]), host: '127.0.0.2', backlog: 1 }, () => {
  process.stdout.write('listening');
});`;

async function hungServer(t: TestContext, port: number): Promise<void> {
  const child = spawn(process.execPath, ['-e', HUNG, String(port)], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  t.after(() => child.kill('SIGKILL'));
  await once(child.stdout, 'data');
  child.kill('SIGSTOP');
  const fill = Array.from({ length: 8 }, () => connect({ port, host: '127.0.0.2' }));
  t.after(() => fill.forEach((socket) => socket.destroy()));
  fill.forEach((socket) => socket.on('error', () => undefined));
  // As many as Linux takes for a backlog of one: from then on it drops what comes.
  await until(
    'the backlog is full',
    () => fill.filter(({ readyState }) => readyState === 'open').length >= 2,
  );
}

test('an address that refuses gives way to the next one', async (t) => {
  const port = await listenOn(t, '127.0.0.1');
  const found = await reach(port, [{ address: '::1', family: 6 }, FOUR]);
  assert.equal(found, '127.0.0.1');
});

test(
  'an address that swallows everything gives way within a moment (RFC 8305)',
  { skip: process.platform === 'linux' ? false : 'needs SIGSTOP and 127.0.0.2' },
  async (t) => {
    const port = await listenOn(t, '127.0.0.1');
    await hungServer(t, port);
    const found = await reach(port, [{ address: '127.0.0.2', family: 4 }, FOUR]);
    assert.equal(found, '127.0.0.1');
  },
);
