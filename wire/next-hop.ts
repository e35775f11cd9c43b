import type { ConnectionPool } from './connection-pool.ts';

/** Where a request goes next. */
export interface NextHop {
  readonly pool: ConnectionPool;
}
