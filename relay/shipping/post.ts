import http from 'node:http';
import https from 'node:https';
import type { SinkTls } from '../config/sink-config.ts';
import type { Delivery } from './sink.ts';
import { transportFailure } from './transport-failure.ts';

/** A sink's answer. */
export interface Answer {
  readonly status: number;
  readonly retryAfter: string | undefined;
  /** What came of it, 64 KiB at most. */
  readonly body: string;
}

/** Posts to one address, and nowhere else. */
export interface Post {
  /**
   * @param headers beside Content-Length
   * @returns the answer, whatever its status and however it ended; redirects are not followed
   */
  send(
    headers: Readonly<Record<string, string>>,
    body: string,
    signal: AbortSignal,
  ): Promise<Answer | Extract<Delivery, { kind: 'failed' }>>;
  close(): void;
}

const MOST_ANSWER_BYTES = 64 * 1024;

/**
 * The options of node's TLS for a sink. The certificate is checked whatever the environment says.
 *
 * @param tls as configured
 * @returns options for `tls.connect` and https agents
 */
export function tlsOptions({ ca, certificate, key, serverName }: SinkTls) {
  return {
    rejectUnauthorized: true,
    minVersion: 'TLSv1.2' as const,
    ...(ca === undefined ? {} : { ca }),
    ...(certificate === undefined ? {} : { cert: certificate }),
    ...(key === undefined ? {} : { key }),
    ...(serverName === undefined ? {} : { servername: serverName }),
  };
}

/**
 * Never rejects: the status has said what counts. A sink whose body is too long, or breaks off, has the batch all
 * the same, and would get it for ever.
 */
function readAnswer(response: http.IncomingMessage): Promise<Answer> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    response.on('data', (chunk: Buffer) => {
      bytes += chunk.byteLength;
      if (bytes <= MOST_ANSWER_BYTES) chunks.push(chunk);
      else response.destroy();
    });
    response.on('error', () => {});
    response.on('close', () => {
      resolve({
        status: response.statusCode ?? 0,
        retryAfter: response.headers['retry-after'],
        body: Buffer.concat(chunks).toString(),
      });
    });
  });
}

/**
 * Makes what posts to a sink. It speaks node:http, since fetch takes no certificates and follows redirects
 * unless told otherwise; one connection is kept open.
 *
 * @param options `timeoutMs` for the whole exchange
 * @returns the poster; nothing is opened before the first batch
 */
export function createPost(options: {
  readonly url: string;
  readonly tls: SinkTls;
  readonly timeoutMs: number;
}): Post {
  const url = new URL(options.url);
  const { timeoutMs } = options;
  const isSecure = url.protocol === 'https:';
  const agent = isSecure
    ? new https.Agent({ keepAlive: true, maxSockets: 1, ...tlsOptions(options.tls) })
    : new http.Agent({ keepAlive: true, maxSockets: 1 });
  const { request } = isSecure ? https : http;

  return {
    async send(headers, body, signal) {
      const limit = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
      try {
        return await new Promise<Answer>((resolve, reject) => {
          const sent = request(
            url,
            {
              method: 'POST',
              agent,
              signal: limit,
              headers: { ...headers, 'content-length': String(Buffer.byteLength(body)) },
            },
            (response) => resolve(readAnswer(response)),
          );
          // Of no effect once the response has begun.
          sent.on('error', reject);
          sent.end(body);
        });
      } catch (error) {
        return transportFailure(error, limit.aborted && !signal.aborted ? timeoutMs : undefined);
      }
    },
    close: () => agent.destroy(),
  };
}
