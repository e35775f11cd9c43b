import { createHash, randomUUID } from 'node:crypto';
import { SignJWT, calculateJwkThumbprint, exportJWK, generateKeyPair } from 'jose';
import type { CryptoKey, JWK } from 'jose';

/** A key that tokens are bound to. */
export interface ProofKey {
  readonly alg: string;
  readonly privateKey: CryptoKey;
  readonly publicJwk: JWK;
  /** The private key as a JWK, for attacks that show it. */
  readonly privateJwk: JWK;
  /** For the token's `cnf`: RFC 7638 thumbprint. */
  readonly jkt: string;
}

/** What a proof says; members left out get good values. */
export interface ProofOptions {
  readonly key: ProofKey;
  readonly method?: string;
  readonly url: string;
  /** The access token, for `ath`; absent: no `ath`. */
  readonly token?: string;
  readonly nonce?: string;
  /** Epoch seconds. */
  readonly iat?: number;
  /** Replaces claims; undefined leaves one out. */
  readonly claims?: Readonly<Record<string, unknown>>;
  /** Replaces header members; undefined leaves one out. */
  readonly header?: Readonly<Record<string, unknown>>;
}

/** Makes a key; all kinds that the relay takes can be had. */
export async function createProofKey(
  alg = 'ES256',
  options: { readonly modulusLength?: number } = {},
): Promise<ProofKey> {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true, ...options });
  const publicJwk = await exportJWK(publicKey);
  return {
    alg,
    privateKey,
    publicJwk,
    privateJwk: await exportJWK(privateKey),
    jkt: await calculateJwkThumbprint(publicJwk),
  };
}

/** The `ath` of a token. */
export function athOf(token: string): string {
  return createHash('sha256').update(token).digest('base64url');
}

/** Makes a proof, good unless told otherwise. */
export async function proof(options: ProofOptions): Promise<string> {
  const { key, token, nonce } = options;
  const claims = {
    jti: randomUUID(),
    htm: options.method ?? 'GET',
    htu: options.url,
    iat: options.iat ?? Math.floor(Date.now() / 1000),
    ...(token === undefined ? {} : { ath: athOf(token) }),
    ...(nonce === undefined ? {} : { nonce }),
    ...options.claims,
  };
  const header = { alg: key.alg, typ: 'dpop+jwt', jwk: key.publicJwk, ...options.header };
  return await new SignJWT(claims).setProtectedHeader(header).sign(key.privateKey);
}
