import http, { type RequestListener } from 'node:http';
import { createProxyServer } from 'httpxy';
import { listenOnLoopback } from '../demo/listen.ts';
import { createConnectionPool } from '../wire/connection-pool.ts';
import { forward } from '../wire/forward.ts';
import { readFraming } from '../wire/framing.ts';
import { requestHeaders, responseHeaders } from '../wire/headers.ts';

// A peer that forwards and decides nothing: `forwarder.ts pipe|httpxy|wire UPSTREAM`.

const [kind = '', upstream = ''] = process.argv.slice(2);
const { hostname, port, host } = new URL(upstream);
const agent = new http.Agent({ keepAlive: true, scheduling: 'lifo', maxFreeSockets: 256 });

/** The shortest proxy that node:http allows; it leaves hop-by-hop fields as they are. */
const pipe: RequestListener = (request, response) => {
  const { method, url: path, headers } = request;
  const next = http.request({ hostname, port, agent, method, path, headers }, (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.rawHeaders);
    answer.pipe(response);
  });
  next.on('error', () => response.destroy());
  request.pipe(next);
};

function httpxy(): RequestListener {
  const proxy = createProxyServer({ target: upstream, agent });
  proxy.on('error', (_error, _request, response) => void response?.destroy());
  return (request, response) => void proxy.web(request, response);
}

const pool = createConnectionPool({ host: hostname, port: Number(port) });
const wire: RequestListener = (request, response) => {
  const framing = readFraming(request);
  const method = request.method ?? '';
  const changes = { drop: () => false, add: [] };
  forward(request, response, {
    hop: { pool },
    method,
    path: request.url ?? '',
    framing,
    headers: requestHeaders(request.rawHeaders, method, host, framing, changes),
    maxBodyBytes: 2 ** 31,
    timeouts: { connectMs: 3_000, headersMs: 30_000, idleMs: 60_000 },
    answer: (_status, raw) => responseHeaders(raw, changes),
  }).catch(() => response.destroy());
};

const kinds: Readonly<Record<string, () => RequestListener>> = {
  pipe: () => pipe,
  httpxy,
  wire: () => wire,
};
const listener = kinds[kind]?.();
if (listener === undefined) throw new Error(`no such forwarder: ${kind}`);
const { url, close } = await listenOnLoopback(http.createServer(listener), 0);
process.once('SIGTERM', () => {
  agent.destroy();
  pool.destroy();
  void close();
});
process.stdout.write(`${JSON.stringify({ event: 'listening', url })}\n`);
