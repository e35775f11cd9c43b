import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { test, type TestContext } from 'node:test';
import { text } from 'node:stream/consumers';
import { createLateSocket } from '../../../../app/main/agent/network/late-socket.ts';

async function listen(
  t: TestContext,
  serve: (socket: Socket) => void,
): Promise<() => Promise<Socket>> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    serve(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    sockets.forEach((socket) => socket.destroy());
    server.close();
  });
  return async () => {
    const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
    await once(socket, 'connect');
    return socket;
  };
}

test('what is written before the connection stands is sent; both ends end in order', async (t) => {
  const open = await listen(t, (socket) => void socket.pipe(socket));
  const late = createLateSocket(open);
  late.write('early ');
  await once(late, 'connect');
  late.end('late');
  assert.equal(await text(late), 'early late');
});

test('bytes that came just before the other side closed are read', async (t) => {
  const open = await listen(t, (socket) => void socket.end('x'.repeat(1_000_000)));
  const late = createLateSocket(open);
  await once(late, 'connect');
  late.end();
  assert.equal((await text(late)).length, 1_000_000);
});

test('it fails as the opening fails, and as the connection fails', async (t) => {
  const refused = createLateSocket(() => Promise.reject(new Error('refused')));
  refused.write('x');
  assert.match(String(await once(refused, 'error')), /refused/);
  const open = await listen(t, (socket) => socket.resetAndDestroy());
  const reset = createLateSocket(open);
  reset.resume();
  assert.match(String(await once(reset, 'error')), /ECONNRESET|EPIPE/);
});

test('one that nobody wants any more closes what was opened meanwhile', async (t) => {
  const open = await listen(t, () => undefined);
  const seen: { socket?: Socket; given?: boolean } = {};
  const late = createLateSocket(async (signal) => {
    seen.socket = await open();
    seen.given = signal.aborted;
    return seen.socket;
  });
  late.destroy();
  while (seen.socket?.destroyed !== true) await new Promise((resolve) => setImmediate(resolve));
  assert.ok(seen.given);
});
