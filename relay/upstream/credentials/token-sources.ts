import { createHash } from 'node:crypto';
import type { UpstreamCredentials } from '../../config/api-config.ts';
import type { RelayConfig } from '../../config/config.ts';
import { createClientCredentials } from './client-credentials.ts';
import { createTokenClient, type TokenClientDeps } from './token-client.ts';
import { createTokenExchange, type TokenExchangeDeps } from './token-exchange.ts';
import type { TokenSource } from './token-source.ts';

/** Credentials that are tokens of an authorization server. */
type TokenCredentials = Extract<
  UpstreamCredentials,
  { kind: 'clientCredentials' | 'tokenExchange' }
>;

/** What is kept of tokens from one configuration to the next: a reload fetches none anew. */
export interface TokenSources {
  /** The one source of equal credentials, whichever APIs have them. */
  of(credentials: TokenCredentials): TokenSource;
  /** Closes and forgets what none of these configurations uses. */
  retain(configs: readonly RelayConfig[]): void;
}

/** What sources are made with. */
export interface TokenSourcesDeps extends TokenClientDeps, TokenExchangeDeps {}

function isToken(credentials: UpstreamCredentials | undefined): credentials is TokenCredentials {
  return credentials?.kind === 'clientCredentials' || credentials?.kind === 'tokenExchange';
}

/** Frozen and built in one order, equal credentials have equal texts; hashed, since they hold secrets. */
function nameOf(credentials: TokenCredentials): string {
  return createHash('sha256').update(JSON.stringify(credentials)).digest('base64');
}

/**
 * Keeps the sources of tokens for APIs, one for each distinct endpoint, client and set of scopes.
 *
 * @param deps how they ask
 * @returns none yet
 */
export function createTokenSources(deps: TokenSourcesDeps): TokenSources {
  const kept = new Map<string, TokenSource>();

  function create({ kind, endpoint }: TokenCredentials): TokenSource {
    const client = createTokenClient(endpoint, deps);
    return kind === 'clientCredentials'
      ? createClientCredentials(endpoint, client, deps.now)
      : createTokenExchange(endpoint, client, deps);
  }

  return {
    of(credentials) {
      const name = nameOf(credentials);
      const source = kept.get(name) ?? create(credentials);
      kept.set(name, source);
      return source;
    },
    retain(configs) {
      const used = configs.flatMap((config) =>
        config.apis.map((api) => api.request.credentials).filter(isToken),
      );
      const names = new Set(used.map(nameOf));
      for (const [name, source] of kept) {
        if (names.has(name)) continue;
        source.close();
        kept.delete(name);
      }
    },
  };
}
