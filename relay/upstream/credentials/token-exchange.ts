import { createHash } from 'node:crypto';
import type { ExpiringCache } from '../../auth/introspection-cache.ts';
import type { TokenEndpoint } from '../../config/api-config.ts';
import { RelayError } from '../../errors.ts';
import type { Caller, Shown } from './credentials.ts';
import { grantParameters } from './grant.ts';
import { TokenProblem, type TokenClient, type TokenEvent } from './token-client.ts';
import { bearerFields, servesUntilMs, type TokenSource } from './token-source.ts';

/** What an exchange works with. */
export interface TokenExchangeDeps {
  /** Epoch ms. */
  readonly now: () => number;
  readonly log: (event: TokenEvent) => void;
  readonly createCache: <Value>(capacity: number) => ExpiringCache<Value>;
}

const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token';
/** Callers remembered, those who were refused apart, so that a flood of them evicts no good one. */
const KEPT = 5_000;
/** Exchanges under way at once. */
const CONCURRENT = 64;
/** How long a refusal of the endpoint stands; an administrator may just be granting what lacks. */
const REFUSED_MS = 10_000;
/** How often refusals are told in the log, however many callers are refused. */
const TOLD_MS = 60_000;

function denied(cause?: unknown): RelayError {
  return new RelayError(
    'denied',
    'The identity provider does not exchange your access token for one that this API takes. Ask your administrator for access to the API, or sign in again.',
    { cause },
  );
}

function unavailable(cause?: unknown): RelayError {
  return new RelayError(
    'no_upstream',
    'Your access token cannot be exchanged for one that this API takes at the moment. Try again shortly.',
    { cause },
  );
}

/**
 * Makes the source of tokens that callers' tokens are exchanged for. Each is kept by its caller's
 * token, which was verified before it comes here, and never beyond that one's end.
 *
 * @param endpoint whom to ask, and for what
 * @param client asks it
 * @param deps clock, log, memory
 * @returns the source
 * @see RFC 8693 §2.1
 */
export function createTokenExchange(
  endpoint: TokenEndpoint,
  client: TokenClient,
  deps: TokenExchangeDeps,
): TokenSource {
  const { now, log } = deps;
  const fixed = {
    grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
    subject_token_type: ACCESS_TOKEN,
    requested_token_type: ACCESS_TOKEN,
    ...grantParameters(endpoint),
  };
  const issued = deps.createCache<Shown>(KEPT);
  const refused = deps.createCache<RelayError>(KEPT);
  const underWay = new Map<string, Promise<Shown>>();
  let tellAtMs = 0;

  function tell(problem: string): void {
    const nowMs = now();
    if (nowMs < tellAtMs) return;
    tellAtMs = nowMs + TOLD_MS;
    log({ event: 'token_exchange_refused', endpoint: endpoint.url, problem });
  }

  async function exchange(token: string, hash: string, endsAtMs: number): Promise<Shown> {
    try {
      const answer = await client.ask({ ...fixed, subject_token: token });
      const shown: Shown = {
        fields: bearerFields(answer.token),
        // The endpoint may have revoked it: the next request gets another.
        refused: () => issued.delete(hash),
      };
      const untilMs = servesUntilMs(answer.issuedAtMs, answer.expiresAtMs);
      issued.set(hash, shown, answer.issuedAtMs, Math.min(untilMs, endsAtMs));
      return shown;
    } catch (error) {
      if (!(error instanceof TokenProblem) || error.kind !== 'refused') throw unavailable(error);
      tell(error.message);
      const refusal = denied(error);
      refused.set(hash, refusal, now(), now() + REFUSED_MS);
      throw refusal;
    }
  }

  async function exchangeOnce(token: string, hash: string, endsAtMs: number): Promise<Shown> {
    const shared = underWay.get(hash);
    if (shared !== undefined) return await shared;
    if (underWay.size >= CONCURRENT) throw unavailable();
    const asked = exchange(token, hash, endsAtMs).finally(() => underWay.delete(hash));
    underWay.set(hash, asked);
    return await asked;
  }

  return {
    token(caller: Caller) {
      const token = caller.token();
      const hash = createHash('sha256').update(token).digest('base64');
      const nowMs = now();
      const known = issued.get(hash, nowMs);
      if (known !== undefined) return known;
      const refusal = refused.get(hash, nowMs);
      if (refusal !== undefined) throw refusal;
      return exchangeOnce(token, hash, caller.expiresAtMs);
    },
    close: client.close,
  };
}
