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

const SEEN_SLOTS = 2 ** 15;

/** Tells a token that was seen lately from one that is new, by marks that cost no memory a token. */
function createSeen(): (hash: string) => boolean {
  const marks = new Uint32Array(SEEN_SLOTS);
  return (hash) => {
    const mark = Number.parseInt(hash.slice(0, 8), 16);
    const slot = Number.parseInt(hash.slice(8, 16), 16) % SEEN_SLOTS;
    const isKnown = marks[slot] === mark;
    marks[slot] = mark;
    return isKnown;
  };
}

/**
 * Makes a cache that holds the tokens used most recently, in two halves: what is used moves to the
 * younger one, and when that is full the older one is forgotten. A look-up thus moves nothing as a rule.
 * Once tokens have had to be forgotten, a new one is kept from its second use on: those that are used
 * once take nobody's place.
 *
 * @param capacity how many tokens at most
 * @returns an empty cache; keys are hex of a hash
 */
export function createTokenCache(capacity: number): TokenCache {
  const half = Math.max(1, Math.floor(capacity / 2));
  const wasSeen = createSeen();
  let young = new Map<string, VerifiedToken>();
  let old = new Map<string, VerifiedToken>();

  function keep(hash: string, token: VerifiedToken): void {
    if (young.size >= half && !young.has(hash)) {
      old = young;
      young = new Map();
    }
    young.set(hash, token);
  }

  return {
    get(hash) {
      const recent = young.get(hash);
      if (recent !== undefined) return recent;
      const found = old.get(hash);
      if (found !== undefined) keep(hash, found);
      return found;
    },
    set(hash, token) {
      if (old.size === 0 || wasSeen(hash)) keep(hash, token);
    },
    delete(hash) {
      young.delete(hash);
      old.delete(hash);
    },
  };
}
