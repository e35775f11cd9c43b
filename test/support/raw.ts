import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

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

/** Sends bytes as they are and collects the answer until the other side ends or is quiet. */
export function sendRaw(
  url: string,
  bytes: string | readonly string[],
  options: { readonly quietMs?: number; readonly timeoutMs?: number } = {},
): Promise<string> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname);
    let answer = '';
    let quiet: NodeJS.Timeout | undefined;
    const done = (): void => {
      clearTimeout(quiet);
      clearTimeout(deadline);
      socket.destroy();
      resolve(answer);
    };
    const deadline = setTimeout(done, options.timeoutMs ?? 30_000);
    socket.on('connect', () => {
      for (const part of typeof bytes === 'string' ? [bytes] : bytes) socket.write(part, 'latin1');
    });
    socket.on('data', (chunk: Buffer) => {
      answer += chunk.toString('latin1');
      clearTimeout(quiet);
      quiet = setTimeout(done, options.quietMs ?? 300);
    });
    socket.on('end', done);
    socket.on('close', done);
    socket.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ECONNRESET' || error.code === 'EPIPE') done();
      else reject(error);
    });
  });
}

/** The status of the first answer in raw bytes; 0 without one. */
export function statusOf(answer: string): number {
  return Number(/^HTTP\/1\.[01] ([0-9]{3})/.exec(answer)?.[1] ?? 0);
}

/** The problem code of the first answer in raw bytes. */
export function codeOf(answer: string): string | undefined {
  return /"code":"([a-z_]+)"/.exec(answer)?.[1];
}
