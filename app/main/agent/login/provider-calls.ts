import * as client from 'openid-client';
import type { Fetch } from './outbound.ts';
import { configurationOf, discoverMetadata, type Party } from './provider-discovery.ts';
import { providerError, type Step } from './provider-errors.ts';
import { guarded } from './provider-fetch.ts';

/** How one call is made. */
export interface CallOptions {
  /** How the client shows who it is; a public client only names itself. */
  readonly authentication?: client.ClientAuth;
  readonly signal?: AbortSignal;
}

/** Calls to providers, whose metadata is kept while they succeed. */
export interface ProviderCalls {
  /**
   * The provider's metadata, for what needs no call.
   *
   * @throws {AgentError} `provider_unreachable`, `provider_protocol`
   */
  connect(party: Party): Promise<client.Configuration>;
  /**
   * Makes one call; the answer is judged as what this step's answer means.
   *
   * @throws {AgentError} in words for people
   */
  run<T>(
    party: Party,
    step: Step,
    call: (config: client.Configuration) => Promise<T>,
    options?: CallOptions,
  ): Promise<T>;
}

/** What {@link createProviderCalls} works with. */
export interface ProviderCallsDeps {
  readonly fetch: Fetch;
  /** The time-out of each call, in ms. */
  readonly timeoutMs: number;
}

/**
 * Makes the caller of providers.
 *
 * @param deps fetch, and the time-out of each call in ms
 * @returns the caller; metadata is fetched at first use
 */
export function createProviderCalls(deps: ProviderCallsDeps): ProviderCalls {
  const known = new Map<string, Promise<client.ServerMetadata>>();

  function find(party: Party): Promise<client.ServerMetadata> {
    const { issuer, clientId, endpoints = {} } = party;
    const key = JSON.stringify([issuer, clientId, endpoints]);
    const kept = known.get(key);
    if (kept) return kept;
    const fetch = guarded(deps.fetch, issuer, 'discovery', deps.timeoutMs);
    const found = discoverMetadata({ issuer, clientId, endpoints }, fetch);
    known.set(key, found);
    found.catch(() => known.delete(key));
    return found;
  }

  function fetchUntil(signal: AbortSignal | undefined): Fetch {
    if (!signal) return deps.fetch;
    return (url, init) => {
      const signals = init?.signal ? [signal, init.signal] : [signal];
      return deps.fetch(url, { ...init, signal: AbortSignal.any(signals) });
    };
  }

  return {
    connect: async (party) => configurationOf(await find(party), party),
    async run(party, step, call, options = {}) {
      const config = configurationOf(await find(party), party, options.authentication);
      const fetch = fetchUntil(options.signal);
      config[client.customFetch] = guarded(fetch, party.issuer, step, deps.timeoutMs);
      try {
        return await call(config);
      } catch (error) {
        // Endpoints may have moved; the next try asks again.
        known.clear();
        throw providerError(error, party.issuer, step);
      }
    },
  };
}
