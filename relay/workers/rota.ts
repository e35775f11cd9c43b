import type { Socket } from 'node:net';
import { plainAddress } from '../../wire/forwarded.ts';

/** Who can be given connections. */
export interface Taker {
  give(connection: number, socket: Socket): void;
}

/** How many connections may be open at once. */
export interface RotaLimits {
  readonly connections: number;
  /** From one address; undefined: no bound. */
  readonly perAddress: number | undefined;
}

/** A connection that somebody has. */
interface Held<T> {
  readonly taker: T;
  readonly address: string;
}

/** Shares connections out. */
export interface Rota<T extends Taker> {
  /** Gives a connection to whoever has the fewest; it waits while there is nobody. */
  take(socket: Socket): void;
  join(taker: T): void;
  /** Gives it no more. */
  leave(taker: T): void;
  closed(connections: readonly number[]): void;
  /** What it had is closed. */
  forget(taker: T): void;
  /** How many connections were closed, and why. */
  refused(): Readonly<Record<'all' | 'address', number>>;
  /** How many connections each has. */
  counts(): ReadonlyMap<T, number>;
}

/**
 * Makes the rota.
 *
 * @param limits asked at each connection; what comes beyond them is closed at once
 * @returns the rota, with nobody on it
 */
export function createRota<T extends Taker>(limits: () => RotaLimits): Rota<T> {
  const held = new Map<number, Held<T>>();
  const counts = new Map<T, number>();
  /** Held or waiting; those from a Unix socket have none. */
  const byAddress = new Map<string, number>();
  const waiting: { readonly socket: Socket; readonly address: string }[] = [];
  const refused = { all: 0, address: 0 };
  let last = 0;

  function idlest(): T | undefined {
    let found: T | undefined;
    let fewest = Number.POSITIVE_INFINITY;
    for (const [taker, count] of counts) {
      if (count >= fewest) continue;
      found = taker;
      fewest = count;
    }
    return found;
  }

  function give(socket: Socket, address: string, taker: T): void {
    last += 1;
    held.set(last, { taker, address });
    const count = (counts.get(taker) ?? 0) + 1;
    // Whoever took the last one goes to the end, so that equals take turns.
    counts.delete(taker);
    counts.set(taker, count);
    taker.give(last, socket);
  }

  function release(connection: number): void {
    const found = held.get(connection);
    if (found === undefined) return;
    held.delete(connection);
    const { taker, address } = found;
    const count = counts.get(taker);
    if (count !== undefined) counts.set(taker, count - 1);
    const left = (byAddress.get(address) ?? 0) - 1;
    if (left > 0) byAddress.set(address, left);
    else byAddress.delete(address);
  }

  /** Why there is no room for one more from there. */
  function full(address: string): keyof typeof refused | undefined {
    const { connections, perAddress } = limits();
    if (held.size + waiting.length >= connections) return 'all';
    if (perAddress === undefined || address === '') return undefined;
    return (byAddress.get(address) ?? 0) >= perAddress ? 'address' : undefined;
  }

  return {
    take(socket) {
      socket.on('error', () => socket.destroy());
      const address = plainAddress(socket.remoteAddress);
      const reason = full(address);
      if (reason !== undefined) {
        refused[reason] += 1;
        socket.destroy();
        return;
      }
      if (address !== '') byAddress.set(address, (byAddress.get(address) ?? 0) + 1);
      const taker = idlest();
      if (taker === undefined) waiting.push({ socket, address });
      else give(socket, address, taker);
    },
    join(taker) {
      counts.set(taker, 0);
      for (const { socket, address } of waiting.splice(0)) give(socket, address, taker);
    },
    leave: (taker) => void counts.delete(taker),
    closed: (connections) => connections.forEach(release),
    forget(taker) {
      for (const [connection, { taker: holder }] of held) if (holder === taker) release(connection);
      counts.delete(taker);
    },
    refused: () => refused,
    counts: () => counts,
  };
}
