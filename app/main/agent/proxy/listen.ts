import http, { type RequestListener, type ServerOptions } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { IncomingMessage } from 'node:http';
import { isWebSocketUpgrade } from '../../../../wire/tunnel.ts';

/** What a local listener calls. */
export interface Handlers {
  /** A connection was accepted; nothing of it has been read. */
  readonly connection: (socket: Socket) => void;
  readonly request: RequestListener;
  readonly upgrade: (request: IncomingMessage, socket: Duplex) => void;
  readonly connect: (request: IncomingMessage, socket: Duplex) => void;
}

const OPTIONS: ServerOptions = {
  maxHeaderSize: 64 * 1024,
  headersTimeout: 10_000,
  // A long upload is no fault.
  requestTimeout: 0,
  keepAliveTimeout: 65_000,
  connectionsCheckingInterval: 1_000,
  insecureHTTPParser: false,
  requireHostHeader: false,
  shouldUpgradeCallback: isWebSocketUpgrade,
};

/** Tries of port 0 until the same number is free on both loopback families. */
const TRIES = 20;

function createServer(handlers: Handlers): http.Server {
  const server = http.createServer(OPTIONS);
  server.on('connection', handlers.connection);
  server.on('request', handlers.request);
  server.on('checkContinue', handlers.request);
  server.on('checkExpectation', handlers.request);
  server.on('upgrade', handlers.upgrade);
  server.on('connect', handlers.connect);
  return server;
}

function bind(server: http.Server, host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host, port, exclusive: true }, () => {
      server.off('error', reject);
      resolve((server.address() as AddressInfo).port);
    });
  });
}

/** A machine without IPv6 has no ::1 that anybody else could take. */
function isFamilyMissing(error: unknown): boolean {
  return ['EADDRNOTAVAIL', 'EAFNOSUPPORT'].includes((error as NodeJS.ErrnoException).code ?? '');
}

async function bindBoth(handlers: Handlers, port: number): Promise<http.Server[]> {
  const four = createServer(handlers);
  const bound = await bind(four, '127.0.0.1', port);
  const six = createServer(handlers);
  try {
    await bind(six, '::1', bound);
    return [four, six];
  } catch (error) {
    if (isFamilyMissing(error)) return [four];
    four.close();
    throw error;
  }
}

/**
 * Binds a port on all loopback families or on none: another user's program on the other family
 * would receive this person's requests.
 *
 * @param handlers what to call
 * @param port the port; 0 is any that is free on both
 * @returns the servers, the first one on 127.0.0.1
 * @throws the bind's error, with node's code
 */
export async function listenOnLoopback(handlers: Handlers, port: number): Promise<http.Server[]> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await bindBoth(handlers, port);
    } catch (error) {
      const taken = (error as NodeJS.ErrnoException).code === 'EADDRINUSE';
      if (port !== 0 || !taken || attempt >= TRIES) throw error;
    }
  }
}

/**
 * Binds a Unix socket, or a named pipe.
 *
 * @param handlers what to call
 * @param path the socket's path, or the pipe's name
 * @returns the server
 * @throws the bind's error, with node's code
 */
export async function listenOnSocket(handlers: Handlers, path: string): Promise<http.Server> {
  const server = createServer(handlers);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ path, exclusive: true }, () => {
      server.off('error', reject);
      resolve();
    });
  });
  return server;
}
