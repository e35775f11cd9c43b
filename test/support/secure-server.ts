import { once } from 'node:events';
import type { RequestListener } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';
import type { TestCertificate } from './certificate.ts';

/** An https server on loopback, and what it saw. */
export interface SecureServer {
  readonly port: number;
  readonly paths: readonly string[];
  /** For each TLS connection, whether it took up an earlier session. */
  readonly resumed: readonly boolean[];
}

/**
 * Starts one that ends with the test.
 *
 * @param t the test
 * @param tls its certificate
 * @param listener answers; `hello` without one
 * @returns the running server
 */
export async function startSecureServer(
  t: Pick<TestContext, 'after'>,
  tls: TestCertificate,
  listener?: RequestListener,
): Promise<SecureServer> {
  const paths: string[] = [];
  const resumed: boolean[] = [];
  const server = createServer({ cert: tls.cert, key: tls.key }, (request, response) => {
    paths.push(request.url ?? '');
    if (listener === undefined) response.end('hello');
    else listener(request, response);
  });
  // What it keeps is not closed because a busy machine took its time.
  server.keepAliveTimeout = 60_000;
  server.on('secureConnection', (socket) => resumed.push(socket.isSessionReused()));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(async () => {
    const closed = once(server, 'close');
    server.close();
    server.closeAllConnections();
    await closed;
  });
  return { port: (server.address() as AddressInfo).port, paths, resumed };
}
