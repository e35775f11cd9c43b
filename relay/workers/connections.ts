import type { EventEmitter } from 'node:events';
import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Calls } from './calls.ts';
import type { PrimaryProcedures } from './procedures.ts';

/** How long connections without a request may stay when another worker takes over. */
const PART_MS = 10_000;

/** The connections that the primary handed over. */
export interface Connections {
  /** Ends each after its next answer, so that no client's request meets a closed one; resolves when all have, or in time. */
  part(): Promise<void>;
}

/**
 * Gives the server the connections that the primary accepted.
 *
 * @param parent emits `message` with a number and a socket for each
 * @param server never listens; its answers end connections when they must part
 * @param inject gives a connection to the server
 * @param primary is told when they are closed
 * @returns how to let them go
 */
export function receiveConnections(
  parent: Pick<EventEmitter, 'on'>,
  server: Server,
  inject: (socket: Socket) => void,
  primary: Pick<Calls<PrimaryProcedures>, 'tell'>,
): Connections {
  const open = new Set<Socket>();
  let parted = (): void => {};
  // Node begins to look for slow requests when a server listens, and this one never does.
  server.emit('listening');
  let got: number[] = [];
  let closed: number[] = [];
  /** Once in a turn. */
  function tell(): void {
    if (got.length > 0) primary.tell('taken', got);
    if (closed.length > 0) primary.tell('closed', closed);
    got = [];
    closed = [];
  }
  function note(list: number[], connection: number): void {
    if (got.length + closed.length === 0) setImmediate(tell);
    list.push(connection);
  }
  parent.on('message', (connection: unknown, socket?: Socket) => {
    if (typeof connection !== 'number') return;
    // Gone before it arrived.
    note(got, connection);
    if (socket === undefined) return note(closed, connection);
    // As node's own HTTP server has them: a client may end its side and still read the answer.
    socket.allowHalfOpen = true;
    open.add(socket);
    socket.on('close', () => {
      open.delete(socket);
      note(closed, connection);
      if (open.size === 0) parted();
    });
    inject(socket);
    return undefined;
  });
  return {
    async part() {
      server.prependListener('request', (_request, response) => {
        response.shouldKeepAlive = false;
      });
      if (open.size === 0) return;
      const all = new Promise<void>((resolve) => {
        parted = resolve;
      });
      await Promise.race([all, sleep(PART_MS, undefined, { ref: false })]);
    },
  };
}
