import { createHash } from 'node:crypto';
import type { Principal } from '../auth/principal.ts';
import type { RateLimit } from '../config/api-config.ts';
import { RelayError } from '../errors.ts';
import type { SharedState } from '../state/shared-state.ts';

/** Whose request it is. */
export interface Claimant {
  readonly principal: Principal;
  readonly ip: string;
}

/** The allowances of one API, and of the relay as a whole. */
export interface Limits {
  /**
   * Takes one of each allowance that the request counts against.
   *
   * @throws {rate_limited} one is used up
   */
  take(claimant: Claimant): Promise<void>;
}

/** One exchange among those that may be open at once. */
export interface Places {
  /**
   * Takes a place.
   *
   * @throws {rate_limited} all are taken
   */
  take(): void;
  giveBack(): void;
}

function limited(detail: string, waitMs: number): RelayError {
  return new RelayError('rate_limited', detail, {
    retryAfterSeconds: Math.max(1, Math.ceil(waitMs / 1000)),
  });
}

function holderOf(by: RateLimit['by'], { principal, ip }: Claimant): string {
  switch (by) {
    case 'user':
      return `${principal.issuer}\n${principal.subject}`;
    case 'client':
      return `${principal.issuer}\n${principal.clientId ?? ''}`;
    case 'ip':
      return ip;
    case 'api':
      return '';
    default:
      return by satisfies never;
  }
}

/** What relays tell each other must neither grow with a name nor give it away. */
const keyOf = (scope: string, holder: string): string =>
  createHash('sha256').update(`rate\n${scope}\n${holder}`).digest('base64url');

/**
 * Compiles allowances.
 *
 * @param scope the API's name; empty for all APIs together
 * @param rates as configured
 * @param state where relays and workers count together
 * @returns what takes from them; undefined where there are none
 */
export function createLimits(
  scope: string,
  rates: readonly RateLimit[],
  state: Pick<SharedState, 'take'>,
): Limits | undefined {
  if (rates.length === 0) return undefined;
  const compiled = rates.map((rate, at) => ({ ...rate, scope: `${scope}\n${at}\n${rate.by}` }));
  return {
    async take(claimant) {
      for (const { by, requests, perMs, scope } of compiled) {
        const waitMs = await state.take(keyOf(scope, holderOf(by, claimant)), { requests, perMs });
        if (waitMs > 0)
          throw limited(`Only ${requests} requests in ${perMs / 1000} s are allowed here.`, waitMs);
      }
    },
  };
}

/**
 * Counts the exchanges of one API that are open at once.
 *
 * @param most how many may be
 * @returns their places; undefined where there is no bound
 */
export function createPlaces(most: number | undefined): Places | undefined {
  if (most === undefined) return undefined;
  let taken = 0;
  return {
    take() {
      if (taken >= most)
        throw limited(
          `Only ${most} requests at a time are allowed here; one must end first.`,
          1000,
        );
      taken += 1;
    },
    giveBack() {
      taken -= 1;
    },
  };
}
