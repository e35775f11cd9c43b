import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';
import { createHops } from '../../app/main/agent/proxy/hops.ts';
import { asProblem } from '../../app/main/agent/proxy/refusals.ts';
import type { RelayPath } from '../../app/main/agent/network/network.ts';
import { forward } from '../../wire/forward.ts';
import { readFraming } from '../../wire/framing.ts';
import { requestHeaders, responseHeaders } from '../../wire/headers.ts';

const keep = { drop: () => false, add: [] };

/**
 * Starts the app's data path without its tokens: what comes in goes to the relay over the app's own hops.
 *
 * @param t the test
 * @param path the way to the relay
 * @param relay its origin
 * @param connectMs how long a connection may take
 * @returns the URL of the local server
 */
export async function startHopServer(
  t: Pick<TestContext, 'after'>,
  path: RelayPath,
  relay: URL,
  connectMs = 60_000,
): Promise<string> {
  const hops = createHops(path);
  const server = createServer((request, response) => {
    const framing = readFraming(request);
    const run = async (): Promise<unknown> =>
      forward(request, response, {
        hop: hops.to(relay),
        method: request.method ?? '',
        path: request.url ?? '',
        framing,
        headers: requestHeaders(
          request.rawHeaders,
          request.method ?? '',
          relay.host,
          framing,
          keep,
        ),
        maxBodyBytes: Infinity,
        timeouts: { connectMs, headersMs: 60_000, idleMs: 60_000 },
        answer: (_status, raw) => responseHeaders(raw, keep),
      });
    run().catch((error: unknown) => {
      const { code, status, message } = asProblem(error);
      response.writeHead(status).end(`${code}: ${message}`);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(async () => {
    hops.close();
    const closed = once(server, 'close');
    server.close();
    server.closeAllConnections();
    await closed;
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
