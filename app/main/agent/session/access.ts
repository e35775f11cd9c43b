import type { HeaderList } from '../../../../wire/headers.ts';
import { fieldValues } from '../../../../wire/headers.ts';
import type { DpopKey, Prover } from './proof.ts';
import { createProver } from './proof.ts';
import type { TokenSet } from './token-set.ts';

/** What shows the person's token to the relay, one request at a time. */
export interface Access {
  /** The access token itself, to tell it from a later one; secret. */
  readonly token: string;
  /**
   * Fields that show the token for one request: Authorization and, when it is bound, a proof made for this try alone.
   *
   * @param method the request's method, exactly as sent
   * @param url the relay's origin and the path; a query is left out
   * @returns fields as a flat list: name, value, name, value
   * @see RFC 9449 §7.1
   */
  headers(method: string, url: string): readonly string[];
  /**
   * Keeps what an answer says of proofs to come: a nonce, and the relay's time where a proof was refused.
   *
   * @param status the answer's status
   * @param raw the answer's fields
   * @returns true when the request was refused for want of that, so that one more try is worth it
   * @see RFC 9449 §8.2, §11.1
   */
  offered(status: number, raw: HeaderList): boolean;
}

/** Gives out {@link Access} for token sets; the relay's nonce outlives each of them. */
export type AccessOf = (tokens: TokenSet) => Access;

const noncePattern = /^[\x21\x23-\x5b\x5d-\x7e]{1,512}$/;
/** Half of what relays tolerate: a smaller difference is not why a proof was refused. */
const skewMs = 30_000;

/**
 * Makes what shows tokens.
 *
 * @param now the clock, epoch ms
 * @returns a function from tokens to access
 */
export function createAccess(now: () => number): AccessOf {
  let prover: { readonly key: DpopKey; readonly prove: Prover['prove'] } | undefined;
  let nonce: string | undefined;
  /** How far the relay's clock is ahead of this computer's. */
  let aheadMs = 0;

  function proverOf(key: DpopKey): Prover['prove'] {
    if (prover?.key.d !== key.d) {
      prover = { key, prove: createProver(key, () => now() + aheadMs).prove };
    }
    return prover.prove;
  }

  /** Computers' clocks are wrong, and a token that isn't bound would be good all the same. */
  function setClock(date: string | undefined): boolean {
    const offMs = Date.parse(date ?? '') - now();
    if (Math.abs(offMs - aheadMs) > skewMs) {
      aheadMs = offMs;
      return true;
    }
    // Another answer may have set it since this request's proof was made.
    return Math.abs(offMs) > skewMs;
  }

  return (tokens) => ({
    token: tokens.accessToken,
    headers(method, url) {
      const { accessToken, dpopKey } = tokens;
      if (tokens.tokenType !== 'dpop' || dpopKey === undefined)
        return ['Authorization', `Bearer ${accessToken}`];
      const proof = proverOf(dpopKey)(method, url, accessToken, nonce);
      return ['Authorization', `DPoP ${accessToken}`, 'DPoP', proof];
    },
    offered(status, raw) {
      const [offer] = fieldValues(raw, 'dpop-nonce');
      const isNonce = offer !== undefined && noncePattern.test(offer);
      if (isNonce) nonce = offer;
      if (status !== 401) return false;
      const [code] = fieldValues(raw, 'x-latchkey-code');
      if (code === 'dpop_proof') return setClock(fieldValues(raw, 'date')[0]);
      return code === 'dpop_nonce' && isNonce;
    },
  });
}
