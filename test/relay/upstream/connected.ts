import { once } from 'node:events';
import http from 'node:http';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';
import type { UpstreamConfig, UpstreamTarget } from '../../../relay/upstream/target.ts';
import type { TestCertificate } from '../../support/certificate.ts';

/** An upstream that says what became of it. */
export interface Answering {
  readonly port: number;
  /** Paths asked for, in order. */
  readonly paths: readonly string[];
  /** Connections so far. */
  readonly connections: () => number;
  /** What is answered from now on; `undefined` is never. */
  answer(status: number | undefined): void;
  stop(): Promise<void>;
}

/** Starts an upstream that is closed with the test. */
export async function startAnswering(
  t: TestContext,
  options: {
    readonly name?: string;
    readonly host?: string;
    readonly port?: number;
    readonly socketPath?: string;
    readonly tls?: TestCertificate;
    /** PEM of who signed the certificates that clients must show. */
    readonly clientCa?: string;
  } = {},
): Promise<Answering> {
  const paths: string[] = [];
  let connections = 0;
  let status: number | undefined = 200;
  const listener: http.RequestListener = (request, response) => {
    paths.push(request.url ?? '');
    if (status === undefined) return;
    response.writeHead(status);
    response.end(options.name ?? '');
  };
  const { tls, clientCa } = options;
  const server =
    tls === undefined
      ? http.createServer(listener)
      : https.createServer(
          {
            cert: tls.cert,
            key: tls.key,
            ...(clientCa === undefined ? {} : { ca: clientCa, requestCert: true }),
            rejectUnauthorized: clientCa !== undefined,
          },
          listener,
        );
  // Whoever counts connections counts on them being kept.
  server.keepAliveTimeout = 0;
  server.on('connection', () => (connections += 1));
  if (options.socketPath === undefined)
    server.listen(options.port ?? 0, options.host ?? '127.0.0.1');
  else server.listen(options.socketPath);
  await once(server, 'listening');
  const stop = async (): Promise<void> => {
    if (!server.listening) return;
    server.close();
    server.closeAllConnections();
    await once(server, 'close');
  };
  t.after(stop);
  const address = server.address() as AddressInfo | string;
  return {
    port: typeof address === 'string' ? 0 : address.port,
    paths,
    connections: () => connections,
    answer(next) {
      status = next;
    },
    stop,
  };
}

/** An API's configuration, as far as its addresses are concerned. */
export function upstreamConfig(
  upstreams: readonly string[],
  more: Partial<UpstreamConfig> = {},
): UpstreamConfig {
  return {
    name: 'x',
    upstreams,
    request: {},
    balancing: { slowStartMs: 0, breakerFailures: 5, breakerOpenMs: 10_000, resolveMs: 30_000 },
    ...more,
  };
}

/** Sends `GET /` to an address as the relay does; the answer's body, or the error's code. */
export function getFrom({ hop, host }: UpstreamTarget): Promise<string> {
  const connection = hop.pool.take();
  return new Promise((resolve) => {
    const { pool } = hop;
    let body = '';
    const timer = setTimeout(() => resolve('no answer in time'), 60_000);
    const done = (text: string): void => {
      clearTimeout(timer);
      resolve(text);
    };
    connection.use(
      {
        connected: () => {},
        flush: () => {},
        drained: () => {},
        interim: () => {},
        upgraded: () => {},
        head: () => {},
        body: (piece) => (body += piece.toString()),
        end() {
          pool.giveBack(connection, 60_000);
          done(body);
        },
        failed: (error) => done((error as NodeJS.ErrnoException).code ?? error.message),
      },
      { method: 'GET', upgrade: false },
    );
    connection.socket.write(`GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
  });
}
