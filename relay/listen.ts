import { chmodSync, lstatSync, rmSync } from 'node:fs';
import { connect, type AddressInfo, type Server } from 'node:net';
import type { ListenAddress } from './config/config.ts';

/** A socket's file outlives a process that was killed; nobody answers behind it then. */
async function removeStale(path: string): Promise<void> {
  if (lstatSync(path, { throwIfNoEntry: false })?.isSocket() !== true) return;
  const isLive = await new Promise<boolean>((resolve) => {
    const socket = connect(path);
    socket.on('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => resolve(false));
  });
  if (!isLive) rmSync(path, { force: true });
}

/**
 * Binds a server.
 *
 * @param server a node server
 * @param address where; port 0 is any free port
 * @param scheme for the URL that is returned
 * @param reusePort whether others may listen there too (Linux)
 * @returns the URL under which it now listens; `unix:/path` for a socket
 * @throws the bind's error, with node's code
 */
export async function listenOn(
  server: Server,
  address: ListenAddress,
  scheme: 'http' | 'https',
  reusePort = false,
): Promise<string> {
  if (address.kind === 'unix') await removeStale(address.path);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    const ready = (): void => {
      server.off('error', reject);
      resolve();
    };
    if (address.kind === 'unix') server.listen(address.path, ready);
    else server.listen({ port: address.port, host: address.host, reusePort }, ready);
  });
  if (address.kind === 'unix') {
    chmodSync(address.path, 0o660);
    return `unix:${address.path}`;
  }
  const { port } = server.address() as AddressInfo;
  const host = address.host.includes(':') ? `[${address.host}]` : address.host;
  return `${scheme}://${host}:${port}`;
}
