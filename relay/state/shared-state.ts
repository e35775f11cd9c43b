import type { Allowance } from './allowances.ts';

/** What was revoked: one token, one session, or everything of a person at an issuer. */
export interface Revocation {
  readonly issuer: string;
  /**
   * `sub_without_sid` goes with the end of one session of a person: their tokens that name no
   * session at all may belong to it, and end with it.
   */
  readonly kind: 'jti' | 'sid' | 'sub' | 'sub_without_sid';
  readonly value: string;
  /** Tokens of the session or person issued after this stay valid; epoch ms. */
  readonly revokedAtMs: number;
  /** When the entry may be forgotten, since no token that it concerns can live longer; epoch ms. */
  readonly expiresAtMs: number;
}

/** What of a token says whether a revocation concerns it. */
export interface Revocable {
  readonly issuer: string;
  readonly subject: string;
  readonly jti?: string;
  readonly sid?: string;
  /** Without it, no revocation can be told to be older than the token. */
  readonly issuedAtMs?: number;
}

/** What several relays must know of each other. Every method fails with `state_unavailable`, never open. */
export interface SharedState {
  /**
   * Remembers something that may be used once: a proof's or a logout token's `jti`.
   *
   * @param key a hash, so that its length is bounded
   * @param expiresAtMs when it may be forgotten, epoch ms
   * @returns true when it is new, false when it was there
   * @throws {state_unavailable} it cannot be remembered
   */
  readonly once: (key: string, expiresAtMs: number) => Promise<boolean>;
  /**
   * Takes one of an allowance that relays and workers share.
   *
   * @param key a hash, so that its length is bounded
   * @returns 0 when it was there, otherwise how long until it is, ms. Never fails: where the others
   *   cannot be asked, this relay counts for itself
   */
  readonly take: (key: string, allowance: Allowance) => number | Promise<number>;
  /**
   * Adds a revocation, and tells every relay. In force here at once; resolves when it is kept.
   *
   * @throws {state_unavailable} it is in force here, but could not be kept: try again
   */
  readonly revoke: (revocation: Revocation) => Promise<void>;
  /**
   * Looked at on each use of a token, so it is local and synchronous.
   *
   * @throws {state_unavailable} it is not known what was revoked
   */
  readonly isRevoked: (token: Revocable) => boolean;
  /** Every revocation in force, newest first. */
  readonly revocations: () => readonly Revocation[];
  /** Called after a revocation is in force here, wherever it was made. Returns the unsubscribing function. */
  readonly onRevoked: (listener: () => void) => () => void;
  /** A secret that all relays share, made at first use: the nonces' key. 32 bytes. */
  readonly secret: (name: string) => Promise<Buffer>;
  /** For /readyz; absent problem: fine. */
  readonly health: () => { readonly ok: boolean; readonly problem?: string };
  readonly close: () => Promise<void>;
}
