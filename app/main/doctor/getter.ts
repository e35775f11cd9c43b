import type { Fetch } from '../agent/login/outbound.ts';
import type { ClockReading } from './check.ts';

/** A fetch that keeps what the other side's clock said. */
export interface Getter {
  readonly fetch: Fetch;
  clocks(): readonly ClockReading[];
}

/**
 * Makes a fetch that reads the `Date` of each answer.
 *
 * @param options the app's own fetch, whose clock is read, this computer's clock, when to give up
 * @returns the fetch
 * @see RFC 9110 §6.6.1
 */
export function createGetter(options: {
  readonly fetch: Fetch;
  readonly of: ClockReading['of'];
  readonly now: () => number;
  readonly signal: AbortSignal;
}): Getter {
  let last: ClockReading | undefined;
  return {
    clocks: () => (last ? [last] : []),
    async fetch(url, init) {
      const askedAtMs = options.now();
      const signal = init?.signal ? AbortSignal.any([init.signal, options.signal]) : options.signal;
      const response = await options.fetch(url, { ...init, signal });
      const middleMs = (askedAtMs + options.now()) / 2;
      // Date has whole seconds: half a second later is the best guess.
      const theirsMs = Date.parse(response.headers.get('date') ?? '') + 500;
      if (Number.isFinite(theirsMs)) last = { of: options.of, aheadMs: middleMs - theirsMs };
      return response;
    },
  };
}
