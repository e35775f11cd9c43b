import type { TokenSet } from '../session/token-set.ts';
import { challengeParameters, type SignInChallenge } from './challenge.ts';
import type { Fetch } from './outbound.ts';
import type { Step } from './provider-errors.ts';
import type { RelayMetadata } from './relay-metadata.ts';
import * as client from 'openid-client';
import { bindsTokens, createProofs, notBound, unbound, type ProviderProof } from './dpop.ts';
import { discover, type Party } from './provider-discovery.ts';
import { providerError } from './provider-errors.ts';
import { guarded } from './provider-fetch.ts';

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
  /** @param challenge how strongly and how recently the person has to sign in */
  request(
    redirectUri: string,
    state: string,
    challenge?: SignInChallenge,
  ): Promise<AuthorizationRequest>;
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
  const proofs = createProofs();

  function configure({ issuer, clientId, endpoints = {} }: Party): Promise<client.Configuration> {
    const key = JSON.stringify([issuer, clientId, endpoints]);
    const kept = known.get(key);
    if (kept) return kept;
    const fetch = guarded(deps.fetch, issuer, 'discovery', timeoutMs);
    const found = discover({ issuer, clientId, endpoints }, fetch);
    known.set(key, found);
    found.catch(() => known.delete(key));
    return found;
  }

  async function attempt<T>(
    tokens: TokenSet,
    step: Step,
    call: (config: client.Configuration) => Promise<T>,
  ): Promise<T> {
    const config = await configure(tokens);
    config[client.customFetch] = guarded(deps.fetch, tokens.issuer, step, timeoutMs);
    try {
      return await call(config);
    } catch (error) {
      // Endpoints may have moved; the next try asks again.
      known.clear();
      throw providerError(error, tokens.issuer, step);
    }
  }

  return {
    async connect(relay) {
      const config = await configure(relay);
      return {
        async request(redirectUri, state, challenge) {
          const verifier = client.randomPKCECodeVerifier();
          const nonce = relay.scopes.includes('openid') ? client.randomNonce() : undefined;
          const proof = bindsTokens(config.serverMetadata(), relay.dpop, relay.issuer)
            ? await proofs.create(config)
            : undefined;
          const url = client.buildAuthorizationUrl(config, {
            ...relay.authorizationParameters,
            ...challengeParameters(challenge),
            ...(nonce === undefined ? {} : { nonce }),
            redirect_uri: redirectUri,
            scope: relay.scopes.join(' '),
            code_challenge: await client.calculatePKCECodeChallenge(verifier),
            code_challenge_method: 'S256',
            state,
            resource: relay.resource,
            ...(proof && { dpop_jkt: await proof.handle.calculateThumbprint() }),
          });
          const checks = {
            pkceCodeVerifier: verifier,
            expectedState: state,
            ...(nonce === undefined ? {} : { expectedNonce: nonce }),
          };
          return { url, exchange: (callback) => exchange(config, relay, callback, checks, proof) };
        },
      };
    },
    refresh: (tokens) =>
      attempt(tokens, 'refresh', async (config) => {
        const proof = tokens.dpopKey && (await proofs.resume(config, tokens.dpopKey));
        const answer = await client.refreshTokenGrant(
          config,
          tokens.refreshToken ?? '',
          { resource: tokens.resource },
          proof && { DPoP: proof.handle },
        );
        const fresh = tokenSet(answer, tokens, deps.now(), proof);
        if (tokens.tokenType === 'dpop' && fresh.tokenType !== 'dpop') throw unbound(tokens.issuer);
        return fresh;
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
    proof: ProviderProof | undefined,
  ): Promise<TokenSet> {
    config[client.customFetch] = guarded(deps.fetch, relay.issuer, 'callback', timeoutMs);
    try {
      const extra = { resource: relay.resource };
      const answer = await client.authorizationCodeGrant(
        config,
        callback,
        checks,
        extra,
        proof && { DPoP: proof.handle },
      );
      const tokens = tokenSet(answer, relay, deps.now(), proof);
      if (relay.dpop === 'required' && tokens.tokenType !== 'dpop') throw notBound(relay.issuer);
      return tokens;
    } catch (error) {
      throw providerError(error, relay.issuer, 'callback');
    }
  }
}

type Answer = client.TokenEndpointResponse & client.TokenEndpointResponseHelpers;
type Grant = Party & Pick<TokenSet, 'resource'> & Partial<TokenSet>;

/** What the answer leaves out stays as it was (RFC 6749 §5.1 and §6). */
function tokenSet(
  answer: Answer,
  grant: Grant,
  nowMs: number,
  proof: ProviderProof | undefined,
): TokenSet {
  const isBound = answer.token_type === 'dpop' && proof !== undefined;
  if (!isBound && answer.token_type !== 'bearer')
    throw new Error('token_type is neither Bearer nor the DPoP that was asked for');
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
    ...(grant.endpoints && { endpoints: grant.endpoints }),
    tokenType: isBound ? 'dpop' : 'bearer',
    // RFC 9449 §5: a public client's refresh token is bound even where the access token is not.
    ...(proof && { dpopKey: proof.key }),
  };
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value.slice(0, 200) : undefined;
}
