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
 * Makes a cache that holds the tokens used most recently, in two halves: what is used moves to the
 * younger one, and when that is full the older one is forgotten. A look-up thus moves nothing as a rule.
 *
 * @param capacity how many tokens at most
 * @returns an empty cache
 */
export function createTokenCache(capacity: number): TokenCache {
  const half = Math.max(1, Math.floor(capacity / 2));
  let young = new Map<string, VerifiedToken>();
  let old = new Map<string, VerifiedToken>();
  const set = (hash: string, token: VerifiedToken): void => {
    if (young.size >= half && !young.has(hash)) {
      old = young;
      young = new Map();
    }
    young.set(hash, token);
  };
  return {
    get(hash) {
      const recent = young.get(hash);
      if (recent !== undefined) return recent;
      const found = old.get(hash);
      if (found !== undefined) set(hash, found);
      return found;
    },
    set,
    delete(hash) {
      young.delete(hash);
      old.delete(hash);
    },
  };
}
