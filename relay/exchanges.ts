import type { ClosedBy } from '../wire/forward.ts';
import type { Principal } from './auth/principal.ts';

/** The exchanges now open, so that they can be ended when access ends. */
export interface Exchanges {
  /**
   * @param principal whose exchange it is: it ends with the token, or when that is revoked
   * @returns the `register` that forward and tunnel call
   */
  registrar(principal: Principal): (cut: (by: ClosedBy) => void) => () => void;
  count(): number;
  /** Resolves when none is open, or after the time given, when the rest are cut. */
  drain(timeoutMs: number): Promise<void>;
  close(): void;
}

interface Open {
  readonly principal: Principal;
  readonly cut: (by: ClosedBy) => void;
}

/**
 * Keeps the open exchanges. One timer looks at all of them each second: a timer for each request
 * would cost more than it is worth.
 *
 * @param now the clock, epoch ms
 * @returns the register
 */
export function createExchanges(now: () => number): Exchanges {
  const open = new Set<Open>();
  let drained: (() => void) | undefined;
  const sweep = setInterval(() => {
    const at = now();
    for (const exchange of open) if (exchange.principal.expiresAtMs <= at) exchange.cut('expiry');
  }, 1000);
  sweep.unref();
  return {
    registrar: (principal) => (cut) => {
      const exchange = { principal, cut };
      open.add(exchange);
      return () => {
        open.delete(exchange);
        if (open.size === 0) drained?.();
      };
    },
    count: () => open.size,
    async drain(timeoutMs) {
      if (open.size === 0) return;
      await new Promise<void>((resolve) => {
        const deadline = setTimeout(() => {
          for (const exchange of open) exchange.cut('drain');
          resolve();
        }, timeoutMs);
        drained = () => {
          clearTimeout(deadline);
          resolve();
        };
      });
    },
    close: () => clearInterval(sweep),
  };
}
