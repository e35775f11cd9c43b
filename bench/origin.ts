import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { listenOnLoopback } from '../demo/listen.ts';
import { JSON_BODY } from './exchange.ts';

// The upstream of what nginx cannot play, as a process of its own: bodies of any size both ways, answers that
// come before the body has been read, and WebSockets that stay open.

const block = Buffer.alloc(64 * 1024, 'latchkey ');

function sendJson(response: ServerResponse, text: string): void {
  response.writeHead(200, { 'Content-Type': 'application/json', 'Content-Length': text.length });
  response.end(text);
}

function download(url: URL, response: ServerResponse): void {
  let left = Number(url.searchParams.get('n'));
  response.writeHead(200, { 'Content-Type': 'application/octet-stream', 'Content-Length': left });
  const fill = (): void => {
    let room = true;
    while (room && left > 0) {
      const chunk = left < block.length ? block.subarray(0, left) : block;
      left -= chunk.length;
      room = response.write(chunk);
    }
    if (left === 0) response.end();
  };
  response.on('drain', fill);
  fill();
}

function upload(request: IncomingMessage, response: ServerResponse): void {
  let bytes = 0;
  request.on('data', (chunk: Buffer) => (bytes += chunk.length));
  request.on('end', () => sendJson(response, JSON.stringify({ bytes })));
}

const server = createServer((request, response) => {
  const url = new URL(request.url ?? '/', 'http://origin.invalid');
  if (url.pathname.endsWith('/json')) sendJson(response, JSON_BODY);
  else if (url.pathname.endsWith('/early')) {
    sendJson(response, JSON_BODY);
    request.resume();
  } else if (!url.pathname.endsWith('/bulk')) response.writeHead(404).end();
  else if (request.method === 'PUT') upload(request, response);
  else download(url, response);
});
server.requestTimeout = 0;
server.on('upgrade', (request, socket: Duplex) => {
  socket.on('error', () => socket.destroy());
  const key = `${request.headers['sec-websocket-key'] ?? ''}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`;
  const accept = createHash('sha1').update(key).digest('base64');
  socket.write(
    'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
      `Sec-WebSocket-Accept: ${accept}\r\n\r\n`,
  );
  socket.resume();
});
const { url, close } = await listenOnLoopback(server, 0);
process.once('SIGTERM', () => {
  void close();
  setTimeout(() => process.exit(0), 500).unref();
});
process.stdout.write(`${JSON.stringify({ event: 'listening', url })}\n`);
