import { readFileSync } from 'node:fs';
import http, { type RequestListener, type Server } from 'node:http';
import https from 'node:https';
import type { ManagementConfig } from '../config/config.ts';
import { listenOn } from '../listen.ts';
import { readKeyPair } from '../tls.ts';
import { watchFiles } from '../watch.ts';

/** The management listener, open. */
export interface ManagementListener {
  readonly url: string;
  close(): Promise<void>;
}

type Tls = NonNullable<ManagementConfig['tls']>;

const MIN_TLS = 'TLSv1.2';

/** A certificate that was replaced is shown to new connections; a half-written pair is not. */
function keepCertificate(
  server: https.Server,
  { certFile, keyFile }: Tls,
  log: (event: Record<string, unknown>) => void,
): () => void {
  const watch = watchFiles([certFile, keyFile], () => {
    try {
      server.setSecureContext({
        cert: readFileSync(certFile),
        key: readFileSync(keyFile),
        minVersion: MIN_TLS,
      });
      log({ event: 'management_certificate_replaced' });
    } catch (error) {
      log({ event: 'management_certificate_refused', problem: String(error) });
    }
  });
  return watch.close;
}

async function createServer(
  tls: Tls | undefined,
  serve: RequestListener,
): Promise<Server | https.Server> {
  if (tls === undefined) return http.createServer(serve);
  const pair = await readKeyPair({ ...tls, clientCertificates: false, additional: [] });
  return https.createServer({ ...pair, minVersion: MIN_TLS }, serve);
}

/**
 * Opens the management listener.
 *
 * @param config where, and with which certificate
 * @param serve answers
 * @param log told when the certificate is replaced
 * @returns the listener
 * @throws {ConfigError} the certificate and its key do not fit; the bind's error when a port is taken
 */
export async function openManagement(
  config: ManagementConfig,
  serve: RequestListener,
  log: (event: Record<string, unknown>) => void,
): Promise<ManagementListener> {
  const { listen, tls } = config;
  const server = await createServer(tls, serve);
  const url = await listenOn(server, listen, tls === undefined ? 'http' : 'https');
  const unwatch =
    tls !== undefined && server instanceof https.Server
      ? keepCertificate(server, tls, log)
      : undefined;
  return {
    url,
    async close() {
      unwatch?.();
      const closed = new Promise((resolve) => {
        server.close(resolve);
      });
      server.closeAllConnections();
      await closed;
    },
  };
}
