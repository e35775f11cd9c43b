/** What a request shows beside its token: what a sender-bound token is checked against. */
export interface Presentation {
  readonly method: string;
  /** The public origin and the canonical path, never what the request says of its host (RFC 9449 §4.3). */
  readonly htu: string;
  /** Each `DPoP` field's value, in the order received. */
  readonly proofs: readonly string[];
  /** Base64url SHA-256 of the client's certificate (RFC 8705 §3.1), when one was shown in a way that is believed. */
  readonly certificateThumbprint: () => string | undefined;
}
