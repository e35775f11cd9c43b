import type { HeaderList } from '../../../wire/headers.ts';
import type { Caller, Shown } from './credentials.ts';

/** Where the tokens for an API come from. */
export interface TokenSource {
  /**
   * @param caller for whom
   * @returns the token as the API is shown it; a promise only while one is fetched
   * @throws {no_upstream} there is none at the moment
   * @throws {denied} the caller gets none
   */
  token(caller: Caller): Shown | Promise<Shown>;
  /** Closes idle connections; what is under way goes on. */
  close(): void;
}

/** A request takes a while to arrive: no token is sent that ends on the way. */
const MARGIN_MS = 5_000;

/**
 * Until when a token may still be sent.
 *
 * @param issuedAtMs epoch ms
 * @param expiresAtMs epoch ms
 * @returns epoch ms: 5 s before its end, or a tenth of its life where that is shorter
 */
export function servesUntilMs(issuedAtMs: number, expiresAtMs: number): number {
  return expiresAtMs - Math.min(MARGIN_MS, (expiresAtMs - issuedAtMs) / 10);
}

/**
 * Shows a token to an API.
 *
 * @param token a checked `b64token`
 * @returns the field
 * @see RFC 6750 §2.1
 */
export function bearerFields(token: string): HeaderList {
  return ['Authorization', `Bearer ${token}`];
}
