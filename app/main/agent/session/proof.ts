import type { KeyObject } from 'node:crypto';
import { createHash, createPrivateKey, randomUUID, sign } from 'node:crypto';
import { z } from 'zod';
import { ecdsaFromDer } from '../../../../wire/ecdsa-signature.ts';

/** The private key that a session's tokens are bound to, as it is kept in the vault; secret. */
export type DpopKey = z.infer<typeof dpopKey>;

/** The shape of a P-256 private key (RFC 7518 §6.2). */
export const dpopKey = z.object({
  kty: z.literal('EC'),
  crv: z.literal('P-256'),
  x: z.string().min(1),
  y: z.string().min(1),
  d: z.string().min(1),
});

/** Makes proofs with one key. */
export interface Prover {
  /**
   * @param method exactly as sent
   * @param url the address; query and fragment are left out
   * @param token the access token that the proof goes with
   * @param nonce the relay's, if it offered one
   * @returns a proof for one request
   */
  prove(method: string, url: string, token: string, nonce: string | undefined): string;
}

const encoded = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');

/**
 * Prepares proofs of possession.
 *
 * @param key the session's key
 * @param now the clock, epoch ms
 * @returns the prover
 * @see RFC 9449 §4.2
 */
export function createProver(key: DpopKey, now: () => number): Prover {
  const { kty, crv, x, y } = key;
  const privateKey: KeyObject = createPrivateKey({ key, format: 'jwk' });
  // The same in every proof, so that both sides may keep what they made of it.
  const header = encoded({ typ: 'dpop+jwt', alg: 'ES256', jwk: { kty, crv, x, y } });
  let hashed: { readonly token: string; readonly ath: string } | undefined;

  function hashOf(token: string): string {
    if (hashed?.token !== token)
      hashed = { token, ath: createHash('sha256').update(token).digest('base64url') };
    return hashed.ath;
  }

  return {
    prove(method, url, token, nonce) {
      const claims = {
        htm: method,
        htu: url.replace(/[?#].*$/, ''),
        iat: Math.floor(now() / 1000),
        jti: randomUUID(),
        ath: hashOf(token),
        ...(nonce === undefined ? {} : { nonce }),
      };
      const signed = `${header}.${encoded(claims)}`;
      // The key alone: with options beside it, and JWS's form asked of node, it takes twice the time.
      const signature = ecdsaFromDer(sign('sha256', Buffer.from(signed), privateKey), 32);
      return `${signed}.${signature.toString('base64url')}`;
    },
  };
}
