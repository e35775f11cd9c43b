import { createHmac, timingSafeEqual } from 'node:crypto';

/** Nonces that need no memory: each is the keyed hash of its time (RFC 9449 §8). */
export interface Nonces {
  /** The one to offer now. */
  readonly current: () => string;
  /** Whether a nonce is this period's, the one's before, or the next one's of a relay whose clock is ahead. */
  readonly accepts: (nonce: string) => boolean;
}

const periodMs = 300_000;

/**
 * Makes nonces that all relays with one secret accept.
 *
 * @param secret shared by the relays, 32 bytes
 * @param now the clock, epoch ms
 * @returns the nonces
 * @see RFC 9449 §8.2, §9
 */
export function createNonces(secret: Buffer, now: () => number): Nonces {
  const made = new Map<number, string>();
  function nonceOf(period: number): string {
    const known = made.get(period);
    if (known !== undefined) return known;
    const nonce = createHmac('sha256', secret).update(`dpop-nonce ${period}`).digest('base64url');
    if (made.size > 3) made.clear();
    made.set(period, nonce);
    return nonce;
  }
  const period = (): number => Math.floor(now() / periodMs);
  const equal = (a: string, b: string): boolean =>
    a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b));
  return {
    current: () => nonceOf(period()),
    accepts: (nonce) =>
      /^[A-Za-z0-9_-]{43}$/.test(nonce) &&
      [period(), period() - 1, period() + 1].some((one) => equal(nonceOf(one), nonce)),
  };
}
