import type { ClosedBy } from '../wire/forward-plan.ts';
import type { Principal } from './auth/principal.ts';
import type { SharedState } from './state/shared-state.ts';

/** The exchanges now open, so that they can be ended when access ends. */
export interface Exchanges {
  /**
   * @param principal whose exchange it is: it ends with the token, or when that is revoked
   * @returns the `register` that forward and tunnel call
   */
  registrar(principal: Principal): (cut: (by: ClosedBy) => void) => () => void;
  /** How many are open, or how many of those whose principal matches. */
  count(matches?: (principal: Principal) => boolean): number;
  /** Ends all. */
  cut(by: ClosedBy): void;
  close(): void;
}

/** Where it is known which tokens were revoked. */
type Revocations = Pick<SharedState, 'isRevoked' | 'onRevoked'>;

interface Open {
  readonly principal: Principal;
  readonly cut: (by: ClosedBy) => void;
  /** Its place in the list; -1 when it is over. */
  at: number;
}

/**
 * Keeps the open exchanges. One timer looks at all of them each second: a timer for each request
 * would cost more than it is worth. It also finds the exchange that began while its token was revoked.
 *
 * @param now the clock, epoch ms
 * @param revocations ends the exchanges of revoked tokens, at once
 * @returns the register
 */
export function createExchanges(now: () => number, revocations: Revocations): Exchanges {
  /**
   * A list, not a Set: what comes and goes with each request makes a Set replace its table all the time, and the
   * old table points to the new one. Once one of them is in V8's old generation, it keeps all that follow, and
   * whatever was in them, until a full collection: that cost a third of the CPU time.
   */
  const open: Open[] = [];

  /** The last one takes its place. */
  function forget(exchange: Open): void {
    if (exchange.at < 0) return;
    const last = open.pop() as Open;
    if (last !== exchange) {
      open[exchange.at] = last;
      last.at = exchange.at;
    }
    exchange.at = -1;
  }

  function cutRevoked(): void {
    try {
      for (const { principal, cut } of open.slice())
        if (revocations.isRevoked(principal)) cut('revocation');
    } catch {
      // While nobody can tell, new requests are refused, but what is under way goes on.
    }
  }
  function cutExpired(): void {
    const at = now();
    for (const { principal, cut } of open.slice()) if (principal.expiresAtMs <= at) cut('expiry');
  }

  const unsubscribe = revocations.onRevoked(cutRevoked);
  const sweep = setInterval(() => {
    cutExpired();
    cutRevoked();
  }, 1000);
  sweep.unref();
  return {
    registrar: (principal) => (cut) => {
      const exchange: Open = { principal, cut, at: open.length };
      open.push(exchange);
      return () => forget(exchange);
    },
    count: (matches) =>
      matches === undefined
        ? open.length
        : open.filter(({ principal }) => matches(principal)).length,
    cut(by) {
      for (const exchange of open.slice()) exchange.cut(by);
    },
    close() {
      clearInterval(sweep);
      unsubscribe();
    },
  };
}
