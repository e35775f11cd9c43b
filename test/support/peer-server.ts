import { fork } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type AddressInfo, type ServerOpts, type Socket } from 'node:net';
import { join } from 'node:path';

const CLIENT = join(import.meta.dirname, '../attack/other-user.client.ts');

/** A server that only accepts, and programs that connect to it. */
export interface PeerServer {
  readonly port: number;
  /** The next connection that arrives; call before it is made. */
  next(): Promise<Socket>;
  /**
   * Starts a program that connects.
   *
   * @param uid as which user
   * @param mode `stay`, `leave` (close once it has sent) or `flood` (forty that leave or reset)
   * @param host where to
   * @param from the local address; any by default
   * @returns its process id, its end, and how to make one that stays reset its connection
   */
  program(
    uid: number,
    mode: 'stay' | 'leave' | 'flood',
    host?: string,
    from?: string,
  ): { readonly pid: number | undefined; readonly ended: Promise<unknown>; reset(): void };
  close(): Promise<void>;
}

/** Listens on one loopback address. */
export async function startPeerServer(
  host: string,
  options: ServerOpts = {},
  onSocket: (socket: Socket) => void = () => undefined,
): Promise<PeerServer> {
  const sockets = new Set<Socket>();
  const ends: (() => void)[] = [];
  const server = createServer(options, (socket) => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
    onSocket(socket);
  });
  server.listen(0, host);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    port,
    async next() {
      const [socket] = (await once(server, 'connection')) as [Socket];
      return socket;
    },
    program(uid, mode, to = host, from = '') {
      const args = [uid, to, port, mode, from].map(String);
      const child = fork(CLIENT, args, {
        execArgv: [],
        stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      });
      const ended = once(child, 'exit');
      ends.push(() => child.kill('SIGKILL'));
      return { pid: child.pid, ended, reset: () => void child.send('reset') };
    },
    async close() {
      for (const end of ends) end();
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
