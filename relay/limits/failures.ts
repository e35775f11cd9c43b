import { RelayError } from '../errors.ts';
import { createAllowances, type Allowance } from '../state/allowances.ts';

/** Bounds what somebody may try who shows bad tokens. */
export interface Failures {
  /**
   * Looked at before an unknown token is.
   *
   * @throws {rate_limited} too many bad ones came from there
   */
  check(ip: string): void;
  /** Takes note of how a token was refused; of what may happen to honest people it takes none. */
  note(ip: string, error: unknown): void;
}

/** An expired or revoked token was a good one once: its owner must not be shut out for asking. */
const SUSPICIOUS: ReadonlySet<string> = new Set([
  'bad_credentials',
  'token_signature',
  'token_algorithm',
  'token_type',
  'token_issuer',
  'token_audience',
  'token_claims',
  'token_inactive',
  'token_binding',
  'dpop_proof',
]);
const CAPACITY = 20_000;

/**
 * Counts bad tokens by the address that they come from.
 *
 * @param allowance how many; undefined for no bound
 * @param now the clock, epoch ms
 * @returns the counter
 */
export function createFailures(allowance: Allowance | undefined, now: () => number): Failures {
  if (allowance === undefined) return { check() {}, note() {} };
  const allowances = createAllowances(now, CAPACITY);
  /** Until when nothing unknown is looked at. */
  const shutUntilMs = new Map<string, number>();
  return {
    check(ip) {
      if (shutUntilMs.size === 0) return;
      const untilMs = shutUntilMs.get(ip);
      if (untilMs === undefined) return;
      const waitMs = untilMs - now();
      if (waitMs <= 0) {
        shutUntilMs.delete(ip);
        return;
      }
      throw new RelayError(
        'rate_limited',
        'Too many bad tokens came from this address; tokens that are not known yet have to wait.',
        { retryAfterSeconds: Math.max(1, Math.ceil(waitMs / 1000)) },
      );
    },
    note(ip, error) {
      if (!(error instanceof RelayError) || !SUSPICIOUS.has(error.code)) return;
      const waitMs = allowances.take(ip, allowance);
      if (waitMs <= 0) return;
      if (shutUntilMs.size >= CAPACITY) shutUntilMs.clear();
      shutUntilMs.set(ip, now() + waitMs);
    },
  };
}
