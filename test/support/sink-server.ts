import { once } from 'node:events';
import http, { type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { TestContext } from 'node:test';
import type { TestCertificate } from './certificate.ts';

/** One delivery as an HTTP sink saw it. */
export interface Received {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  /** Of the client's certificate. */
  readonly fingerprint: string | undefined;
}

/** An HTTP receiver on loopback. */
export interface SinkServer {
  readonly url: string;
  readonly port: number;
  readonly received: readonly Received[];
  /** The bodies' lines of deliveries that were accepted, in order. */
  readonly lines: readonly string[];
  /** Answers from now on; 200 at first. Only a 2xx counts as accepted. */
  answer(reply: (request: Received, response: ServerResponse) => void): void;
}

/** Starts one that ends with the test. */
export async function startSinkServer(
  t: Pick<TestContext, 'after'>,
  options: {
    readonly tls?: TestCertificate;
    readonly port?: number;
    readonly wantsCertificate?: boolean;
  } = {},
): Promise<SinkServer> {
  const { tls, port: wanted = 0, wantsCertificate: requestCert = false } = options;
  const received: Received[] = [];
  const lines: string[] = [];
  let reply = (_request: Received, response: ServerResponse): void => void response.end('{}');

  async function listener(request: http.IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks = (await request.toArray()) as Buffer[];
    const peer = tls ? (request.socket as TLSSocket).getPeerCertificate() : undefined;
    const entry: Received = {
      path: request.url ?? '',
      headers: request.headers,
      body: Buffer.concat(chunks).toString(),
      fingerprint: peer?.fingerprint256,
    };
    received.push(entry);
    response.on('finish', () => {
      if (response.statusCode < 300) lines.push(...entry.body.split('\n').filter((it) => it));
    });
    reply(entry, response);
  }
  const onRequest = (request: http.IncomingMessage, response: ServerResponse): void => {
    listener(request, response).catch(() => response.destroy());
  };
  const server = tls
    ? https.createServer(
        { cert: tls.cert, key: tls.key, requestCert, rejectUnauthorized: false },
        onRequest,
      )
    : http.createServer(onRequest);
  server.listen(wanted, '127.0.0.1');
  await once(server, 'listening');
  t.after(async () => {
    const closed = once(server, 'close');
    server.close();
    server.closeAllConnections();
    await closed;
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: `${tls ? 'https' : 'http'}://127.0.0.1:${port}/ingest`,
    port,
    received,
    lines,
    answer(next) {
      reply = next;
    },
  };
}
