import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { test, type TestContext } from 'node:test';
import fc from 'fast-check';
import { WebSocket, WebSocketServer } from 'ws';
import { createConnectionPool } from '../../wire/connection-pool.ts';
import type { ClosedBy, ForwardPlan, ForwardResult } from '../../wire/forward-plan.ts';
import { requestHeaders, responseHeaders } from '../../wire/headers.ts';
import { isWebSocketUpgrade, responseOn, tunnel } from '../../wire/tunnel.ts';
import { createFrameCursor } from '../../wire/websocket-frames.ts';
import { openRaw } from '../support/letter.ts';
import { until } from '../support/until.ts';

const SWITCH =
  'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n';
const UPGRADE = 'GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n';
const keep = { drop: () => false, add: [] };

type Answered = Extract<ForwardResult, { readonly kind: 'answered' }>;

interface Bench {
  readonly url: string;
  readonly upstream: WebSocketServer;
  readonly ends: Answered[];
  cut(by: ClosedBy): void;
}

/** A tunnel's near end; the far one is whatever listens on the port. */
async function startTunnel(t: TestContext, port: number) {
  const ends: Answered[] = [];
  let cut: (by: ClosedBy) => void = () => {};
  let near: Socket | undefined;
  const pool = createConnectionPool({ host: '127.0.0.1', port });
  const server = http.createServer({ shouldUpgradeCallback: isWebSocketUpgrade });
  server.on('upgrade', (request, socket: Socket) => {
    near = socket;
    const plan: ForwardPlan = {
      hop: { pool },
      method: 'GET',
      path: request.url ?? '/',
      framing: { kind: 'none' },
      headers: requestHeaders(request.rawHeaders, 'GET', 'up', { kind: 'none' }, keep),
      maxBodyBytes: Infinity,
      timeouts: { connectMs: 60_000, headersMs: 60_000, idleMs: 60_000 },
      answer: (_status, raw) => responseHeaders(raw, keep),
      register: (given) => {
        cut = (by) => given.cut(by);
        return { end() {} };
      },
    };
    tunnel(request, socket, plan).then(
      (result) => void (result.kind === 'answered' && ends.push(result)),
      (error: unknown) =>
        responseOn(request, socket)
          .writeHead((error as { status: number }).status)
          .end(),
    );
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const own = (server.address() as AddressInfo).port;
  return { own, ends, cut: (by: ClosedBy) => cut(by), near: () => near };
}

async function bench(t: TestContext): Promise<Bench> {
  const upstream = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  await once(upstream, 'listening');
  upstream.on('connection', (socket) => socket.on('message', (data: Buffer) => socket.send(data)));
  t.after(() => {
    for (const socket of upstream.clients) socket.terminate();
    upstream.close();
  });
  const { own, ends, cut } = await startTunnel(t, (upstream.address() as AddressInfo).port);
  return { url: `ws://127.0.0.1:${own}`, upstream, ends, cut };
}

async function open(url: string): Promise<WebSocket> {
  const socket = new WebSocket(url, 'chat');
  await once(socket, 'open');
  return socket;
}

test('messages pass both ways, small and large; sub-protocols too', async (t) => {
  const { url } = await bench(t);
  const socket = await open(url);
  assert.equal(socket.protocol, 'chat');
  for (const size of [1, 125, 126, 70_000, 2_000_000]) {
    const answer = once(socket, 'message');
    socket.send(Buffer.alloc(size, 'x'));
    const [data] = (await answer) as [Buffer];
    assert.equal(data.length, size);
  }
  socket.close();
});

test('a client that goes away frees the upstream, and the other way round', async (t) => {
  const { url, upstream, ends } = await bench(t);
  const first = await open(url);
  await until('the upstream has a client', () => upstream.clients.size === 1);
  first.terminate();
  await until('the tunnel has ended', () => upstream.clients.size === 0 && ends.length === 1);
  assert.equal(ends[0]?.cutBy, 'client');
  const second = await open(url);
  await until('the upstream has a client', () => upstream.clients.size === 1);
  for (const socket of upstream.clients) socket.close(4001, 'bye');
  const [code] = (await once(second, 'close')) as [number];
  assert.equal(code, 4001, 'the upstream’s own close frame arrives');
});

test('an upstream that has ended and reads no more is let go, though the client stays', async (t) => {
  let far: Socket | undefined;
  const upstream = http.createServer();
  upstream.on('upgrade', (_request, socket: Socket) => {
    far = socket;
    socket.write(SWITCH);
    socket.pause();
  });
  upstream.listen(0, '127.0.0.1');
  await once(upstream, 'listening');
  t.after(() => {
    far?.destroy();
    upstream.close();
  });
  const { own, ends, near } = await startTunnel(t, (upstream.address() as AddressInfo).port);
  const client = await openRaw(`http://127.0.0.1:${own}`);
  t.after(() => client.socket.destroy());
  client.send(UPGRADE);
  await client.until(/^HTTP\/1\.1 101 /);
  // More than what is on the way can hold: the end that the upstream is owed waits behind it.
  client.socket.write(Buffer.alloc(16 * 1024 * 1024));
  let [last, still] = [0, 0];
  await until('nothing moves', () => {
    const read = near()?.bytesRead ?? 0;
    still = read === last && near()?.isPaused() === true ? still + 1 : 0;
    last = read;
    return still > 50;
  });
  far?.end();
  await until('the tunnel has ended', () => ends.length === 1);
  assert.equal(ends[0]?.cutBy, 'upstream');
});

test('a cut tells the client why: 1008 when access ends, 1001 when the relay stops', async (t) => {
  for (const [by, code] of [
    ['expiry', 1008],
    ['revocation', 1008],
    ['drain', 1001],
  ] as const) {
    const { url, cut, ends } = await bench(t);
    const socket = await open(url);
    const answer = once(socket, 'message');
    socket.send('hello');
    await answer;
    cut(by);
    const [seen] = (await once(socket, 'close')) as [number];
    assert.equal(seen, code);
    assert.equal(ends[0]?.cutBy, by);
  }
});

test('an upstream that cannot be reached is 502, before any switch', async (t) => {
  const { url, upstream } = await bench(t);
  upstream.close();
  const socket = new WebSocket(url);
  const [, answer] = (await once(socket, 'unexpected-response')) as [unknown, http.IncomingMessage];
  assert.equal(answer.statusCode, 502);
  socket.on('error', () => {});
  socket.terminate();
});

test('the cursor finds every frame boundary, however the bytes are cut', () => {
  const frame = fc.record({
    size: fc.constantFrom(0, 1, 125, 126, 300, 65_535, 65_536),
    masked: fc.boolean(),
  });
  fc.assert(
    fc.property(
      fc.array(frame, { minLength: 1, maxLength: 4 }),
      fc.integer({ min: 1, max: 70_000 }),
      (frames, step) => {
        const bytes = Buffer.concat(
          frames.map(({ size, masked }) => {
            const mask = masked ? 0x80 : 0;
            const length =
              size < 126
                ? Buffer.from([mask | size])
                : size < 65_536
                  ? Buffer.from([mask | 126, size >> 8, size & 0xff])
                  : Buffer.from([
                      mask | 127,
                      0,
                      0,
                      0,
                      0,
                      0,
                      size >> 16,
                      (size >> 8) & 0xff,
                      size & 0xff,
                    ]);
            return Buffer.concat([
              Buffer.from([0x82]),
              length,
              Buffer.alloc((masked ? 4 : 0) + size),
            ]);
          }),
        );
        const cursor = createFrameCursor();
        for (let at = 0; at < bytes.length; at += step) cursor.pass(bytes.subarray(at, at + step));
        assert.ok(cursor.atBoundary());
        cursor.pass(Buffer.from([0x82]));
        assert.ok(!cursor.atBoundary());
      },
    ),
    { numRuns: 200 },
  );
});
