import { fork } from 'node:child_process';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { missingOptions } from '../prepare-process.ts';
import { type Calls, createCalls } from './calls.ts';
import type { PrimaryProcedures, WorkerProcedures } from './procedures.ts';

/** One worker, as the primary sees it. */
export interface WorkerProcess {
  readonly pid: number;
  readonly calls: Calls<WorkerProcedures>;
  /** Resolves when the process has ended and all that it said was heard. */
  readonly gone: Promise<void>;
  /** Hands a connection over. */
  give(connection: number, socket: Socket): void;
  /** It has these, so this process lets go of them. */
  taken(connections: readonly number[]): void;
  /** Of one that is gone: the connections that were never sent to it, whole; others are closed. */
  takeBack(): readonly Socket[];
  /** Asks it to end each connection with its next answer. */
  announce(): void;
  /** Asks it to finish what is under way, and to end; without haste where another takes over. */
  leave(isReplaced: boolean): void;
  kill(): void;
}

const ENTRY = join(import.meta.dirname, 'entry.ts');

/**
 * Starts a worker's process. Calls have a socket pair of their own: on node's channel everything
 * waits for a handed-over connection to be confirmed.
 *
 * @param offered what the primary does for it
 * @returns the worker, which has not begun to serve
 */
export function spawnWorker(offered: PrimaryProcedures): WorkerProcess {
  const child = fork(ENTRY, [], {
    execArgv: [...missingOptions(), ...process.execArgv],
    stdio: ['ignore', 'inherit', 'inherit', 'ipc', 'pipe'],
  });
  let hear = (): void => {};
  const heard = new Promise<void>((resolve) => {
    hear = resolve;
  });
  const exited = new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
    child.once('error', () => resolve());
  });
  const calls = createCalls<WorkerProcedures, PrimaryProcedures>(
    child.stdio[4] as unknown as Duplex,
    offered,
    { flush: 'tick', closed: hear },
  );
  // A channel that broke with the process: its exit says it all.
  child.on('error', () => {});
  /**
   * Node sends one connection at a time. When the other process dies it forgets those that wait, and
   * never closes the one that was sent: kept open here, none of them leaves a client hanging.
   */
  const given = new Map<number, { readonly socket: Socket; isSent: boolean }>();
  return {
    pid: child.pid ?? 0,
    calls,
    gone: Promise.all([exited, heard]).then(() => {}),
    give(connection, socket) {
      const entry = { socket, isSent: false };
      given.set(connection, entry);
      child.send(connection, socket, { keepOpen: true }, (error) => {
        entry.isSent = error === null;
      });
    },
    taken(connections) {
      for (const connection of connections) {
        given.get(connection)?.socket.destroy();
        given.delete(connection);
      }
    },
    takeBack() {
      const entries = [...given.values()];
      given.clear();
      // Something of one that was sent may have been read, and answered.
      for (const { socket, isSent } of entries) if (isSent) socket.destroy();
      return entries.filter(({ isSent }) => !isSent).map(({ socket }) => socket);
    },
    announce() {
      if (child.connected) child.send('announce', () => {});
    },
    leave(isReplaced) {
      // After the connections that are on their way.
      if (child.connected) child.send(isReplaced ? 'replaced' : 'leave', () => {});
    },
    kill: () => void child.kill('SIGKILL'),
  };
}
