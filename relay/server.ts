import { constants } from 'node:crypto';
import http, { type IncomingMessage, type RequestListener, type ServerOptions } from 'node:http';
import https, { type ServerOptions as TlsServerOptions } from 'node:https';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { SecureContextOptions } from 'node:tls';
import { endWithAnswer } from '../wire/last-words.ts';
import { createQueuedAnswers } from '../wire/queued-answers.ts';
import { isWebSocketUpgrade, owesAnswer } from '../wire/tunnel.ts';
import type { RelayConfig } from './config/config.ts';
import type { ProxiedPeers } from './proxy-protocol.ts';
import type { Relay } from './relay.ts';
import { contextsByName, type ContextByName } from './server-names.ts';
import type { KeyPair } from './tls.ts';

/** A resumed or renegotiated session would show a certificate whose key was not asked for again, or another. */
const ONE_HANDSHAKE = constants.SSL_OP_NO_TICKET | constants.SSL_OP_NO_RENEGOTIATION;
const PARSER_ANSWERS: Readonly<Record<string, string>> = {
  HPE_HEADER_OVERFLOW: '431 Request Header Fields Too Large',
  HPE_CHUNK_EXTENSIONS_OVERFLOW: '413 Content Too Large',
  ERR_HTTP_REQUEST_TIMEOUT: '408 Request Timeout',
};

const bareAnswer = (status: string): string =>
  `HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`;

/** Whether what came first on a connection is one line, longer than all fields may be together. */
function isOneLongLine(error: NodeJS.ErrnoException, socket: Duplex): boolean {
  if (error.code !== 'HPE_HEADER_OVERFLOW') return false;
  const { rawPacket, bytesParsed } = error as {
    readonly rawPacket?: Buffer;
    readonly bytesParsed?: number;
  };
  const isFirst = rawPacket?.length === (socket as Partial<Socket>).bytesRead;
  return isFirst && rawPacket?.subarray(0, bytesParsed).includes('\n') === false;
}

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
  const status = isOneLongLine(error, socket)
    ? '414 URI Too Long'
    : (PARSER_ANSWERS[error.code ?? ''] ?? '400 Bad Request');
  endWithAnswer(socket, bareAnswer(status));
  return Number.parseInt(status, 10);
}

/** What TLS 1.2 may use: forward secrecy and authenticated encryption only. Of 1.3 all is fine. */
const CIPHERS = [
  'TLS_AES_128_GCM_SHA256',
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-CHACHA20-POLY1305',
].join(':');

const isAsking = (config: RelayConfig): boolean => config.tls?.clientCertificates === true;

/** What all certificates have in common. */
function secureOptions(config: RelayConfig): SecureContextOptions {
  const common = { ciphers: CIPHERS, honorCipherOrder: true, minVersion: 'TLSv1.2' } as const;
  return isAsking(config) ? { ...common, secureOptions: ONE_HANDSHAKE } : common;
}

function tlsOptions(config: RelayConfig, pair: KeyPair): TlsServerOptions {
  const { cert, key } = pair;
  return {
    ...secureOptions(config),
    cert,
    key,
    ALPNProtocols: ['http/1.1'],
    // Asked for, not required: which certificate counts is the token's to say (RFC 8705 §3).
    ...(isAsking(config) ? { requestCert: true, rejectUnauthorized: false } : {}),
  };
}

/**
 * Builds the public listener's server, strict and without time limits on long bodies.
 *
 * @param config limits and TLS
 * @param keyPair what it shows; undefined without TLS
 * @param peers whose connections come
 * @returns a server that is not listening yet, how to hand it the pipeline, and how to give it the
 *   limits and the certificate of a later configuration
 */
export function createPublicServer(
  config: RelayConfig,
  keyPair: KeyPair | undefined,
  peers: ProxiedPeers,
): {
  readonly server: http.Server;
  /** Takes a connection that something else accepted. */
  inject(socket: Socket): void;
  attach(
    relay: Relay & {
      /** Whether what is written now would run into an answer, or be taken for it. */
      owes(socket: Socket): boolean;
    },
  ): void;
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
    // A request without a body needs no stream that says so.
    optimizeEmptyRequests: true,
    // The pipeline answers for a missing Host, so that the refusal is recorded.
    requireHostHeader: false,
    // Other upgrades (h2c) are ignored, as RFC 9110 §7.8 allows, and served as HTTP/1.1.
    shouldUpgradeCallback: isWebSocketUpgrade,
  };
  const contexts = (pair: KeyPair, from: RelayConfig): ContextByName =>
    contextsByName(pair.additional ?? [], secureOptions(from));
  let byName = keyPair && contexts(keyPair, config);
  const server =
    keyPair === undefined
      ? http.createServer(options)
      : https.createServer({
          ...options,
          ...tlsOptions(config, keyPair),
          SNICallback: (name, done) => done(null, byName?.(name)),
        });
  server.maxConnections = config.limits.connections;
  return {
    server,
    inject: (socket) => peers.admit(socket, (ready) => server.emit('connection', ready)),
    reconfigure(next, pair) {
      // Node looks at these for each connection, so that later ones are held to the new values.
      Object.assign(server, { maxHeaderSize: next.limits.headersBytes });
      server.headersTimeout = next.limits.headersTimeoutMs;
      server.maxConnections = next.limits.connections;
      if (pair === undefined || !(server instanceof https.Server)) return;
      byName = contexts(pair, next);
      server.setSecureContext(tlsOptions(next, pair));
    },
    attach(relay) {
      const queued = createQueuedAnswers();
      const listener: RequestListener = (request, response) => {
        queued.note(request, response);
        void relay.serve(request, response);
      };
      /** Ends a connection on which what is pipelined would overtake an answer, and be taken for it. */
      const endIfOwing = (request: IncomingMessage, socket: Socket): boolean => {
        if (!owesAnswer(request, socket)) return false;
        relay.unparsable(400, peers.of(socket));
        queued.end(socket);
        return true;
      };
      server.on('request', listener);
      // Handled like any request: whether the body is wanted is decided in the pipeline.
      server.on('checkContinue', listener);
      server.on('checkExpectation', listener);
      server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) => {
        // RFC 9112 §9.6: what follows a request that closes the connection is not looked at.
        if (error.code === 'HPE_CLOSED_CONNECTION') return;
        if (relay.owes(socket)) {
          relay.unparsable(400, peers.of(socket));
          queued.end(socket);
          return;
        }
        const status = answerParserError(error, socket);
        if (status !== 0) relay.unparsable(status, peers.of(socket));
      });
      server.on('upgrade', (request: IncomingMessage, socket: Socket) => {
        if (!endIfOwing(request, socket)) void relay.upgrade(request, socket);
      });
      server.on('connect', (request: IncomingMessage, socket: Socket) => {
        if (!endIfOwing(request, socket)) relay.connect(request, socket);
      });
    },
  };
}
