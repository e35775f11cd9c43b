import { createServer, type AddressInfo, type Socket } from 'node:net';
import { readLeniently, type SeenRequest } from './lenient-reader.ts';
import type { RawUpstream } from './raw.ts';

/** An upstream that forgives everything, and tells what it made of it. */
export interface LenientUpstream extends RawUpstream {
  /** What arrived since the last call, read in two ways that must not differ. */
  take(): readonly Arrived[];
}

/** What arrived on one connection, by the two beliefs about lengths. */
export interface Arrived {
  readonly encodingFirst: readonly SeenRequest[];
  readonly lengthFirst: readonly SeenRequest[];
  readonly bytes: string;
}

interface Stream {
  bytes: string;
  /** Up to where requests have been read and answered. */
  read: number;
}

const ANSWER = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n';

function readAll(bytes: string, belief: 'encoding-first' | 'length-first'): SeenRequest[] {
  const seen: SeenRequest[] = [];
  for (let at = 0; ;) {
    const found = readLeniently(bytes, at, belief);
    if (found === undefined) return seen;
    seen.push(found.request);
    at = found.end;
  }
}

function answerWhole(stream: Stream, socket: Socket): void {
  for (;;) {
    const found = readLeniently(stream.bytes, stream.read, 'encoding-first');
    if (found === undefined) return;
    stream.read = found.end;
    socket.write(found.request.method === 'HEAD' ? ANSWER : `${ANSWER}ok`);
  }
}

/** Starts it on loopback. */
export async function createLenientUpstream(): Promise<LenientUpstream> {
  const streams = new Map<Socket, Stream>();
  const gone: Stream[] = [];
  let connections = 0;
  const server = createServer((socket) => {
    const stream: Stream = { bytes: '', read: 0 };
    streams.set(socket, stream);
    connections += 1;
    socket.on('close', () => {
      streams.delete(socket);
      gone.push(stream);
    });
    socket.on('error', () => socket.destroy());
    socket.on('data', (chunk: Buffer) => {
      stream.bytes += chunk.toString('latin1');
      answerWhole(stream, socket);
    });
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve());
  });
  const { port } = server.address() as AddressInfo;
  const all = (): Stream[] => [...gone, ...streams.values()];
  return {
    port,
    url: `http://127.0.0.1:${port}`,
    received: () => all().map(({ bytes }) => bytes),
    requests: () =>
      all().reduce((sum, { bytes }) => sum + readAll(bytes, 'encoding-first').length, 0),
    open: () => streams.size,
    take() {
      const taken = all().map(({ bytes }) => ({
        encodingFirst: readAll(bytes, 'encoding-first'),
        lengthFirst: readAll(bytes, 'length-first'),
        bytes,
      }));
      gone.length = 0;
      for (const stream of streams.values()) {
        stream.bytes = stream.bytes.slice(stream.read);
        stream.read = 0;
      }
      return taken.filter(({ bytes }) => bytes !== '');
    },
    close: () =>
      new Promise((resolve) => {
        for (const socket of streams.keys()) socket.destroy();
        server.close(() => resolve());
      }),
  };
}
