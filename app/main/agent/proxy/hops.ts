import { createConnectionPool } from '../../../../wire/connection-pool.ts';
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
      current?.hop.pool.destroy();
      const secure = relay.protocol === 'https:';
      const pool = createConnectionPool({
        host: relay.hostname.replace(/^\[|\]$/g, ''),
        port: relay.port === '' ? (secure ? 443 : 80) : Number(relay.port),
        maxIdle: 64,
        ...(secure ? { tls: {} } : {}),
      });
      const hop: NextHop = { pool };
      current = { origin: relay.origin, hop };
      return hop;
    },
    close() {
      current?.hop.pool.destroy();
      current = undefined;
    },
  };
}
