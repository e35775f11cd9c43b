import { constants } from 'node:crypto';
import http, { type RequestListener, type ServerOptions } from 'node:http';
import https, { type ServerOptions as TlsServerOptions } from 'node:https';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { plainAddress } from '../wire/forwarded.ts';
import { isWebSocketUpgrade } from '../wire/tunnel.ts';
import type { RelayConfig } from './config/config.ts';
import type { Relay } from './relay.ts';
import type { KeyPair } from './tls.ts';

/** A resumed or renegotiated session would show a certificate whose key was not asked for again, or another. */
const ONE_HANDSHAKE = constants.SSL_OP_NO_TICKET | constants.SSL_OP_NO_RENEGOTIATION;
const PARSER_ANSWERS: Readonly<Record<string, string>> = {
  HPE_HEADER_OVERFLOW: '431 Request Header Fields Too Large',
  HPE_CHUNK_EXTENSIONS_OVERFLOW: '413 Content Too Large',
  ERR_HTTP_REQUEST_TIMEOUT: '408 Request Timeout',
};

/**
 * Answers what node's parser refused: no request exists, so the socket is written by hand.
 *
 * @returns the status; 0 when nobody is there to be answered
 */
function answerParserError(error: NodeJS.ErrnoException, socket: Duplex): number {
  if (!socket.writable || error.code === 'ECONNRESET') {
    socket.destroy();
    return 0;
  }
  const status = PARSER_ANSWERS[error.code ?? ''] ?? '400 Bad Request';
  socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
  return Number.parseInt(status, 10);
}

function tlsOptions(config: RelayConfig, { cert, key }: KeyPair): TlsServerOptions {
  const options: TlsServerOptions = { cert, key, minVersion: 'TLSv1.2' };
  if (config.tls?.clientCertificates !== true) return options;
  // Asked for, not required: which certificate counts is the token's to say (RFC 8705 §3).
  return { ...options, requestCert: true, rejectUnauthorized: false, secureOptions: ONE_HANDSHAKE };
}

/**
 * Builds the public listener's server, strict and without time limits on long bodies.
 *
 * @param config limits and TLS
 * @param keyPair what it shows; undefined without TLS
 * @returns a server that is not listening yet, how to hand it the pipeline, and how to give it the
 *   limits and the certificate of a later configuration
 */
export function createPublicServer(
  config: RelayConfig,
  keyPair: KeyPair | undefined,
): {
  readonly server: http.Server;
  attach(relay: Relay): void;
  reconfigure(config: RelayConfig, keyPair: KeyPair | undefined): void;
} {
  const options: ServerOptions = {
    maxHeaderSize: config.limits.headersBytes,
    headersTimeout: config.limits.headersTimeoutMs,
    // A long upload is no fault; silence is bounded by the API's idle time-out.
    requestTimeout: 0,
    keepAliveTimeout: 65_000,
    connectionsCheckingInterval: 1_000,
    insecureHTTPParser: false,
    // The pipeline answers for a missing Host, so that the refusal is recorded.
    requireHostHeader: false,
    // Other upgrades (h2c) are ignored, as RFC 9110 §7.8 allows, and served as HTTP/1.1.
    shouldUpgradeCallback: isWebSocketUpgrade,
  };
  const server =
    keyPair === undefined
      ? http.createServer(options)
      : https.createServer({ ...options, ...tlsOptions(config, keyPair) });
  server.maxConnections = config.limits.connections;
  return {
    server,
    reconfigure(next, pair) {
      // Node looks at these for each connection, so that later ones are held to the new values.
      Object.assign(server, { maxHeaderSize: next.limits.headersBytes });
      server.headersTimeout = next.limits.headersTimeoutMs;
      server.maxConnections = next.limits.connections;
      if (pair !== undefined && server instanceof https.Server)
        server.setSecureContext(tlsOptions(next, pair));
    },
    attach(relay) {
      const listener: RequestListener = (request, response) => void relay.serve(request, response);
      server.on('request', listener);
      // Handled like any request: whether the body is wanted is decided in the pipeline.
      server.on('checkContinue', listener);
      server.on('checkExpectation', listener);
      server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) => {
        const status = answerParserError(error, socket);
        if (status !== 0) relay.unparsable(status, plainAddress(socket.remoteAddress));
      });
      server.on('upgrade', (request, socket) => void relay.upgrade(request, socket));
      server.on('connect', (_request, socket: Duplex) => {
        socket.end(
          'HTTP/1.1 405 Method Not Allowed\r\nConnection: close\r\nContent-Length: 0\r\n\r\n',
        );
      });
    },
  };
}
