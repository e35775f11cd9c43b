import { createHash, randomBytes } from 'node:crypto';
import type { Attempt } from './provider.ts';

/** An attempt to sign in, and where it leads. */
export interface Pending extends Attempt {
  readonly returnTo: string;
}

/** Attempts to sign in that have not come back yet. */
export interface Attempts {
  /** @returns the secret that the browser keeps: the one it has already, where it has one */
  add(browser: string | undefined, pending: Pending): string;
  /** Takes an attempt, once, for the browser that began it. */
  take(browser: string | undefined, state: string): Pending | undefined;
}

const LIFE_MS = 600_000;
const MAX_ATTEMPTS = 1_000;
const SECRET = /^[A-Za-z0-9_-]{43}$/;

const keyOf = (browser: string, state: string): string =>
  createHash('sha256').update(`${browser}\n${state}`).digest('base64url');

/**
 * Makes an empty store of attempts.
 *
 * @param now the clock, epoch ms
 * @returns the store
 */
export function createAttempts(now: () => number): Attempts {
  const attempts = new Map<string, Pending & { readonly untilMs: number }>();
  return {
    add(given, pending) {
      const isUsable = given !== undefined && SECRET.test(given);
      const browser = isUsable ? given : randomBytes(32).toString('base64url');
      const [oldest] = attempts.keys();
      if (attempts.size >= MAX_ATTEMPTS && oldest !== undefined) attempts.delete(oldest);
      attempts.set(keyOf(browser, pending.state), { ...pending, untilMs: now() + LIFE_MS });
      return browser;
    },
    take(browser, state) {
      if (browser === undefined) return undefined;
      const key = keyOf(browser, state);
      const found = attempts.get(key);
      attempts.delete(key);
      return found !== undefined && now() < found.untilMs ? found : undefined;
    },
  };
}
