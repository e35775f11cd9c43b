import http, { type RequestListener, type ServerResponse } from 'node:http';
import { connect, type Socket } from 'node:net';
import { createProxyServer } from 'httpxy';
import { listenOnLoopback } from '../demo/listen.ts';
import { createConnectionPool } from '../wire/connection-pool.ts';
import { forward } from '../wire/forward.ts';
import { readFraming } from '../wire/framing.ts';
import { requestHeaders, responseHeaders } from '../wire/headers.ts';

// A peer that forwards and decides nothing: `forwarder.ts pipe|httpxy|bare|wire UPSTREAM`.

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

interface Line {
  readonly socket: Socket;
  response?: ServerResponse;
}
const resting: Line[] = [];

function dial(): Line {
  const socket = connect({ host: hostname, port: Number(port), noDelay: true });
  const line: Line = { socket };
  socket.on('error', () => {});
  socket.on('data', (chunk) => {
    const text = chunk.toString('latin1');
    const end = text.indexOf('\r\n\r\n');
    const [status = '', ...lines] = text.slice(0, end).split('\r\n');
    const fields = lines
      .map((field) => field.split(': ', 2))
      .filter(([name]) => name?.toLowerCase() !== 'connection');
    line.response?.writeHead(Number(status.slice(9, 12)), fields.flat());
    line.response?.end(text.slice(end + 4), 'latin1');
    resting.push(line);
  });
  return line;
}

/** The floor under every proxy on node:http: it trusts that a short answer comes in one piece, and checks nothing. */
const bare: RequestListener = (request, response) => {
  let head = `${request.method} ${request.url} HTTP/1.1\r\n`;
  const raw = request.rawHeaders;
  for (let at = 0; at < raw.length; at += 2)
    if (raw[at] !== 'Connection') head += `${raw[at]}: ${raw[at + 1]}\r\n`;
  const line = resting.pop() ?? dial();
  line.response = response;
  line.socket.write(`${head}\r\n`, 'latin1');
};

const pool = createConnectionPool({ host: hostname, port: Number(port) });
const changes = { drop: () => false, add: [] };
const wire: RequestListener = (request, response) => {
  const framing = readFraming(request);
  const method = request.method ?? '';
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
  bare: () => bare,
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
