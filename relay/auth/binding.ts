import { timingSafeEqual } from 'node:crypto';
import { RelayError } from '../errors.ts';
import type { IssuerConfig } from '../config/config.ts';
import type { Credential } from './bearer.ts';
import { isObject } from './json.ts';
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

/** One use of a token: the token, how it was shown, and what its issuer's configuration asks. */
export interface TokenUse {
  readonly principal: Principal;
  readonly config: IssuerConfig;
  readonly scheme: Credential['scheme'];
  readonly token: string;
  readonly shown: Presentation;
}

function refused(detail: string): RelayError {
  return new RelayError('token_binding', detail);
}

/** What `cnf` names: compared with what is shown, so its form needs no check of its own. */
function confirmation(cnf: unknown, name: 'jkt' | 'x5t#S256'): string | undefined {
  const value = isObject(cnf) ? cnf[name] : undefined;
  if (value === undefined || typeof value === 'string') return value;
  throw new RelayError('token_claims', `The access token's \`cnf.${name}\` is not a string.`);
}

function checkCertificate(expected: string, shown: Presentation): void {
  const actual = Buffer.from(shown.certificateThumbprint() ?? '');
  const wanted = Buffer.from(expected);
  if (actual.length === 0 || actual.length !== wanted.length || !timingSafeEqual(actual, wanted))
    throw refused(
      'The access token is bound to a client certificate, and this connection does not show it.',
    );
}

async function checkProof(jkt: string, use: TokenUse, proofs: ProofChecker): Promise<void> {
  if (use.config.dpop === 'off')
    throw refused('The access token is bound to a DPoP key, and DPoP is off for its issuer.');
  if (use.scheme !== 'dpop')
    throw refused(
      'The access token is bound to a DPoP key. Send it as `Authorization: DPoP <token>` with a proof.',
    );
  const nonceRequired = use.config.dpopNonce;
  await proofs.check(use.shown, { jkt, token: use.token, nonceRequired });
}

/**
 * Checks that whoever shows a token is the one that it was issued to.
 *
 * @param use the token, how it was shown, and what its issuer's configuration asks
 * @param proofs for tokens bound by DPoP
 * @throws {token_binding} bound, and not shown with its key; not bound, though it must be
 * @throws {token_claims} {dpop_proof} {dpop_nonce}
 * @see RFC 9449 §7, RFC 8705 §3
 */
export async function checkBinding(use: TokenUse, proofs: ProofChecker): Promise<void> {
  const { cnf } = use.principal.claims;
  const jkt = confirmation(cnf, 'jkt');
  const certificate = confirmation(cnf, 'x5t#S256');
  // A token with both needs both; the proof comes last, since it is used up by being checked.
  if (certificate !== undefined) checkCertificate(certificate, use.shown);
  if (jkt !== undefined) return await checkProof(jkt, use, proofs);
  if (use.scheme === 'dpop')
    throw refused(
      'The access token is not bound to a DPoP key. Send it as `Authorization: Bearer <token>`.',
    );
  if (use.config.dpop === 'required')
    throw refused('Access tokens of this issuer must be bound to a DPoP key, and this one is not.');
}
