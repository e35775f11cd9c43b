import { createConnectionPool, type ConnectionPool } from '../../../../wire/connection-pool.ts';
import type { NextHop } from '../../../../wire/next-hop.ts';
import type { RelayPath } from '../network/network.ts';

/** The connections to the relay. */
export interface Hops {
  /**
   * The next hop for a relay's URL; the same pool as long as the relay and the way to it stay the same.
   *
   * @throws {AgentError} `bad_settings` when the authorities of the settings cannot be read
   */
  to(relay: URL): NextHop;
  /** Another network, or the end of a sleep: connections that rest may be dead without anybody knowing. */
  renew(): void;
  close(): void;
}

/** How many pools of former ways may still have requests under way. */
const MAX_FORMER = 4;

/**
 * Keeps one pool of kept-alive connections to the relay.
 *
 * @param path the way to the relay; without it, directly and with the system's trust
 * @returns the pool
 */
export function createHops(path?: RelayPath): Hops {
  let current: { readonly origin: string; readonly way: string; readonly hop: NextHop } | undefined;
  let former: readonly ConnectionPool[] = [];

  /** Another relay must see nothing more; on another way, what is under way may end. */
  function leave(origin: string): void {
    if (current === undefined) return;
    const { pool } = current.hop;
    if (current.origin !== origin) return closeAll();
    pool.retire();
    former.slice(MAX_FORMER - 1).forEach((each) => each.destroy());
    former = [pool, ...former.slice(0, MAX_FORMER - 1)];
  }

  function closeAll(): void {
    for (const pool of former) pool.destroy();
    former = [];
    current?.hop.pool.destroy();
    current = undefined;
  }

  return {
    to(relay) {
      const { origin } = relay;
      const way = path?.way(relay) ?? 'direct';
      if (current?.origin === origin && current.way === way) return current.hop;
      const secure = relay.protocol === 'https:';
      const secureContext = secure ? path?.secureContext() : undefined;
      leave(origin);
      const pool = createConnectionPool({
        host: relay.hostname.replace(/^\[|\]$/g, ''),
        port: relay.port === '' ? (secure ? 443 : 80) : Number(relay.port),
        maxIdle: 64,
        ...(secure ? { tls: secureContext === undefined ? {} : { secureContext } } : {}),
        ...(way === 'direct' || path === undefined ? {} : { dial: () => path.open(relay) }),
      });
      current = { origin, way, hop: { pool } };
      return current.hop;
    },
    renew() {
      if (current === undefined) return;
      leave(current.origin);
      current = undefined;
    },
    close: closeAll,
  };
}
