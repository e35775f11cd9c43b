import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { readStrictly } from './strict-response.ts';
import { until } from './until.ts';

/** Everything that a lenient upstream received, and a way to answer as it likes. */
export interface RawUpstream {
  readonly port: number;
  readonly url: string;
  /** The bytes of every connection so far, one string a connection, latin1. */
  readonly received: () => readonly string[];
  /** How many request heads arrived, over all connections. */
  readonly requests: () => number;
  /** How many connections are open. */
  readonly open: () => number;
  close(): Promise<void>;
}

const REQUEST_LINE = /(?:^|\r?\n)[A-Z]+ \S+ HTTP\/1\.[01]\r?\n/g;

/**
 * A server that parses nothing: it keeps what arrives and answers each head that it thinks it sees.
 * What a strict server would never read as a request is counted here all the same.
 */
export async function createRawUpstream(
  answer: (socket: Socket, bytes: string) => void = (socket) => {
    socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
  },
): Promise<RawUpstream> {
  const connections: string[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    const at = connections.push('') - 1;
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => socket.destroy());
    socket.on('data', (chunk: Buffer) => {
      const bytes = chunk.toString('latin1');
      connections[at] += bytes;
      answer(socket, bytes);
    });
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve());
  });
  const { port } = server.address() as AddressInfo;
  return {
    port,
    url: `http://127.0.0.1:${port}`,
    received: () => connections,
    requests: () =>
      connections.reduce((sum, bytes) => sum + (bytes.match(REQUEST_LINE)?.length ?? 0), 0),
    open: () => sockets.size,
    close: () =>
      new Promise((resolve) => {
        for (const socket of sockets) socket.destroy();
        server.close(() => resolve());
      }),
  };
}

/** The quiet is counted in parts, each over a turn of the loop: a process that stood still was not quiet. */
const PARTS = 10;
/** How long the rest of an answer may take: whoever sends it may have been stopped in the middle. */
const PARTIAL_MS = 3_000;

/** Whether an answer has begun and, as far as its framing tells, not ended. */
function isPartial(answer: string, method: string): boolean {
  for (let rest = answer; rest !== '';) {
    const reading = readStrictly(rest, { method, upgrade: true, closed: false });
    if (reading.kind !== 'complete') return reading.kind === 'partial';
    rest = rest.slice(reading.used);
  }
  return false;
}

/** Sends bytes as they are and collects the answer until the other side ends or is quiet. */
export function sendRaw(
  url: string,
  bytes: string | readonly string[],
  options: { readonly quietMs?: number; readonly timeoutMs?: number } = {},
): Promise<string> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname);
    const parts = typeof bytes === 'string' ? [bytes] : bytes;
    const method = parts[0]?.startsWith('HEAD ') ? 'HEAD' : 'GET';
    const partMs = (options.quietMs ?? 300) / PARTS;
    let answer = '';
    let quietParts = 0;
    let quiet: NodeJS.Timeout | undefined;
    const listen = (): void => {
      quiet = setTimeout(() => {
        quietParts += 1;
        const isOver = quietParts * partMs >= PARTIAL_MS || !isPartial(answer, method);
        if (quietParts >= PARTS && isOver) done();
        else listen();
      }, partMs);
    };
    const done = (): void => {
      clearTimeout(quiet);
      clearTimeout(deadline);
      socket.destroy();
      resolve(answer);
    };
    const deadline = setTimeout(done, options.timeoutMs ?? 30_000);
    socket.on('connect', () => {
      for (const part of parts) socket.write(part, 'latin1');
    });
    socket.on('data', (chunk: Buffer) => {
      answer += chunk.toString('latin1');
      quietParts = 0;
      if (quiet === undefined) listen();
    });
    socket.on('end', done);
    socket.on('close', done);
    socket.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ECONNRESET' || error.code === 'EPIPE') done();
      else reject(error);
    });
  });
}

/**
 * Sends a head and drips a body until the other side closes, which may reset the connection: then its answer can be
 * lost on the way, and all begins anew.
 *
 * @param url where to
 * @param head of a request with a long body
 * @returns the answer
 */
export async function trickle(url: string, head: string): Promise<string> {
  const { hostname, port } = new URL(url);
  let answer = '';
  const attempt = async (): Promise<boolean> => {
    const socket = connect(Number(port), hostname);
    socket.on('data', (chunk: Buffer) => (answer += chunk.toString('latin1')));
    socket.on('error', () => undefined);
    socket.write(head);
    const drip = setInterval(() => socket.write('x'), 200);
    const giveUp = setTimeout(() => socket.destroy(), 60_000);
    await new Promise((resolve) => {
      socket.once('close', resolve);
    });
    clearInterval(drip);
    clearTimeout(giveUp);
    return answer !== '';
  };
  await until('an answer while the body trickles', attempt);
  return answer;
}

/** The status of the first answer in raw bytes; 0 without one. */
export function statusOf(answer: string): number {
  return Number(/^HTTP\/1\.[01] ([0-9]{3})/.exec(answer)?.[1] ?? 0);
}

/** The problem code of the first answer in raw bytes. */
export function codeOf(answer: string): string | undefined {
  return /"code":"([a-z_]+)"/.exec(answer)?.[1];
}
