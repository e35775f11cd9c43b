import type { KeySet } from './keys.ts';
import type { Principal } from './principal.ts';

/** A verified token, and the keys that it was verified with. */
export interface VerifiedToken {
  readonly principal: Principal;
  readonly keys: KeySet;
}

/** Verified tokens by hash; it only saves work, so every use re-checks what time may change. */
export interface TokenCache {
  readonly get: (hash: string) => VerifiedToken | undefined;
  readonly set: (hash: string, token: VerifiedToken) => void;
  readonly delete: (hash: string) => void;
}

/**
 * Makes a cache that holds the tokens used most recently.
 *
 * @param capacity how many tokens at most
 * @returns an empty cache
 */
export function createTokenCache(capacity: number): TokenCache {
  const entries = new Map<string, VerifiedToken>();
  const set = (hash: string, token: VerifiedToken): void => {
    entries.delete(hash);
    entries.set(hash, token);
    const oldest = entries.keys().next();
    if (entries.size > capacity && oldest.done !== true) entries.delete(oldest.value);
  };
  return {
    get: (hash) => {
      const found = entries.get(hash);
      if (found !== undefined) set(hash, found);
      return found;
    },
    set,
    delete: (hash) => {
      entries.delete(hash);
    },
  };
}
