import type { TokenSet } from '../session/token-set.ts';
import type { Fetch } from './outbound.ts';
import type { Step } from './provider-errors.ts';
import type { RelayMetadata } from './relay-metadata.ts';
import * as client from 'openid-client';
import { isSafeTransport, parseUrl, transportReason } from './outbound.ts';
import { providerError, refused, unreachable } from './provider-errors.ts';

/** One authorization request and the exchange of its answer. */
export interface AuthorizationRequest {
  /** The page for the system browser; holds state, nonce and challenge, no lasting secret. */
  readonly url: URL;
  /**
   * Checks the callback (state, `iss`) and exchanges its code.
   *
   * @throws {AgentError} `consent_refused`, `provider_refused`, `provider_protocol`, `provider_unreachable`
   */
  exchange(callback: URL): Promise<TokenSet>;
}

/** A provider whose metadata is at hand. */
export interface ConnectedProvider {
  request(redirectUri: string, state: string): Promise<AuthorizationRequest>;
}

/** The client side of OAuth: the only place that speaks it. */
export interface Provider {
  /** @throws {AgentError} `provider_unreachable`, `provider_protocol` */
  connect(relay: RelayMetadata): Promise<ConnectedProvider>;
  /** @throws {AgentError} `session_expired`, `provider_unreachable`, `provider_protocol` */
  refresh(tokens: TokenSet): Promise<TokenSet>;
  /** Revokes the grant (RFC 7009); a provider without revocation is left alone. */
  revoke(tokens: TokenSet): Promise<void>;
}

/** What {@link createProvider} works with. */
export interface ProviderDeps {
  readonly fetch: Fetch;
  readonly now: () => number;
  readonly timeoutMs?: number;
}

const defaultLifeSeconds = 3600;

/**
 * Makes the client of whatever provider a relay names.
 *
 * @param deps fetch, clock, and the time-out of each call in ms (10 s)
 * @returns the client; provider metadata is fetched at first use and kept while calls succeed
 * @see RFC 8252, RFC 7636, RFC 9207, RFC 8707, RFC 7009
 */
export function createProvider(deps: ProviderDeps): Provider {
  const timeoutMs = deps.timeoutMs ?? 10_000;
  const known = new Map<string, Promise<client.Configuration>>();

  function configure(issuer: string, clientId: string): Promise<client.Configuration> {
    const key = JSON.stringify([issuer, clientId]);
    const kept = known.get(key);
    if (kept) return kept;
    const found = discover(issuer, clientId, guarded(deps.fetch, issuer, 'discovery', timeoutMs));
    known.set(key, found);
    found.catch(() => known.delete(key));
    return found;
  }

  async function attempt<T>(
    tokens: TokenSet,
    step: Step,
    call: (config: client.Configuration) => Promise<T>,
  ): Promise<T> {
    const config = await configure(tokens.issuer, tokens.clientId);
    config[client.customFetch] = guarded(deps.fetch, tokens.issuer, step, timeoutMs);
    try {
      return await call(config);
    } catch (error) {
      // Endpoints may have moved; the next try asks again.
      known.delete(JSON.stringify([tokens.issuer, tokens.clientId]));
      throw providerError(error, tokens.issuer, step);
    }
  }

  return {
    async connect(relay) {
      const config = await configure(relay.issuer, relay.clientId);
      return {
        async request(redirectUri, state) {
          const verifier = client.randomPKCECodeVerifier();
          const nonce = relay.scopes.includes('openid') ? client.randomNonce() : undefined;
          const url = client.buildAuthorizationUrl(config, {
            ...relay.authorizationParameters,
            ...(nonce === undefined ? {} : { nonce }),
            redirect_uri: redirectUri,
            scope: relay.scopes.join(' '),
            code_challenge: await client.calculatePKCECodeChallenge(verifier),
            code_challenge_method: 'S256',
            state,
            resource: relay.resource,
          });
          const checks = {
            pkceCodeVerifier: verifier,
            expectedState: state,
            ...(nonce === undefined ? {} : { expectedNonce: nonce }),
          };
          return { url, exchange: (callback) => exchange(config, relay, callback, checks) };
        },
      };
    },
    refresh: (tokens) =>
      attempt(tokens, 'refresh', async (config) => {
        const answer = await client.refreshTokenGrant(config, tokens.refreshToken ?? '', {
          resource: tokens.resource,
        });
        return tokenSet(answer, tokens, deps.now());
      }),
    async revoke(tokens) {
      await attempt(tokens, 'revocation', async (config) => {
        if (!config.serverMetadata().revocation_endpoint) return;
        const kind = tokens.refreshToken === undefined ? 'access_token' : 'refresh_token';
        await client.tokenRevocation(config, tokens.refreshToken ?? tokens.accessToken, {
          token_type_hint: kind,
        });
      });
    },
  };

  async function exchange(
    config: client.Configuration,
    relay: RelayMetadata,
    callback: URL,
    checks: client.AuthorizationCodeGrantChecks,
  ): Promise<TokenSet> {
    config[client.customFetch] = guarded(deps.fetch, relay.issuer, 'callback', timeoutMs);
    try {
      const extra = { resource: relay.resource };
      const answer = await client.authorizationCodeGrant(config, callback, checks, extra);
      return tokenSet(answer, relay, deps.now());
    } catch (error) {
      throw providerError(error, relay.issuer, 'callback');
    }
  }
}

