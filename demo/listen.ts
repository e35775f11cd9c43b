import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A demo server on loopback. */
export interface DemoServer {
  /** `http://127.0.0.1:PORT` */
  readonly url: string;
  close(): Promise<void>;
}

/**
 * Binds a demo server to loopback, and to nothing else.
 *
 * @param server not listening yet
 * @param port 0: any free port
 * @returns its URL and how to stop it
 */
export async function listenOnLoopback(server: Server, port: number): Promise<DemoServer> {
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}
