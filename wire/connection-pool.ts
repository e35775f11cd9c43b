import {
  connect as connectPlain,
  isIP,
  type LookupFunction,
  type NetConnectOpts,
  type Socket,
} from 'node:net';
import type { Duplex } from 'node:stream';
import { connect as connectTls, type ConnectionOptions, type SecureContext } from 'node:tls';
import { createConnection, type Connection } from './connection.ts';

/** What TLS towards the next hop needs beyond the system's trust. */
export interface PoolTls {
  /** PEM of the authorities believed in place of the system's. */
  readonly ca?: string | readonly string[];
  /** PEM of a certificate to show, and its key. */
  readonly cert?: string;
  readonly key?: string;
  /** The name in the server's certificate, where it is not the host. */
  readonly servername?: string;
  /** In place of the above but the name; made once, where there are many authorities. */
  readonly secureContext?: SecureContext;
}

/** Where a pool's connections lead. */
export interface PoolOptions {
  /** Name or address, without brackets. */
  readonly host: string;
  readonly port: number;
  /** A Unix socket in place of host and port. */
  readonly socketPath?: string;
  readonly tls?: PoolTls;
  readonly lookup?: LookupFunction;
  /**
   * Opens the transport in place of a socket of the pool's own, such as a proxy's tunnel; TLS is put over
   * it. It may still be connecting, and then emits `connect` as a socket does.
   */
  readonly dial?: () => Duplex;
  /** How many resting connections are kept; default 256. */
  readonly maxIdle?: number;
  /** Epoch ms. */
  readonly now?: () => number;
}

/** Connections to one next hop, each used again once its answer has ended. */
export interface ConnectionPool {
  /**
   * Hands out the connection that rested last, as the one least likely to be closed by the other
   * side, or opens one.
   *
   * @param use `fresh`: never one that was used before; `tunnel`: that, and its socket may be handed over
   */
  take(use?: 'fresh' | 'tunnel'): Connection;
  /** Takes a connection back whose answer has ended. */
  giveBack(connection: Connection, keepMs: number): void;
  /** Closes what rests; connections in use are not kept after it. */
  retire(): void;
  /** Closes everything, whatever is under way. */
  destroy(): void;
}

const SWEEP_MS = 1_000;

// One for all: what is read is used, or copied, before the next read of whichever socket.
const readBuffer = Buffer.allocUnsafeSlow(64 * 1024);

/** Spares each read an allocation of 64 KiB outside the heap, of which V8 would let many gather. */
function onRead(read: (chunk: Buffer) => void) {
  return {
    buffer: readBuffer,
    callback(bytes: number): boolean {
      read(readBuffer.subarray(0, bytes));
      return true;
    },
  };
}

function opener(options: PoolOptions): {
  readonly readyEvent: 'connect' | 'secureConnect';
  open(read: ((chunk: Buffer) => void) | undefined): Socket;
} {
  const { host, port, socketPath, tls, lookup, dial } = options;
  const address = {
    ...(socketPath === undefined ? { host, port } : { path: socketPath }),
    ...(lookup === undefined ? {} : { lookup }),
  };
  if (tls === undefined && dial !== undefined) {
    // Nothing that only a socket has is asked of it.
    return { readyEvent: 'connect', open: () => dial() as Socket };
  }
  if (tls === undefined) {
    return {
      readyEvent: 'connect',
      open(read) {
        const plain = { ...(address as NetConnectOpts), noDelay: true };
        return connectPlain(read === undefined ? plain : { ...plain, onread: onRead(read) });
      },
    };
  }
  let session: Buffer | undefined;
  // RFC 6066 §3: an address is no server name.
  const servername = tls.servername ?? (isIP(host) === 0 ? host : undefined);
  const secure = {
    ...address,
    ...(tls as ConnectionOptions),
    ...(servername === undefined ? {} : { servername }),
    ALPNProtocols: ['http/1.1'],
    minVersion: 'TLSv1.2',
  } as const;
  return {
    readyEvent: 'secureConnect',
    open() {
      const under = dial?.() as Socket | undefined;
      const socket = connectTls({
        ...secure,
        ...(under === undefined ? {} : { socket: under }),
        ...(session === undefined ? {} : { session }),
      });
      if (under === undefined) socket.setNoDelay(true);
      socket.on('session', (next) => (session = next));
      // A session that the other side does not know any more must not fail us twice.
      socket.on('error', () => (session = undefined));
      return socket;
    },
  };
}

/**
 * Makes a pool; nothing is opened before it is asked for.
 *
 * @param options where to, and how
 * @returns the pool
 * @see RFC 9112 §9.3
 */
export function createConnectionPool(options: PoolOptions): ConnectionPool {
  const { maxIdle = 256, now = Date.now } = options;
  const { readyEvent, open } = opener(options);
  const idle: Connection[] = [];
  const all = new Set<Connection>();
  let retired = false;
  let sweeping: NodeJS.Timeout | undefined;

  function forget(connection: Connection): void {
    all.delete(connection);
    const at = idle.indexOf(connection);
    if (at >= 0) idle.splice(at, 1);
  }
  function sweep(): void {
    const nowMs = now();
    for (const connection of idle.slice())
      if (connection.restsUntilMs() <= nowMs) connection.destroy();
    if (idle.length > 0) return;
    clearInterval(sweeping);
    sweeping = undefined;
  }
  function closeIdle(): void {
    for (const connection of idle.splice(0)) connection.destroy();
    clearInterval(sweeping);
    sweeping = undefined;
  }

  return {
    take(use) {
      for (let left = use === undefined ? idle.length : 0; left > 0; left--) {
        const connection = idle.pop() as Connection;
        if (connection.isUsable() && connection.restsUntilMs() > now()) return connection;
        connection.destroy();
      }
      const connection = createConnection(open, readyEvent, forget, now, use === 'tunnel');
      all.add(connection);
      return connection;
    },
    giveBack(connection, keepMs) {
      if (retired || keepMs <= 0 || idle.length >= maxIdle || !connection.isUsable()) {
        connection.destroy();
        return;
      }
      connection.rest(keepMs);
      idle.push(connection);
      sweeping ??= setInterval(sweep, SWEEP_MS).unref();
    },
    retire() {
      retired = true;
      closeIdle();
    },
    destroy() {
      retired = true;
      closeIdle();
      for (const connection of all) connection.destroy();
    },
  };
}
