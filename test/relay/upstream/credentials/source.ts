import type { TestContext } from 'node:test';
import { createClientAuthenticator } from '../../../../relay/auth/client-authentication.ts';
import { createFormPost } from '../../../../relay/auth/form-post.ts';
import { createExpiringCache } from '../../../../relay/auth/introspection-cache.ts';
import type { UpstreamCredentials } from '../../../../relay/config/api-config.ts';
import type { TokenEvent } from '../../../../relay/upstream/credentials/token-client.ts';
import type { TokenSource } from '../../../../relay/upstream/credentials/token-source.ts';
import {
  createTokenSources,
  type TokenSources,
} from '../../../../relay/upstream/credentials/token-sources.ts';
import type { TestClock } from '../../../support/verifier.ts';

/** A source of tokens as the relay makes it, with a clock of the test's. */
export interface SourceBench {
  readonly sources: TokenSources;
  readonly source: TokenSource;
  readonly events: readonly TokenEvent[];
  /** The Authorization value for a caller. */
  shown(token?: string, expiresAtMs?: number): Promise<string | undefined>;
}

export function createSource(
  t: TestContext,
  credentials: Extract<UpstreamCredentials, { kind: 'clientCredentials' | 'tokenExchange' }>,
  clock: TestClock,
): SourceBench {
  const events: TokenEvent[] = [];
  const { now } = clock;
  const sources = createTokenSources({
    now,
    log: (event) => events.push(event),
    createFormPost,
    createCache: createExpiringCache,
    authenticate: (endpoint) => createClientAuthenticator(endpoint.url, endpoint, now),
  });
  const source = sources.of(credentials);
  t.after(() => sources.retain([]));
  return {
    sources,
    source,
    events,
    async shown(token = 'token-of-alice', expiresAtMs = now() + 3_600_000) {
      const { fields } = await source.token({ token: () => token, expiresAtMs });
      return fields[1];
    },
  };
}
