import { connect, isIP, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { openTunnel } from './connect-tunnel.ts';
import { NetworkError } from './network-error.ts';
import type { ProxyChoice } from './proxy-choice.ts';
import { proxyName, type ProxyServer, type Route } from './route.ts';
import type { Trust } from './trust.ts';

/** How long one route may take while there is another, and the last one. */
const TIMES = { eachMs: 4_000, lastMs: 9_000 };

/** Opens connections to servers, through a proxy where one is chosen. */
export interface Dialer {
  /**
   * Tries each route in turn.
   *
   * @param url the server; of it only host and port count
   * @param signal nobody wants the connection any more
   * @returns a connection to the server, without its TLS
   * @throws {NetworkError} when no proxy leads there; what the system says when a direct way fails
   */
  dial(url: URL, signal: AbortSignal): Promise<Socket>;
}

/**
 * Makes a dialer.
 *
 * @param choice of the routes
 * @param trust for proxies that are spoken to over TLS
 * @param times `eachMs` and `lastMs`, in ms; for tests
 * @returns the dialer
 */
export function createDialer(
  choice: ProxyChoice,
  trust: Trust,
  times: Partial<typeof TIMES> = {},
): Dialer {
  const { eachMs, lastMs } = { ...TIMES, ...times };

  async function along(route: Route, url: URL, signal: AbortSignal): Promise<Socket> {
    if (route.kind === 'refused') throw new NetworkError(route.reason);
    const { port, authority } = addressOf(url);
    if (route.kind === 'direct') {
      const socket = connect({ host: bare(url.hostname), port, noDelay: true });
      await ready(socket, 'connect', signal);
      return socket;
    }
    const { proxy } = route;
    const socket = reach(proxy, trust);
    await ready(socket, proxy.secure ? 'secureConnect' : 'connect', signal).catch(
      (error: unknown) => {
        throw unreachable(proxy, error);
      },
    );
    const stop = (): unknown => socket.destroy(new Error('no answer'));
    signal.addEventListener('abort', stop);
    try {
      await openTunnel(socket, proxy, authority);
    } finally {
      signal.removeEventListener('abort', stop);
    }
    return socket;
  }

  async function attempt(route: Route, url: URL, signal: AbortSignal, ms: number): Promise<Socket> {
    const timer = new AbortController();
    const timeout = setTimeout(() => timer.abort(), ms);
    try {
      return await along(route, url, AbortSignal.any([signal, timer.signal]));
    } catch (error) {
      if (!timer.signal.aborted || signal.aborted) throw error;
      if (route.kind !== 'proxy') throw Object.assign(new Error('timeout'), { code: 'ETIMEDOUT' });
      const name = proxyName(route.proxy);
      throw new NetworkError(`the proxy ${name} does not answer in time`, { cause: error });
    } finally {
      clearTimeout(timeout);
    }
  }

  return {
    async dial(url, signal) {
      const routes = await choice.routes(url);
      const faults: unknown[] = [];
      for (const [index, route] of routes.entries()) {
        if (signal.aborted) break;
        try {
          const isLast = index === routes.length - 1;
          return await attempt(route, url, signal, isLast ? lastMs : eachMs);
        } catch (error) {
          faults.push(error);
          if (!signal.aborted && route.kind === 'proxy') choice.failed(url, route);
        }
      }
      throw signal.aborted ? new NetworkError('the call was given up') : together(faults);
    },
  };
}

/** A single fault stays what it is: others know its code. */
function together(faults: readonly unknown[]): unknown {
  if (faults.length === 1) return faults[0];
  const said = faults.map((fault) =>
    fault instanceof NetworkError
      ? fault.message
      : `the direct way failed (${(fault as NodeJS.ErrnoException).code ?? 'unknown error'})`,
  );
  return new NetworkError([...new Set(said)].join('; then '), { cause: faults[0] });
}

function reach(proxy: ProxyServer, trust: Trust): Socket {
  const { host, port, secure } = proxy;
  if (!secure) return connect({ host, port, noDelay: true });
  const secureContext = trust.secureContext();
  const servername = isIP(host) === 0 ? { servername: host } : {};
  return connectTls({ host, port, secureContext, ...servername, ALPNProtocols: ['http/1.1'] });
}

function ready(
  socket: Socket,
  event: 'connect' | 'secureConnect',
  signal: AbortSignal,
): Promise<void> {
  // Whoever takes the socket over comes a little later than an error may.
  socket.on('error', () => undefined);
  return new Promise((resolve, reject) => {
    const stop = (): unknown => socket.destroy(new Error('no connection'));
    const settle = (error?: Error): void => {
      signal.removeEventListener('abort', stop);
      socket.off(event, settle);
      socket.off('error', settle);
      socket.off('close', closed);
      if (error === undefined) resolve();
      else reject(error);
    };
    const closed = (): void => settle(new Error('closed'));
    socket.once(event, settle);
    socket.once('error', settle);
    socket.once('close', closed);
    signal.addEventListener('abort', stop);
    if (signal.aborted) stop();
  });
}

function unreachable(proxy: ProxyServer, error: unknown): NetworkError {
  const code = (error as NodeJS.ErrnoException).code ?? 'unknown error';
  const isTls = /CERT|SELF_SIGNED|SIGNATURE|ISSUER/.test(code);
  const why = isTls
    ? `its certificate is not trusted: ${code}; name your company's CA in network.caFile`
    : `${code}; check its host and port, and the network`;
  return new NetworkError(`the proxy ${proxyName(proxy)} cannot be reached (${why})`, {
    cause: error,
  });
}

function addressOf(url: URL): { readonly port: number; readonly authority: string } {
  const port = url.port === '' ? (url.protocol === 'https:' ? 443 : 80) : Number(url.port);
  return { port, authority: `${url.hostname}:${port}` };
}

function bare(hostname: string): string {
  return hostname.replace(/^\[|\]$/g, '');
}
