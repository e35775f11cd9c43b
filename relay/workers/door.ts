import { createServer, type Server, type Socket } from 'node:net';
import { stopListening } from '../../wire/stop-listening.ts';
import type { ListenAddress } from '../config/config.ts';
import { listenOn } from '../listen.ts';

/** Accepts connections for all workers. */
export interface Door {
  /** Binds; resolves to the URL of the first address. */
  open(addresses: readonly ListenAddress[], scheme: 'http' | 'https'): Promise<string>;
  /** Accepts what waits, and then no more. */
  close(): Promise<void>;
}

/**
 * Makes the door. Connections are accepted in the primary rather than in each worker, so that a
 * worker that goes takes none with it, each goes to the one that has the fewest, and limits count all.
 *
 * @param take gets each connection, unread
 * @param options `pauseOnConnect`: whether another process will read them; `reusePort`
 * @returns the door, closed
 */
export function createDoor(
  take: (socket: Socket) => void,
  options: { readonly pauseOnConnect: boolean; readonly reusePort: boolean },
): Door {
  const servers: Server[] = [];
  return {
    async open(addresses, scheme) {
      const urls: string[] = [];
      for (const address of addresses) {
        const server = createServer(
          { pauseOnConnect: options.pauseOnConnect, allowHalfOpen: true, noDelay: true },
          take,
        );
        urls.push(await listenOn(server, address, scheme, options.reusePort));
        servers.push(server);
      }
      return urls[0] as string;
    },
    async close() {
      await Promise.all(servers.map(stopListening));
    },
  };
}
