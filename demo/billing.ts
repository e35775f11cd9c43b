import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';

import { WebSocketServer } from 'ws';

import { bulk, bulkSha256 } from './bulk.ts';
import { createInvoices } from './invoices.ts';
import { listenOnLoopback } from './listen.ts';
import type { DemoServer } from './listen.ts';

/** One request, ready for a handler. */
interface Call {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly url: URL;
  /** What the route's pattern captured. */
  readonly id: string;
  /** Aborted when the client has gone. */
  readonly signal: AbortSignal;
}

type Handler = (call: Call) => void | Promise<void>;

const maxBulkBytes = 8 * 1024 ** 3;
const tickMs = 1000;

function send(response: ServerResponse, status: number, body: unknown): void {
  const text = `${JSON.stringify(body, null, 2)}\n`;
  response.writeHead(status, { 'Content-Type': 'application/json' });
  response.end(response.req.method === 'HEAD' ? undefined : text);
}

function wholeNumber(url: URL, name: string, fallback: number, max: number): number {
  const value = Number(url.searchParams.get(name) ?? fallback);
  return Number.isSafeInteger(value) && value >= 0 ? Math.min(value, max) : fallback;
}

async function readJson(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > 1024 * 1024) return undefined;
    chunks.push(chunk);
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8')) as unknown;
  } catch {
    return undefined;
  }
}

/** The only proof of who calls that this API gets: the relay sets the header. */
function caller(request: IncomingMessage): string {
  const email = request.headers['x-user-email'];
  return typeof email === 'string' ? email : 'nobody (did not come through the relay)';
}

async function feed({ response, signal }: Call): Promise<void> {
  response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' });
  try {
    for (let id = 1; ; id += 1) {
      const data = JSON.stringify({ tick: id, at: new Date().toISOString() });
      response.write(`id: ${id}\nevent: tick\ndata: ${data}\n\n`);
      await sleep(tickMs, undefined, { signal });
    }
  } catch {
    response.end();
  }
}

async function slow({ response, url, signal }: Call): Promise<void> {
  const ms = wholeNumber(url, 'ms', 2000, 120_000);
  await sleep(ms, undefined, { signal });
  send(response, 200, { waitedMs: ms });
}

async function exportBulk({ response, url }: Call): Promise<void> {
  const bytes = wholeNumber(url, 'bytes', 1024, maxBulkBytes);
  response.writeHead(200, { 'Content-Type': 'application/octet-stream', 'Content-Length': bytes });
  if (response.req.method === 'HEAD') response.end();
  else await pipeline(Readable.from(bulk(bytes), { objectMode: false }), response);
}

async function importBulk({ request, response }: Call): Promise<void> {
  const hash = createHash('sha256');
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    hash.update(chunk);
  }
  send(response, 200, { bytes, sha256: hash.digest('hex') });
}

async function echo({ request, response }: Call): Promise<void> {
  const hash = createHash('sha256');
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    hash.update(chunk);
  }
  const { method, url, headers, rawHeaders } = request;
  send(response, 200, { method, url, headers, rawHeaders, bytes, sha256: hash.digest('hex') });
}

