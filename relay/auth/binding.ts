import { RelayError } from '../errors.ts';
import type { IssuerConfig } from '../config/config.ts';
import type { Credential } from './bearer.ts';
import type { Presentation } from './presentation.ts';
import type { Principal } from './principal.ts';

/** Checks proofs of possession (RFC 9449 §4.3). */
export interface ProofChecker {
  /**
   * @param shown the request and its proofs
   * @param expected what the proof must match
   * @throws {token_binding} the proof's key is another
   * @throws {dpop_proof} {dpop_nonce} {state_unavailable}
   */
  readonly check: (
    shown: Presentation,
    expected: { readonly jkt: string; readonly token: string; readonly nonceRequired: boolean },
  ) => Promise<void>;
}

/**
 * Checks that whoever shows a token is the one that it was issued to.
 *
 * @param use the token, how it was shown, and what its issuer's configuration asks
 * @param proofs for tokens bound by DPoP
 * @throws {token_binding} {token_claims} {dpop_proof} {dpop_nonce}
 * @see RFC 9449 §7, RFC 8705 §3
 */
export async function checkBinding(
  use: {
    readonly principal: Principal;
    readonly config: IssuerConfig;
    readonly scheme: Credential['scheme'];
    readonly token: string;
    readonly shown: Presentation;
  },
  proofs: ProofChecker,
): Promise<void> {
  void proofs;
  const { cnf } = use.principal.claims;
  if (cnf !== undefined || use.scheme === 'dpop' || use.config.dpop === 'required')
    throw new RelayError('token_binding', 'Bound access tokens are not accepted from this issuer.');
}