type Answer = client.TokenEndpointResponse & client.TokenEndpointResponseHelpers;
type Grant = Pick<TokenSet, 'issuer' | 'clientId' | 'resource'> & Partial<TokenSet>;

/** What the answer leaves out stays as it was (RFC 6749 §5.1 and §6). */
function tokenSet(answer: Answer, grant: Grant, nowMs: number): TokenSet {
  if (answer.token_type !== 'bearer') throw new Error('token_type is not Bearer');
  const claims = answer.claims();
  const identity = claims
    ? { subject: claims.sub, name: text(claims['name']), email: text(claims['email']) }
    : grant.identity;
  if (grant.identity && identity?.subject !== grant.identity.subject) {
    // OpenID Connect Core §12.2: a refresh must not change the person.
    throw new Error('the answer is about another person');
  }
  return {
    accessToken: answer.access_token,
    refreshToken: answer.refresh_token ?? grant.refreshToken,
    identity,
    obtainedAtMs: nowMs,
    expiresAtMs: nowMs + (answer.expires_in ?? defaultLifeSeconds) * 1000,
    scope: answer.scope ?? grant.scope,
    issuer: grant.issuer,
    clientId: grant.clientId,
    resource: grant.resource,
    tokenType: 'bearer',
  };
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value.slice(0, 200) : undefined;
}

async function discover(
  issuer: string,
  clientId: string,
  fetch: client.CustomFetch,
): Promise<client.Configuration> {
  const server = new URL(issuer);
  const run = (algorithm: 'oidc' | 'oauth2'): Promise<client.Configuration> =>
    client.discovery(server, clientId, undefined, client.None(), {
      algorithm,
      execute: server.protocol === 'http:' ? [client.allowInsecureRequests] : [],
      [client.customFetch]: fetch,
    });
  try {
    const config = await run('oidc').catch((error: unknown) => {
      if (error instanceof Error && error.cause instanceof NoSuchDocument) return run('oauth2');
      throw error;
    });
    checkMetadata(config.serverMetadata(), issuer);
    return config;
  } catch (error) {
    throw providerError(error, issuer, 'discovery');
  }
}

/** Exact issuer (RFC 8414 §3.3), and no endpoint that would carry secrets in the clear or open something else than a page. */
function checkMetadata(server: Readonly<client.ServerMetadata>, issuer: string): void {
  if (server.issuer !== issuer) throw new Error('its issuer is not exactly the one asked for');
  if (!server.authorization_endpoint || !server.token_endpoint) {
    throw new Error('authorization_endpoint or token_endpoint is missing');
  }
  const used = [server.authorization_endpoint, server.token_endpoint, server.revocation_endpoint];
  for (const endpoint of used) {
    const url = endpoint === undefined ? undefined : parseUrl(endpoint);
    if (endpoint !== undefined && !(url && isSafeTransport(url))) {
      throw new Error('an endpoint is not an https address');
    }
  }
}

class NoSuchDocument extends Error {}

/** Puts a time-out on the whole answer and turns what is not OAuth (HTML, empty) into an error by its status. */
function guarded(fetch: Fetch, issuer: string, step: Step, timeoutMs: number): client.CustomFetch {
  const { host } = new URL(issuer);
  async function call(url: string, options: client.CustomFetchOptions): Promise<Response> {
    try {
      const init = { ...options, signal: AbortSignal.timeout(timeoutMs) } as RequestInit;
      const response = await fetch(url, init);
      const body = await response.text();
      const bodyless = response.status === 204 || response.status === 304;
      return new Response(bodyless ? null : body, response);
    } catch (error) {
      throw unreachable(host, transportReason(error), error);
    }
  }
  return async (url, options) => {
    let response = await call(url, options);
    const location = response.headers.get('location');
    if (
      step === 'discovery' &&
      location !== null &&
      response.status >= 300 &&
      response.status < 400
    ) {
      const next = new URL(location, url);
      if (next.origin === new URL(url).origin) response = await call(next.href, options);
    }
    const { status } = response;
    if (status < 400) return response;
    if (step === 'discovery' && status === 404) throw new NoSuchDocument(`${host} answers 404`);
    if (status >= 500 || status === 429 || status === 408) {
      throw unreachable(host, `it answers ${status}`);
    }
    if (await isOAuthError(response)) return response;
    // A gateway's own page is no word of the provider; only 400 and 401 are taken for its refusal.
    if (status === 400 || status === 401) throw refused(host, step, `HTTP ${status}`);
    throw unreachable(host, `it answers ${status}`);
  };
}

async function isOAuthError(response: Response): Promise<boolean> {
  if (!response.headers.get('content-type')?.includes('application/json')) return false;
  try {
    const body: unknown = await response.clone().json();
    return typeof body === 'object' && body !== null && 'error' in body;
  } catch {
    return false;
  }
}
