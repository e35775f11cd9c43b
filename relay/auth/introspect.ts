import type { IssuerState } from './jwks.ts';
import type { Principal } from './principal.ts';

/** Asks one issuer about tokens that only it can read. */
export interface Introspector {
  /**
   * @param token as shown; sent to the issuer and nowhere else
   * @param hash hex SHA-256 of the token, under which its answer is kept
   * @returns who is calling, and whether an earlier answer said so
   * @throws {token_inactive} the issuer says that it is not active
   * @throws {token_claims} {token_audience} {token_issuer} active, but not for us
   * @throws {issuer_unavailable} the issuer gave no usable answer
   */
  readonly introspect: (
    token: string,
    hash: string,
  ) => Promise<{ readonly principal: Principal; readonly cached: boolean }>;
  readonly state: () => IssuerState;
  readonly close: () => void;
}
