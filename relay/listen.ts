import { chmodSync } from 'node:fs';
import type { Server } from 'node:net';
import type { AddressInfo } from 'node:net';
import type { ListenAddress } from './config/config.ts';

/**
 * Binds a server.
 *
 * @param server a node server
 * @param address where; port 0 is any free port
 * @param scheme for the URL that is returned
 * @returns the URL under which it now listens; `unix:/path` for a socket
 * @throws the bind's error, with node's code
 */
export async function listenOn(
  server: Server,
  address: ListenAddress,
  scheme: 'http' | 'https',
): Promise<string> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    const ready = (): void => {
      server.off('error', reject);
      resolve();
    };
    if (address.kind === 'unix') server.listen(address.path, ready);
    else server.listen(address.port, address.host, ready);
  });
  if (address.kind === 'unix') {
    chmodSync(address.path, 0o660);
    return `unix:${address.path}`;
  }
  const { port } = server.address() as AddressInfo;
  const host = address.host.includes(':') ? `[${address.host}]` : address.host;
  return `${scheme}://${host}:${port}`;
}
