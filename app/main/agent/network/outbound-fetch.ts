import { request as httpRequest, type IncomingMessage } from 'node:http';
import { isIP, type Socket } from 'node:net';
import type { Readable } from 'node:stream';
import { connect as connectTls } from 'node:tls';
import { createBrotliDecompress, createUnzip } from 'node:zlib';
import type { Fetch } from '../login/outbound.ts';
import type { Dialer } from './dial.ts';
import { NetworkError } from './network-error.ts';
import type { Trust } from './trust.ts';

const LIMITS = { totalMs: 60_000, answerBytes: 16 * 1024 * 1024 };
const BODYLESS = new Set([204, 205, 304]);

/**
 * Makes the fetch of every call that is no tool's: the relay's own documents, and the identity provider. It
 * never follows a redirect, and takes one connection a call.
 *
 * @param dialer opens the connections
 * @param trust which servers are believed
 * @param limits `totalMs` and `answerBytes`; for tests
 * @returns the fetch
 */
export function createOutboundFetch(
  dialer: Dialer,
  trust: Trust,
  limits: Partial<typeof LIMITS> = {},
): Fetch {
  const { totalMs, answerBytes } = { ...LIMITS, ...limits };

  async function secure(url: URL, signal: AbortSignal): Promise<Socket> {
    if (url.protocol === 'http:') return dialer.dial(url, signal);
    // First, so that a bad file is told before anything is sent.
    const secureContext = trust.secureContext();
    const socket = await dialer.dial(url, signal);
    const host = url.hostname.replace(/^\[|\]$/g, '');
    const servername = isIP(host) === 0 ? { servername: host } : {};
    return new Promise((resolve, reject) => {
      const options = { socket, host, secureContext, ...servername, ALPNProtocols: ['http/1.1'] };
      const tls = connectTls(options, () => resolve(tls));
      const stop = (): unknown => tls.destroy(new Error('no answer'));
      signal.addEventListener('abort', stop);
      tls.on('error', reject);
      tls.on('close', () => {
        signal.removeEventListener('abort', stop);
        socket.destroy();
        reject(Object.assign(new Error('the connection was closed'), { code: 'ECONNRESET' }));
      });
    });
  }

  return async (address, init) => {
    const { method, headers, body } = await readRequest(address, init);
    const url = new URL(address);
    if (url.protocol !== 'https:' && url.protocol !== 'http:') throw new TypeError('not http(s)');
    const timeout = AbortSignal.timeout(totalMs);
    const signal = init?.signal ? AbortSignal.any([init.signal, timeout]) : timeout;
    try {
      signal.throwIfAborted();
      const socket = await secure(url, signal);
      const answer = await exchange(socket, url, { method, headers, body }, signal);
      return toResponse(answer, answerBytes);
    } catch (error) {
      // As fetch does: the reason of the signal, such as a time-out, comes before what it led to.
      throw signal.aborted ? signal.reason : error;
    }
  };
}

interface OutboundRequest {
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

async function readRequest(address: string, init?: RequestInit): Promise<OutboundRequest> {
  const { signal: _, ...rest } = init ?? {};
  // Checks all of it, and names the type of the body.
  const request = new Request(address, rest);
  return {
    method: request.method,
    headers: Object.fromEntries(request.headers),
    body: Buffer.from(await request.arrayBuffer()),
  };
}

function exchange(
  socket: Socket,
  url: URL,
  { method, headers, body }: OutboundRequest,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const request = httpRequest({
      createConnection: () => socket,
      method,
      path: url.pathname + url.search,
      headers: {
        accept: '*/*',
        'user-agent': 'latchkey',
        ...headers,
        host: url.host,
        connection: 'close',
        'accept-encoding': 'gzip, deflate, br',
        ...(body.length > 0 || method === 'POST' ? { 'content-length': body.length } : {}),
      },
    });
    const stop = (): unknown => socket.destroy(signal.reason as Error);
    signal.addEventListener('abort', stop);
    if (signal.aborted) stop();
    socket.once('close', () => signal.removeEventListener('abort', stop));
    request.on('error', reject);
    request.on('response', resolve);
    request.end(body);
  });
}

function toResponse(answer: IncomingMessage, answerBytes: number): Response {
  const status = answer.statusCode ?? 0;
  try {
    const headers = new Headers();
    for (let at = 0; at + 1 < answer.rawHeaders.length; at += 2)
      headers.append(answer.rawHeaders[at] ?? '', answer.rawHeaders[at + 1] ?? '');
    const init = { status, statusText: answer.statusMessage ?? '', headers };
    if (BODYLESS.has(status)) {
      answer.destroy();
      return new Response(null, init);
    }
    return new Response(ReadableStream.from(bounded(answer, answerBytes)), init);
  } catch (error) {
    answer.destroy();
    throw new NetworkError('its answer is not valid HTTP', { cause: error });
  }
}

/** A small answer may unfold to a very large one. */
async function* bounded(answer: IncomingMessage, answerBytes: number): AsyncGenerator<Uint8Array> {
  let bytes = 0;
  try {
    for await (const chunk of decoded(answer)) {
      bytes += chunk.length;
      if (bytes > answerBytes) throw new NetworkError('its answer is too large');
      yield chunk;
    }
  } finally {
    answer.destroy();
  }
}

function decoded(answer: IncomingMessage): AsyncIterable<Buffer> {
  const coding = answer.headers['content-encoding']?.toLowerCase() ?? 'identity';
  if (coding === 'identity') return answer as AsyncIterable<Buffer>;
  const decoder =
    coding === 'br'
      ? createBrotliDecompress()
      : /^(x-)?gzip$|^deflate$/.test(coding)
        ? createUnzip()
        : undefined;
  if (decoder === undefined) throw new NetworkError(`its answer is encoded as ${coding}`);
  answer.on('error', (error) => decoder.destroy(error));
  return answer.pipe(decoder) as Readable as AsyncIterable<Buffer>;
}
