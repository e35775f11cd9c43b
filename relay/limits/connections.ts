import type { Server, Socket } from 'node:net';

/** Why a connection was closed before anything was read from it. */
export type ConnectionRefusal = 'all' | 'address' | 'proxy';

/**
 * Bounds how many connections one address may have open, and counts those refused.
 *
 * @param server whose connections; its own `maxConnections` bounds all of them
 * @param peerOf whose a connection is
 * @param most how many one address may have, asked at each connection; undefined: no bound
 * @param refused told of each one closed
 */
export function limitConnections(
  server: Server,
  peerOf: (socket: Socket) => string,
  most: () => number | undefined,
  refused: (reason: ConnectionRefusal) => void,
): void {
  const open = new Map<string, number>();
  server.on('drop', () => refused('all'));
  server.prependListener('connection', (socket: Socket) => {
    const address = peerOf(socket);
    // Of a Unix socket there is no address to tell apart.
    if (address === '') return;
    const count = (open.get(address) ?? 0) + 1;
    const bound = most();
    if (bound !== undefined && count > bound) {
      refused('address');
      socket.destroy();
      return;
    }
    open.set(address, count);
    socket.once('close', () => {
      const left = (open.get(address) ?? 1) - 1;
      if (left > 0) open.set(address, left);
      else open.delete(address);
    });
  });
}
