import type { webcrypto } from 'node:crypto';
import * as client from 'openid-client';
import type { TokenSet } from '../session/token-set.ts';
import { bindsTokens, notBound, type Proofs } from './dpop.ts';
import type { ProviderCalls } from './provider-calls.ts';
import { tokenSet } from './provider-tokens.ts';
import type { RelayMetadata } from './relay-metadata.ts';

/** The private key by which a machine shows who it is; not to be read out of the process. */
export interface ClientKey {
  readonly key: webcrypto.CryptoKey;
  /** The name that `alg` goes by (RFC 7518, RFC 8037). */
  readonly algorithm: string;
  /** As registered at the provider, if it was said. */
  readonly keyId?: string | undefined;
  /** What to put in `aud` where a provider does not take its issuer identifier. */
  readonly audience?: string | undefined;
}

/** What {@link requestMachineTokens} works with. */
export interface MachineRequestDeps {
  readonly calls: ProviderCalls;
  readonly proofs: Proofs;
  readonly now: () => number;
}

/** Scopes that are about a person (OpenID Connect Core §5.4, §11). */
const personal = new Set(['openid', 'profile', 'email', 'address', 'phone', 'offline_access']);

/**
 * Asks for a token for this machine itself.
 *
 * @param deps calls, proofs, clock
 * @param relay what the token is for, and the client's id
 * @param key signs the client assertion
 * @param signal ends the request
 * @returns tokens without a person and without a refresh token
 * @throws {AgentError} `provider_unreachable`, `provider_protocol`, `provider_refused`
 * @see RFC 6749 §4.4, RFC 7523 §2.2 and §3, RFC 9449 §5
 */
export async function requestMachineTokens(
  deps: MachineRequestDeps,
  relay: RelayMetadata,
  key: ClientKey,
  signal: AbortSignal,
): Promise<TokenSet> {
  const { calls, proofs, now } = deps;
  const connected = await calls.connect(relay);
  const proof = bindsTokens(connected.serverMetadata(), relay.dpop, relay.issuer)
    ? await proofs.create(connected)
    : undefined;
  const scope = relay.scopes.filter((name) => !personal.has(name)).join(' ');
  const { audience } = relay.authorizationParameters;
  return calls.run(
    relay,
    'machine',
    async (config) => {
      const answer = await client.clientCredentialsGrant(
        config,
        {
          resource: relay.resource,
          ...(scope !== '' && { scope }),
          ...(audience !== undefined && { audience }),
        },
        proof && { DPoP: proof.handle },
      );
      const { refreshToken: _unwanted, ...tokens } = tokenSet(answer, relay, now(), proof);
      if (relay.dpop === 'required' && tokens.tokenType !== 'dpop') throw notBound(relay.issuer);
      // RFC 6749 §4.4.3: there should be no refresh token; the key is what lasts.
      return { ...tokens, grant: 'client_credentials' as const };
    },
    { authentication: keyAuthentication(key), signal },
  );
}

/**
 * Shows who the client is by a JWT that its private key signs.
 *
 * @param key the client's
 * @returns the library's way to do so
 * @see RFC 7523 §2.2, OpenID Connect Core §9 (private_key_jwt)
 */
export function keyAuthentication({
  key,
  algorithm,
  keyId,
  audience,
}: ClientKey): client.ClientAuth {
  return client.PrivateKeyJwt(keyId === undefined ? key : { key, kid: keyId }, {
    [client.modifyAssertion](header, payload) {
      // RFC 9864's name for EdDSA with Ed25519 is not known everywhere yet.
      header['alg'] = algorithm;
      if (audience !== undefined) payload['aud'] = audience;
    },
  });
}
