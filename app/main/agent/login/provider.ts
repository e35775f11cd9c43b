import * as client from 'openid-client';
import type { SessionProvider } from '../session/session.ts';
import type { TokenSet } from '../session/token-set.ts';
import { challengeParameters, type SignInChallenge } from './challenge.ts';
import { bindsTokens, createProofs, notBound, unbound, type ProviderProof } from './dpop.ts';
import type { Fetch } from './outbound.ts';
import { createProviderCalls } from './provider-calls.ts';
import { requestDeviceCode, type DeviceRequest } from './provider-device.ts';
import { keyAuthentication, requestMachineTokens, type ClientKey } from './provider-machine.ts';
import { tokenSet } from './provider-tokens.ts';
import type { RelayMetadata } from './relay-metadata.ts';

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

/** The client side of OAuth: with its neighbours `provider-*`, the only place that speaks it. */
export interface Provider extends SessionProvider {
  /** @throws {AgentError} `provider_unreachable`, `provider_protocol` */
  connect(relay: RelayMetadata): Promise<ConnectedProvider>;
  /**
   * Asks for a code that a person enters on another device (RFC 8628).
   *
   * @throws {AgentError} `provider_unreachable`, `provider_protocol`, `provider_refused`
   */
  device(
    relay: RelayMetadata,
    signal: AbortSignal,
    challenge?: SignInChallenge,
  ): Promise<DeviceRequest>;
  /**
   * Asks for a token for this machine, which shows its key (RFC 6749 §4.4, RFC 7523 §2.2).
   *
   * @throws {AgentError} `provider_unreachable`, `provider_protocol`, `provider_refused`
   */
  machine(relay: RelayMetadata, key: ClientKey, signal: AbortSignal): Promise<TokenSet>;
  /**
   * Revokes the grant (RFC 7009); a provider without revocation is left alone.
   *
   * @param key of the machine whose tokens these are, if they are one's
   */
  revoke(tokens: TokenSet, key?: ClientKey): Promise<void>;
}

/** What {@link createProvider} works with. */
export interface ProviderDeps {
  readonly fetch: Fetch;
  readonly now: () => number;
  readonly timeoutMs?: number;
}

/**
 * Makes the client of whatever provider a relay names.
 *
 * @param deps fetch, clock, and the time-out of each call in ms (10 s)
 * @returns the client; provider metadata is fetched at first use and kept while calls succeed
 * @see RFC 8252, RFC 7636, RFC 9207, RFC 8707, RFC 7009
 */
export function createProvider(deps: ProviderDeps): Provider {
  const { fetch, now, timeoutMs = 10_000 } = deps;
  const calls = createProviderCalls({ fetch, timeoutMs });
  const proofs = createProofs();

  return {
    async connect(relay) {
      const config = await calls.connect(relay);
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
          return { url, exchange: (callback) => exchange(relay, callback, checks, proof) };
        },
      };
    },
    device: (relay, signal, challenge) =>
      requestDeviceCode({ calls, proofs, now }, relay, signal, challenge),
    machine: (relay, key, signal) =>
      requestMachineTokens({ calls, proofs, now }, relay, key, signal),
    refresh: (tokens) =>
      calls.run(tokens, 'refresh', async (config) => {
        const proof = tokens.dpopKey && (await proofs.resume(config, tokens.dpopKey));
        const answer = await client.refreshTokenGrant(
          config,
          tokens.refreshToken ?? '',
          { resource: tokens.resource },
          proof && { DPoP: proof.handle },
        );
        const fresh = tokenSet(answer, tokens, now(), proof);
        if (tokens.tokenType === 'dpop' && fresh.tokenType !== 'dpop') throw unbound(tokens.issuer);
        return fresh;
      }),
    revoke: (tokens, key) =>
      calls.run(
        tokens,
        'revocation',
        async (config) => {
          if (!config.serverMetadata().revocation_endpoint) return;
          const kind = tokens.refreshToken === undefined ? 'access_token' : 'refresh_token';
          await client.tokenRevocation(config, tokens.refreshToken ?? tokens.accessToken, {
            token_type_hint: kind,
          });
        },
        key && { authentication: keyAuthentication(key) },
      ),
  };

  function exchange(
    relay: RelayMetadata,
    callback: URL,
    checks: client.AuthorizationCodeGrantChecks,
    proof: ProviderProof | undefined,
  ): Promise<TokenSet> {
    return calls.run(relay, 'callback', async (config) => {
      const answer = await client.authorizationCodeGrant(
        config,
        callback,
        checks,
        { resource: relay.resource },
        proof && { DPoP: proof.handle },
      );
      const tokens = tokenSet(answer, relay, now(), proof);
      if (relay.dpop === 'required' && tokens.tokenType !== 'dpop') throw notBound(relay.issuer);
      return tokens;
    });
  }
}
