import type { JsonWebKey } from 'node:crypto';
import { webcrypto } from 'node:crypto';
import * as client from 'openid-client';
import { AgentError } from '../errors.ts';
import type { DpopKey } from '../session/proof.ts';

/** A key, and openid-client's way to prove possession of it at the provider. */
export interface ProviderProof {
  readonly key: DpopKey;
  readonly handle: client.DPoPHandle;
}

/** Makes proofs for the provider's endpoints. */
export interface Proofs {
  /** With the key of a new session. */
  create(config: client.Configuration): Promise<ProviderProof>;
  /** With the key of a session that goes on, and the nonce that the provider gave last. */
  resume(config: client.Configuration, key: DpopKey): Promise<ProviderProof>;
}

const algorithm = { name: 'ECDSA', namedCurve: 'P-256' };

/**
 * Decides whether a sign-in's tokens are to be bound, by what provider and relay can do.
 *
 * @param server the provider's metadata
 * @param wanted what the relay says
 * @param issuer the provider, for the message
 * @returns true when both can
 * @throws {AgentError} `provider_protocol` when the relay wants it and the provider cannot
 * @see RFC 9449 §5.1
 */
export function bindsTokens(
  server: Readonly<client.ServerMetadata>,
  wanted: 'off' | 'optional' | 'required',
  issuer: string,
): boolean {
  const can = server.dpop_signing_alg_values_supported?.includes('ES256') === true;
  if (wanted === 'required' && !can) throw notBound(issuer);
  return wanted !== 'off' && can;
}

/**
 * Says that the relay wants bound tokens and the provider gives none.
 *
 * @param issuer the provider
 * @returns the fault, which tells IT what to do
 */
export function notBound(issuer: string): AgentError {
  return new AgentError(
    'provider_protocol',
    `The relay accepts only tokens bound to this computer (DPoP), and the identity provider ${new URL(issuer).host} issues none. Ask your administrator to turn DPoP with ES256 on for this client at the provider, or to set \`dpop: optional\` in the relay's configuration.`,
  );
}

/**
 * Says that a session whose tokens were bound got one that is not.
 *
 * @param issuer the provider
 * @returns the fault: only a new sign-in may change what a session's tokens are worth to a thief
 */
export function unbound(issuer: string): AgentError {
  return new AgentError(
    'session_expired',
    `The identity provider ${new URL(issuer).host} no longer binds your tokens to this computer (DPoP), so your session has ended. Sign in again; if you did not expect this, tell your administrator.`,
  );
}

/**
 * Makes the maker of proofs.
 *
 * @returns the maker; it remembers one session's key, so that refreshing needs no second try for a nonce
 * @see RFC 9449 §5, §8
 */
export function createProofs(): Proofs {
  let last: ProviderProof | undefined;

  function remember(
    config: client.Configuration,
    key: DpopKey,
    pair: webcrypto.CryptoKeyPair,
  ): ProviderProof {
    last = { key, handle: client.getDPoPHandle(config, pair) };
    return last;
  }

  return {
    async create(config) {
      const pair = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
      return remember(config, await exported(pair.privateKey), pair);
    },
    async resume(config, key) {
      if (last?.key.d === key.d) return last;
      return remember(config, key, await imported(key));
    },
  };
}

async function exported(privateKey: webcrypto.CryptoKey): Promise<DpopKey> {
  const { x = '', y = '', d = '' } = await webcrypto.subtle.exportKey('jwk', privateKey);
  return { kty: 'EC', crv: 'P-256', x, y, d };
}

async function imported(key: DpopKey): Promise<webcrypto.CryptoKeyPair> {
  const { d: _private, ...publicJwk } = key;
  const importKey = (jwk: JsonWebKey, use: 'sign' | 'verify', isExtractable: boolean) =>
    webcrypto.subtle.importKey('jwk', jwk, algorithm, isExtractable, [use]);
  const [privateKey, publicKey] = await Promise.all([
    importKey(key, 'sign', false),
    importKey(publicJwk, 'verify', true),
  ]);
  return { privateKey, publicKey };
}
