/** Remembers what was used lately, within bounds. */
export interface Recent<T> {
  get(key: string): T | undefined;
  set(key: string, value: T): void;
  clear(): void;
  values(): readonly T[];
}

/**
 * Makes a memory that forgets what was used least lately, many at a time, so that a look-up costs no more than
 * one in a Map.
 *
 * @param remember how many at least; at most twice as many
 * @returns an empty memory
 */
export function createRecent<T>(remember: number): Recent<T> {
  let young = new Map<string, T>();
  let old = new Map<string, T>();
  function set(key: string, value: T): void {
    if (young.size >= remember) {
      old = young;
      young = new Map();
    }
    young.set(key, value);
  }
  return {
    get(key) {
      const found = young.get(key);
      if (found !== undefined) return found;
      const older = old.get(key);
      if (older !== undefined) set(key, older);
      return older;
    },
    set,
    clear() {
      young = new Map();
      old = new Map();
    },
    values: () => [...new Map([...old, ...young]).values()],
  };
}
