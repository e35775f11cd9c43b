import { RelayError } from '../../errors.ts';
import type { TokenEndpoint } from '../../config/api-config.ts';
import type { Shown } from './credentials.ts';
import { grantParameters } from './grant.ts';
import type { TokenClient } from './token-client.ts';
import { bearerFields, servesUntilMs, type TokenSource } from './token-source.ts';

interface Current {
  readonly shown: Shown;
  readonly fromMs: number;
  readonly renewAtMs: number;
  readonly untilMs: number;
}

/** After a failed renewal, how long the token at hand serves before the next try. */
const RENEWAL_PAUSE_MS = 5_000;
/** An API that refuses a token for a reason of its own must not make each request fetch another. */
const REFUSED_PAUSE_MS = 10_000;

/**
 * Makes the source of a token that the relay gets for itself: one for all callers, renewed by use
 * when 80 % of its life is over, while it still serves.
 *
 * @param endpoint whom to ask, and for what
 * @param client asks it
 * @param now epoch ms
 * @returns the source; nothing is asked before the first request
 * @see RFC 6749 §4.4
 */
export function createClientCredentials(
  endpoint: TokenEndpoint,
  client: TokenClient,
  now: () => number,
): TokenSource {
  const grant = { grant_type: 'client_credentials', ...grantParameters(endpoint) };
  let current: Current | undefined;
  let underWay: Promise<Shown> | undefined;
  let pauseUntilMs = 0;

  async function fetchToken(): Promise<Shown> {
    const { token, issuedAtMs, expiresAtMs } = await client.ask(grant);
    const kept: Current = {
      shown: {
        fields: bearerFields(token),
        refused() {
          if (current === kept && now() >= kept.fromMs + REFUSED_PAUSE_MS) current = undefined;
        },
      },
      fromMs: issuedAtMs,
      renewAtMs: issuedAtMs + 0.8 * (expiresAtMs - issuedAtMs),
      untilMs: servesUntilMs(issuedAtMs, expiresAtMs),
    };
    current = kept;
    return kept.shown;
  }

  /** One question at a time, however many requests wait for its answer. */
  function renew(): Promise<Shown> {
    underWay ??= fetchToken().finally(() => {
      underWay = undefined;
    });
    return underWay;
  }

  async function renewed(): Promise<Shown> {
    try {
      return await renew();
    } catch (cause) {
      throw new RelayError(
        'no_upstream',
        'The relay cannot get its own access token for this API at the moment. Try again shortly.',
        { cause },
      );
    }
  }

  return {
    token() {
      const nowMs = now();
      // A clock that was set back must not make a token serve for longer.
      if (current === undefined || nowMs >= current.untilMs || nowMs < current.fromMs)
        return renewed();
      if (nowMs >= current.renewAtMs && nowMs >= pauseUntilMs && underWay === undefined)
        renew().catch(() => {
          pauseUntilMs = now() + RENEWAL_PAUSE_MS;
        });
      return current.shown;
    },
    close: client.close,
  };
}