function routes(seen: readonly string[]): readonly (readonly [string, RegExp, Handler])[] {
  const invoices = createInvoices();
  const notFound = { error: 'no such invoice' };
  return [
    [
      'GET',
      /^\/invoices$/,
      ({ request, response, url }) => {
        const page = Math.max(1, wholeNumber(url, 'page', 1, 1_000_000));
        const perPage = Math.max(1, wholeNumber(url, 'per_page', 10, 100));
        const list = invoices.page(page, perPage);
        response.setHeader('Link', list.links.join(', '));
        send(response, 200, {
          invoices: list.invoices,
          page,
          perPage,
          total: list.total,
          requestedBy: caller(request),
        });
      },
    ],
    [
      'POST',
      /^\/invoices$/,
      async ({ request, response }) => {
        const created = invoices.create(await readJson(request), caller(request));
        if (created === undefined) {
          return send(response, 422, { error: 'send {"customer": text, "amount": number > 0}' });
        }
        response.setHeader('Location', `/invoices/${created.id}`);
        return send(response, 201, created);
      },
    ],
    [
      'GET',
      /^\/invoices\/([^/]+)$/,
      ({ response, id }) => {
        const invoice = invoices.find(id);
        send(response, invoice === undefined ? 404 : 200, invoice ?? notFound);
      },
    ],
    [
      'POST',
      /^\/invoices\/([^/]+)\/approve$/,
      ({ request, response, id }) => {
        const invoice = invoices.approve(id, caller(request));
        send(response, invoice === undefined ? 404 : 200, invoice ?? notFound);
      },
    ],
    [
      'DELETE',
      /^\/invoices\/([^/]+)$/,
      ({ response, id }) => {
        if (invoices.remove(id)) response.writeHead(204).end();
        else send(response, 404, notFound);
      },
    ],
    ['GET', /^\/slow$/, slow],
    ['GET', /^\/feed$/, feed],
    ['GET', /^\/export$/, exportBulk],
    [
      'GET',
      /^\/export\.sha256$/,
      async ({ response, url }) => {
        const bytes = wholeNumber(url, 'bytes', 1024, maxBulkBytes);
        send(response, 200, { bytes, sha256: await bulkSha256(bytes) });
      },
    ],
    ['PUT', /^\/import$/, importBulk],
    ['POST', /^\/import$/, importBulk],
    ['*', /^\/echo$/, echo],
    ['GET', /^\/__seen$/, ({ response }) => send(response, 200, { requestIds: seen })],
  ];
}

/**
 * Starts the demo's billing API on loopback. It has no authentication of its own, like many an internal
 * API: the relay is what stands before it, and tells it who calls in `X-User-Email`.
 *
 * @param options port, 0 or absent for any free one
 * @returns its URL and how to stop it
 */
export async function createBilling(options: { readonly port?: number } = {}): Promise<DemoServer> {
  const seen: string[] = [];
  const table = routes(seen);

  function note(request: IncomingMessage): void {
    const id = request.headers['x-request-id'];
    if (typeof id === 'string') seen.push(id);
  }

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    note(request);
    const gone = new AbortController();
    response.once('close', () => gone.abort());
    const url = new URL(request.url ?? '/', 'http://billing.invalid');
    const method = request.method === 'HEAD' ? 'GET' : request.method;
    for (const [verb, pattern, handle] of table) {
      const match = verb === method || verb === '*' ? pattern.exec(url.pathname) : null;
      if (match === null) continue;
      const id = match[1] ?? '';
      await handle({ request, response, url, id, signal: gone.signal });
      return;
    }
    send(response, 404, { error: 'no such page' });
  }

  const server = createServer((request, response) => {
    answer(request, response).catch(() => response.destroy());
  });
  // a 1 GiB upload over a slow link may take longer than Node's five minutes
  server.requestTimeout = 0;
  const sockets = new WebSocketServer({ noServer: true });
  server.on('upgrade', (request, socket, head) => {
    note(request);
    if (request.url?.split('?')[0] !== '/live') {
      socket.end('HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
      return;
    }
    sockets.handleUpgrade(request, socket, head, (peer) => {
      let tick = 0;
      const timer = setInterval(() => {
        tick += 1;
        peer.send(JSON.stringify({ tick }));
      }, tickMs);
      peer.on('message', (data: Buffer, binary) => peer.send(data, { binary }));
      peer.on('error', () => peer.terminate());
      peer.on('close', () => clearInterval(timer));
    });
  });
  const listening = await listenOnLoopback(server, options.port ?? 0);
  return {
    url: listening.url,
    async close() {
      for (const peer of sockets.clients) peer.terminate();
      await listening.close();
    },
  };
}
