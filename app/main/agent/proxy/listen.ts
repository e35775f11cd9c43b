import http, {
  type IncomingMessage,
  type RequestListener,
  type ServerOptions,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { createParting, type Parting } from '../../../../wire/parting.ts';
import { isWebSocketUpgrade } from '../../../../wire/tunnel.ts';
import type { ParserError } from './unparsable.ts';

/** What a local listener calls. */
export interface Handlers {
  /** A connection was accepted; nothing of it has been read. */
  readonly connection: (socket: Socket) => void;
  /** Settles when nothing more will be written to the response; never rejects. */
  readonly request: (request: IncomingMessage, response: ServerResponse) => Promise<void>;
  readonly upgrade: (request: IncomingMessage, socket: Duplex) => void;
  readonly connect: (request: IncomingMessage, socket: Duplex) => void;
  /** `owes`: whether what is written now would run into an answer, or be taken for it. */
  readonly unparsable: (error: ParserError, socket: Socket, owes: boolean) => void;
}

/** A server, and how its connections are let go. */
export interface Listener {
  readonly server: http.Server;
  readonly parting: Parting;
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

function createListener(handlers: Handlers): Listener {
  const server = http.createServer(OPTIONS);
  const parting = createParting(server);
  const listener: RequestListener = (request, response) => {
    parting.began(request, response);
    void handlers.request(request, response).then(() => parting.ended(request, response));
  };
  server.on('connection', handlers.connection);
  server.on('request', listener);
  server.on('checkContinue', listener);
  server.on('checkExpectation', listener);
  server.on('upgrade', (request: IncomingMessage, socket: Duplex) => {
    parting.switched(request);
    handlers.upgrade(request, socket);
  });
  server.on('connect', (request: IncomingMessage, socket: Duplex) => {
    parting.switched(request);
    handlers.connect(request, socket);
  });
  server.on('clientError', (error: ParserError, socket: Socket) => {
    // RFC 9112 §9.6: what follows a request that closes the connection is not looked at.
    if (error.code === 'HPE_CLOSED_CONNECTION') return;
    handlers.unparsable(error, socket, parting.owes(socket));
  });
  return { server, parting };
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

async function bindBoth(handlers: Handlers, port: number): Promise<Listener[]> {
  const four = createListener(handlers);
  const bound = await bind(four.server, '127.0.0.1', port);
  const six = createListener(handlers);
  try {
    await bind(six.server, '::1', bound);
    return [four, six];
  } catch (error) {
    if (isFamilyMissing(error)) return [four];
    four.server.close();
    throw error;
  }
}

/**
 * Binds a port on all loopback families or on none: another user's program on the other family
 * would receive this person's requests.
 *
 * @param handlers what to call
 * @param port the port; 0 is any that is free on both
 * @returns the listeners, the first one on 127.0.0.1
 * @throws the bind's error, with node's code
 */
export async function listenOnLoopback(handlers: Handlers, port: number): Promise<Listener[]> {
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
 * @returns the listener
 * @throws the bind's error, with node's code
 */
export async function listenOnSocket(handlers: Handlers, path: string): Promise<Listener> {
  const listener = createListener(handlers);
  const { server } = listener;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ path, exclusive: true }, () => {
      server.off('error', reject);
      resolve();
    });
  });
  return listener;
}
