/** Values that serve for a while. */
export interface ExpiringCache<Value> {
  readonly get: (key: string, nowMs: number) => Value | undefined;
  /** @param untilMs when the value stops to serve, milliseconds since the epoch */
  readonly set: (key: string, value: Value, nowMs: number, untilMs: number) => void;
  readonly delete: (key: string) => void;
}

/**
 * Makes a cache that holds the entries used most recently, each no longer than it may serve.
 *
 * @param capacity how many entries at most
 * @returns an empty cache
 */
export function createExpiringCache<Value>(capacity: number): ExpiringCache<Value> {
  interface Entry {
    readonly value: Value;
    readonly fromMs: number;
    readonly untilMs: number;
  }
  const entries = new Map<string, Entry>();
  return {
    get(key, nowMs) {
      const entry = entries.get(key);
      if (entry === undefined) return undefined;
      entries.delete(key);
      // A clock that was set back must not make an entry serve for longer.
      if (nowMs >= entry.untilMs || nowMs < entry.fromMs) return undefined;
      entries.set(key, entry);
      return entry.value;
    },
    set(key, value, nowMs, untilMs) {
      entries.delete(key);
      if (untilMs <= nowMs) return;
      entries.set(key, { value, fromMs: nowMs, untilMs });
      const oldest = entries.keys().next();
      if (entries.size > capacity && oldest.done !== true) entries.delete(oldest.value);
    },
    delete(key) {
      entries.delete(key);
    },
  };
}
