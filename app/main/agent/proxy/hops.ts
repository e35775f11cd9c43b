import http from 'node:http';
import https from 'node:https';
import type { NextHop } from '../../../../wire/next-hop.ts';

/** The connections to the relay. */
export interface Hops {
  /** The next hop for a relay's URL; the same pool for the same origin. */
  to(relay: URL): NextHop;
  close(): void;
}

/**
 * Keeps one pool of kept-alive connections to the relay.
 *
 * @returns the pool
 */
export function createHops(): Hops {
  let current: { readonly origin: string; readonly hop: NextHop } | undefined;
  return {
    to(relay) {
      if (current?.origin === relay.origin) return current.hop;
      current?.hop.agent.destroy();
      const secure = relay.protocol === 'https:';
      const options = { keepAlive: true, scheduling: 'lifo', maxFreeSockets: 64 } as const;
      const hop: NextHop = {
        protocol: secure ? 'https:' : 'http:',
        hostname: relay.hostname.replace(/^\[|\]$/g, ''),
        port: relay.port === '' ? (secure ? 443 : 80) : Number(relay.port),
        agent: secure ? new https.Agent(options) : new http.Agent(options),
      };
      current = { origin: relay.origin, hop };
      return hop;
    },
    close() {
      current?.hop.agent.destroy();
      current = undefined;
    },
  };
}
