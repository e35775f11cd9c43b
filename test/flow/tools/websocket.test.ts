import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { describe, test } from 'node:test';
import { WebSocket, WebSocketServer } from 'ws';
import { useTools } from '../../support/tools.ts';

const server = createServer();
const sockets = new WebSocketServer({
  server,
  perMessageDeflate: { threshold: 0 },
  handleProtocols: (offered) => (offered.has('chat.v2') ? 'chat.v2' : false),
});
sockets.on('connection', (socket) => {
  socket.on('message', (data: Buffer, isBinary) => {
    if (data.toString() === 'leave') socket.close(4001, 'as asked');
    else socket.send(data, { binary: isBinary });
  });
});

async function heard(socket: WebSocket): Promise<readonly [Buffer, boolean]> {
  return (await once(socket, 'message', { signal: AbortSignal.timeout(60_000) })) as [
    Buffer,
    boolean,
  ];
}

describe('ws, a WebSocket client', () => {
  const bench = useTools({ name: 'chat', server });
  const open = async (options = {}): Promise<WebSocket> => {
    const socket = new WebSocket(
      `ws://localhost:${bench().port}/chat`,
      ['chat.v1', 'chat.v2'],
      options,
    );
    await once(socket, 'open', { signal: AbortSignal.timeout(60_000) });
    return socket;
  };

  test('agrees on a subprotocol and on compression with the API, and sends text, bytes and pings', async () => {
    const socket = await open();
    assert.equal(socket.protocol, 'chat.v2');
    assert.match(socket.extensions, /permessage-deflate/);
    socket.send('hello');
    assert.deepEqual(await heard(socket), [Buffer.from('hello'), false]);
    const bytes = randomBytes(1024 * 1024);
    socket.send(bytes);
    const [back, isBinary] = await heard(socket);
    assert.ok(isBinary && back.equals(bytes));
    const pong = once(socket, 'pong', { signal: AbortSignal.timeout(60_000) });
    socket.ping('here?');
    assert.equal(String((await pong)[0]), 'here?');
    socket.terminate();
  });

  test("learns the API's close code and reason", async () => {
    const socket = await open({ perMessageDeflate: false });
    const closed = once(socket, 'close', { signal: AbortSignal.timeout(60_000) });
    socket.send('leave');
    const [code, reason] = (await closed) as [number, Buffer];
    assert.deepEqual([code, reason.toString()], [4001, 'as asked']);
  });
});
