import { once } from 'node:events';
import http from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import type { TestContext } from 'node:test';
import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises';
import { createConnectionPool, type ConnectionPool } from '../../wire/connection-pool.ts';
import { readFraming } from '../../wire/framing.ts';
import { forward } from '../../wire/forward.ts';
import { requestHeaders, responseHeaders } from '../../wire/headers.ts';
import { sendProblem, type ProblemError } from '../../wire/problem.ts';
import { createRawUpstream } from './raw.ts';
import { readStrictly, type StrictReading } from './strict-response.ts';

/** A request, and what the upstream does when it comes. */
export interface Scripted {
  /** Six digits that tell it from all others. */
  readonly id: string;
  readonly method: string;
  /** latin1, each written in a turn of its own. */
  readonly pieces: readonly string[];
  /** Whether the upstream ends the connection behind them. */
  readonly closes: boolean;
}

/** How the requests of one client connection follow each other. */
export type Pace =
  /** Each once the answer before it has been read. */
  | 'prompt'
  /** Each once all that belongs to the one before it was written, with upstream connections of their own. */
  | 'late'
  /** All at once. */
  | 'pipelined';

/** What the client saw of one answer. */
export interface SeenAnswer {
  readonly reading: StrictReading;
  readonly bytes: string;
  /** Whether it came to an end in time. */
  readonly ended: boolean;
}

/** A client, a relay's wire and an upstream that answers by a script. */
export interface FuzzProxy {
  /**
   * Asks on one connection; on another when it was closed before all were answered.
   *
   * @returns an answer for each request
   */
  converse(scripts: readonly Scripted[], pace: Pace): Promise<readonly SeenAnswer[]>;
  /** How many connections the upstream has seen. */
  readonly connections: () => number;
}

const PATIENCE_MS = 60_000;
/** Long enough that a machine that stood still for a while is no silent upstream. */
const SILENCE_MS = 8_000;
/** In which what was written is read: time alone passes for a process that stands still. */
const SETTLE_TURNS = 5;
const keep = { drop: () => false, add: [] };

/** Returns what was seen up to the end of the connection. */
function ask(
  port: number,
  scripts: readonly Scripted[],
  pace: Pace,
  settled: (script: Scripted) => Promise<void>,
): Promise<readonly SeenAnswer[]> {
  const request = ({ id, method }: Scripted): string =>
    `${method} /${id} HTTP/1.1\r\nHost: h\r\n\r\n`;
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    const seen: SeenAnswer[] = [];
    let bytes = '';
    const done = (): void => {
      clearTimeout(deadline);
      socket.destroy();
      resolve(seen);
    };
    const read = (closed: boolean): StrictReading =>
      readStrictly(bytes, { method: scripts[seen.length]?.method ?? '', upgrade: false, closed });
    const give = (ended: boolean, closed: boolean): void => {
      if (seen.length < scripts.length) seen.push({ reading: read(closed), bytes, ended });
      done();
    };
    const deadline = setTimeout(give, PATIENCE_MS, false, false);
    const next = async (): Promise<void> => {
      const [before, script] = [scripts[seen.length - 1], scripts[seen.length]];
      if (script === undefined) return done();
      if (pace === 'pipelined') return undefined;
      if (pace === 'late' && before !== undefined) await settled(before);
      if (socket.writable) socket.write(request(script));
      return undefined;
    };
    socket.setNoDelay(true);
    socket.on('connect', () => {
      if (pace === 'pipelined') socket.write(scripts.map(request).join(''));
      else socket.write(scripts.slice(0, 1).map(request).join(''));
    });
    socket.on('data', (chunk: Buffer) => {
      bytes += chunk.toString('latin1');
      for (let reading = read(false); reading.kind !== 'partial'; reading = read(false)) {
        if (reading.kind !== 'complete') return give(true, false);
        seen.push({ reading, bytes: bytes.slice(0, reading.used), ended: true });
        bytes = bytes.slice(reading.used);
        void next();
        if (seen.length === scripts.length) return undefined;
      }
      return undefined;
    });
    socket.on('error', () => give(true, true));
    socket.on('close', () => give(true, true));
  });
}

/**
 * Starts a proxy made of the wire alone, and an upstream behind it.
 *
 * @param t ends them
 * @returns where to ask
 */
export async function createFuzzProxy(t: TestContext): Promise<FuzzProxy> {
  const scripts = new Map<string, Scripted>();
  const written = new Map<string, () => void>();
  const pools = new Map<string, ConnectionPool>();

  async function answer(socket: Socket, { id, pieces, closes }: Scripted): Promise<void> {
    socket.setNoDelay(true);
    for (const [at, piece] of pieces.entries()) {
      if (at > 0) await turn();
      if (socket.writable) socket.write(piece, 'latin1');
    }
    if (closes) socket.end();
    written.get(id)?.();
  }
  const upstream = await createRawUpstream((socket, bytes) => {
    const script = scripts.get(/^[A-Z]+ \/([0-9]{6}) /.exec(bytes)?.[1] ?? '');
    if (script !== undefined) void answer(socket, script);
  });
  const address = { host: '127.0.0.1', port: upstream.port };
  const shared = createConnectionPool(address);
  const server = http.createServer((request, response) => {
    const { method = '', url = '' } = request;
    const framing = readFraming(request);
    forward(request, response, {
      hop: { pool: pools.get(url.slice(1)) ?? shared },
      method,
      path: url,
      framing,
      headers: requestHeaders(request.rawHeaders, method, 'up', framing, keep),
      maxBodyBytes: 1_000,
      timeouts: { connectMs: SILENCE_MS, headersMs: SILENCE_MS, idleMs: SILENCE_MS },
      answer: (_status, raw) => responseHeaders(raw, keep),
    }).catch((error: unknown) => {
      sendProblem(response, error as ProblemError, url.slice(1));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(async () => {
    server.closeAllConnections();
    server.close();
    shared.destroy();
    await upstream.close();
  });
  const { port } = server.address() as AddressInfo;

  return {
    connections: () => upstream.received().length,
    async converse(asked, pace) {
      const own = pace === 'late' ? createConnectionPool(address) : undefined;
      const ends = new Map<string, Promise<void>>();
      for (const script of asked) {
        scripts.set(script.id, script);
        if (own !== undefined) pools.set(script.id, own);
        ends.set(script.id, new Promise((resolve) => written.set(script.id, resolve)));
      }
      const seen: SeenAnswer[] = [];
      while (seen.length < asked.length)
        seen.push(
          ...(await ask(port, asked.slice(seen.length), pace, async ({ id }) => {
            await Promise.race([ends.get(id), sleep(SILENCE_MS)]);
            for (let at = 0; at < SETTLE_TURNS; at++) await sleep(1);
          })),
        );
      own?.destroy();
      for (const { id } of asked) for (const each of [scripts, written, pools]) each.delete(id);
      return seen;
    },
  };
}
