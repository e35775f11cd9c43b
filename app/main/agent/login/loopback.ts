import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Outcome, ResultPage } from './result-page.ts';
import { createHash, timingSafeEqual } from 'node:crypto';
import { createServer } from 'node:http';
import { AgentError } from '../errors.ts';
import { resultPage, strayPage } from './result-page.ts';

/** The one right callback of an attempt; the browser waits until `answer` is called. */
export interface Callback {
  readonly url: URL;
  answer(outcome: Outcome): void;
}

/** A listener that serves one sign-in attempt. */
export interface Loopback {
  /** With the real port, as it must be sent to the provider. */
  readonly redirectUri: string;
  /** @throws {AgentError} `sign_in_timeout`, `sign_in_cancelled` */
  callback(): Promise<Callback>;
  close(): Promise<void>;
}

/** What {@link openLoopback} works with. */
export interface LoopbackOptions {
  /** Host and path as registered at the provider; its port, if any, is not used. */
  readonly redirectUri: string;
  /** The only ports to try, in order; empty means any free one. */
  readonly redirectPorts: readonly number[];
  /** Tells this attempt from any other. */
  readonly state: string;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/**
 * Listens for the provider's answer to one sign-in attempt.
 *
 * @param options redirect URI, ports, state, time-out in ms, cancellation
 * @returns the listener; close it whatever happens
 * @throws {AgentError} `callback_port` when none of the ports is free
 * @see RFC 8252 §7.3, §8.3
 */
export async function openLoopback(options: LoopbackOptions): Promise<Loopback> {
  const registered = new URL(options.redirectUri);
  const hosts = listenHosts(registered.hostname);
  const servers = await bindFirst(hosts, options.redirectPorts);
  const redirect = new URL(registered);
  redirect.port = String(portOf(servers));

  let settle: { resolve(callback: Callback): void; reject(error: AgentError): void } | undefined;
  const arrived = new Promise<Callback>((resolve, reject) => {
    settle = { resolve, reject };
  });
  // Nobody may be waiting yet when the time is over.
  arrived.catch(() => undefined);
  let taken: ServerResponse | undefined;

  function serve(request: IncomingMessage, response: ServerResponse): void {
    const url = callbackUrl(request, redirect, options.state);
    if (typeof url === 'number') return send(response, strayPage(url));
    if (taken) return send(response, strayPage(409));
    taken = response;
    settle?.resolve({
      url,
      answer: (outcome) => send(response, resultPage(outcome)),
    });
  }
  for (const server of servers) server.on('request', serve);

  const timer = setTimeout(() => {
    settle?.reject(
      new AgentError(
        'sign_in_timeout',
        'The sign-in was not finished in the browser in time. Start it again.',
      ),
    );
  }, options.timeoutMs);
  const cancel = (): void => {
    settle?.reject(new AgentError('sign_in_cancelled', 'The sign-in was cancelled.'));
  };
  if (options.signal.aborted) cancel();
  options.signal.addEventListener('abort', cancel, { once: true });

  return {
    redirectUri: redirect.href,
    callback: () => arrived,
    async close() {
      clearTimeout(timer);
      options.signal.removeEventListener('abort', cancel);
      cancel();
      if (taken && !taken.headersSent) {
        send(taken, resultPage({ kind: 'failed', message: 'The sign-in was stopped.' }));
      }
      await Promise.all(servers.map(shut));
    },
  };
}

function portOf(servers: readonly Server[]): number {
  const address = servers[0]?.address();
  if (typeof address === 'object' && address) return address.port;
  throw new AgentError('callback_port', 'The listener for the sign-in ended. Sign in again.');
}

/** The callback if the request is exactly that, else the status of the refusal. */
function callbackUrl(request: IncomingMessage, redirect: URL, state: string): URL | 404 | 405 {
  const target = request.url ?? '';
  const mark = target.indexOf('?');
  // A page that found a rebound name for this port, or guessed another path, gets nothing.
  if (request.headers.host !== redirect.host || mark < 0) return 404;
  if (target.slice(0, mark) !== redirect.pathname) return 404;
  if (request.method !== 'GET') return 405;
  if (request.headers['sec-purpose'] ?? request.headers['purpose']) return 404;
  const url = new URL(redirect);
  url.search = target.slice(mark);
  const given = url.searchParams.getAll('state');
  if (given.length !== 1 || !sameSecret(given[0] ?? '', state)) return 404;
  const answers = url.searchParams.getAll('code').length + url.searchParams.getAll('error').length;
  return answers === 1 ? url : 404;
}

function sameSecret(a: string, b: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(a), digest(b));
}

function send(response: ServerResponse, page: ResultPage): void {
  if (response.headersSent || response.destroyed) return;
  response.writeHead(page.status, page.headers);
  response.end(page.body);
}

/** `localhost` may resolve to either family, so the browser must find us on both. */
function listenHosts(hostname: string): readonly string[] {
  if (hostname === 'localhost') return ['127.0.0.1', '::1'];
  return [hostname === '[::1]' ? '::1' : '127.0.0.1'];
}

async function bindFirst(hosts: readonly string[], ports: readonly number[]): Promise<Server[]> {
  let last: unknown;
  // Any free port: another process may hold the same number on the other family, so try a few.
  for (const port of ports.length > 0 ? ports : [0, 0, 0, 0, 0]) {
    try {
      return await bindAll(hosts, port);
    } catch (error) {
      last = error;
    }
  }
  const named =
    ports.length > 0
      ? `Port ${ports.join(', ')} on this computer ${ports.length > 1 ? 'are' : 'is'} taken; the identity provider sends its answer only there. Close the program that uses ${ports.length > 1 ? 'one of them' : 'it'} and sign in again.`
      : 'This computer has no free port for the answer of the identity provider.';
  throw new AgentError('callback_port', named, { cause: last });
}

async function bindAll(hosts: readonly string[], wanted: number): Promise<Server[]> {
  const servers: Server[] = [];
  let port = wanted;
  try {
    for (const host of hosts) {
      const server = await bind(host, port).catch((error: unknown) => {
        if (servers.length > 0 && hasNoSuchFamily(error)) return undefined;
        throw error;
      });
      if (!server) continue;
      servers.push(server);
      ({ port } = server.address() as AddressInfo);
    }
    return servers;
  } catch (error) {
    await Promise.all(servers.map(shut));
    throw error;
  }
}

function hasNoSuchFamily(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return code === 'EADDRNOTAVAIL' || code === 'EAFNOSUPPORT';
}

function bind(host: string, port: number): Promise<Server> {
  const server = createServer({ headersTimeout: 5000, requestTimeout: 5000 });
  server.maxConnections = 32;
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host, port, exclusive: true, ipv6Only: true }, () => {
      server.removeListener('error', reject);
      server.on('error', () => undefined);
      resolve(server);
    });
  });
}

const lingerMs = 1000;

/** Lets the last page reach the browser, but not for long. */
function shut(server: Server): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => server.closeAllConnections(), lingerMs);
    server.close(() => {
      clearTimeout(timer);
      resolve();
    });
    server.closeIdleConnections();
  });
}
