import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { pipeline, Readable } from 'node:stream';
import { listenOnLoopback } from '../demo/listen.ts';
import { BULK_PATH, JSON_BODY, JSON_PATH } from './exchange.ts';

// The upstream of every peer, as a process of its own: a short JSON answer, and bodies of any size.

const block = Buffer.alloc(64 * 1024, 'latchkey ');

function* blocks(bytes: number): Generator<Buffer> {
  for (let left = bytes; left > 0; left -= block.length) {
    yield left >= block.length ? block : block.subarray(0, left);
  }
}

function sendJson(response: ServerResponse, text: string): void {
  response.writeHead(200, { 'Content-Type': 'application/json', 'Content-Length': text.length });
  response.end(text);
}

function download(request: IncomingMessage, response: ServerResponse): void {
  const bytes = Number(new URL(request.url ?? '/', 'http://origin.invalid').searchParams.get('n'));
  response.writeHead(200, { 'Content-Type': 'application/octet-stream', 'Content-Length': bytes });
  pipeline(Readable.from(blocks(bytes), { objectMode: false }), response, () => {});
}

function upload(request: IncomingMessage, response: ServerResponse): void {
  let bytes = 0;
  request.on('data', (chunk: Buffer) => (bytes += chunk.length));
  request.on('end', () => sendJson(response, JSON.stringify({ bytes })));
}

const server = createServer((request, response) => {
  if (request.url === JSON_PATH) sendJson(response, JSON_BODY);
  else if (!request.url?.startsWith(BULK_PATH)) response.writeHead(404).end();
  else if (request.method === 'PUT') upload(request, response);
  else download(request, response);
});
const { url, close } = await listenOnLoopback(server, 0);
process.once('SIGTERM', () => void close());
process.stdout.write(`${JSON.stringify({ event: 'listening', url })}\n`);
