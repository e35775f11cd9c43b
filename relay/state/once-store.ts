import { RelayError } from '../errors.ts';

/** Keys that may be used once, in this process's memory. */
export interface OnceStore {
  /**
   * @param key what may be used once
   * @param expiresAtMs when it may be forgotten, epoch ms
   * @returns true the first time
   * @throws {state_unavailable} there is no room to remember it
   */
  readonly once: (key: string, expiresAtMs: number) => boolean;
}

/** Longer than a DPoP proof can be good for; such keys are dropped a generation at a time. */
const generationMs = 150_000;

/**
 * Makes a store of used keys. Short-lived ones, by far the most, are kept for one to two generations
 * and then dropped together, so that forgetting costs nothing a key.
 *
 * @param now the clock, epoch ms
 * @param capacity how many keys at most; beyond, nothing new is accepted until some are forgotten
 * @returns an empty store
 */
export function createOnceStore(now: () => number, capacity = 1_000_000): OnceStore {
  let young = new Set<string>();
  let old = new Set<string>();
  const lasting = new Map<string, number>();
  let turnAtMs = now() + generationMs;

  function turn(nowMs: number): void {
    old = nowMs >= turnAtMs + generationMs ? new Set() : young;
    young = new Set();
    turnAtMs = nowMs + generationMs;
    for (const [key, expiresAtMs] of lasting) if (expiresAtMs <= nowMs) lasting.delete(key);
  }

  return {
    once(key, expiresAtMs) {
      const nowMs = now();
      if (nowMs >= turnAtMs) turn(nowMs);
      if (young.has(key) || old.has(key) || (lasting.get(key) ?? 0) > nowMs) return false;
      if (young.size + old.size + lasting.size >= capacity)
        throw new RelayError(
          'state_unavailable',
          'Too many requests were made lately to tell a repeated one from a new one. Try again shortly.',
        );
      if (expiresAtMs - nowMs <= generationMs) young.add(key);
      else lasting.set(key, expiresAtMs);
      return true;
    },
  };
}
