/** Where the session's one secret text is kept. Electron seals it; everything else keeps it in memory. */
export interface Vault {
  readonly kind: 'sealed' | 'memory';
  /** The text last saved, or `undefined` when there is none or it can't be opened any more. */
  load(): Promise<string | undefined>;
  /** Resolves only when the text is durable. */
  save(text: string): Promise<void>;
  clear(): Promise<void>;
}

/**
 * Makes a vault that forgets everything when the process ends.
 *
 * @returns the vault; nothing ever touches the disk
 */
export function createMemoryVault(): Vault {
  let kept: string | undefined;
  return {
    kind: 'memory',
    load: () => Promise.resolve(kept),
    save(text) {
      kept = text;
      return Promise.resolve();
    },
    clear() {
      kept = undefined;
      return Promise.resolve();
    },
  };
}
