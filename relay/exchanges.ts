import type { ClosedBy, Cuttable, Registration } from '../wire/forward-plan.ts';
import { Listed } from '../wire/listed.ts';
import type { Principal } from './auth/principal.ts';
import type { SharedState } from './state/shared-state.ts';

/** The exchanges now open, so that they can be ended when access ends. */
export interface Exchanges {
  /**
   * @param principal whose exchange it is: it ends when the token is revoked, and, once its answer has
   *   begun, with the token
   * @param gracefulMs how long it may then go on
   * @returns the `register` that forward and tunnel call
   */
  registrar(principal: Principal, gracefulMs: number): (exchange: Cuttable) => Registration;
  /** How many are open, or how many of those whose principal matches. */
  count(matches?: (principal: Principal) => boolean): number;
  /** Ends all. */
  cut(by: ClosedBy): void;
  close(): void;
}

/** Where it is known which tokens were revoked. */
type Revocations = Pick<SharedState, 'isRevoked' | 'onRevoked'>;

/** A place in the list of what is open. */
class Open extends Listed implements Registration {
  readonly principal: Principal;
  /** What begins on a token that ended a moment ago, by another clock, has that clock's time. */
  readonly endsAtMs: number;
  private readonly exchange: Cuttable;

  constructor(
    list: Open[],
    principal: Principal,
    exchange: Cuttable,
    nowMs: number,
    gracefulMs: number,
  ) {
    super(list);
    const { acceptedUntilMs, expiresAtMs } = principal;
    this.principal = principal;
    this.endsAtMs = (nowMs < expiresAtMs ? expiresAtMs : acceptedUntilMs) + gracefulMs;
    this.exchange = exchange;
  }

  cut(by: ClosedBy): void {
    this.exchange.cut(by);
  }

  /** A request that was let in is answered: only what goes on beyond that ends with its token. */
  cutExpired(nowMs: number): void {
    if (this.endsAtMs <= nowMs && this.exchange.hasBegun()) this.exchange.cut('expiry');
  }

  end(): void {
    this.leave();
  }
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
  const open: Open[] = [];

  function cutRevoked(): void {
    try {
      for (const each of open.slice())
        if (revocations.isRevoked(each.principal)) each.cut('revocation');
    } catch {
      // While nobody can tell, new requests are refused, but what is under way goes on.
    }
  }
  function cutExpired(): void {
    const at = now();
    for (const each of open.slice()) each.cutExpired(at);
  }

  const unsubscribe = revocations.onRevoked(cutRevoked);
  const sweep = setInterval(() => {
    cutExpired();
    cutRevoked();
  }, 1000);
  sweep.unref();
  return {
    registrar: (principal, gracefulMs) => (exchange) =>
      new Open(open, principal, exchange, now(), gracefulMs),
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
