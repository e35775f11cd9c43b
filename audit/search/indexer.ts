import { createHelperThread } from '../helper-thread.ts';
import { CHUNK } from './index-file.ts';

/** Keeps a ledger's index up to date without holding up who writes the ledger. */
export interface Indexer {
  /** Hears how far the ledger has come, and in which segment. */
  wrote(seq: number, segment: number): void;
  /** Resolves when nothing is under way any more. */
  close(): Promise<void>;
}

/**
 * Prepares the indexer; its thread is started when there is something to index.
 *
 * @param dir the ledger's directory
 * @param onError told what went wrong; searches then take longer, and nothing else happens
 * @returns the indexer
 */
export function createIndexer(dir: string, onError: (error: unknown) => void): Indexer {
  const stop = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
  const thread = createHelperThread({
    file: new URL('./thread.ts', import.meta.url),
    workerData: stop,
    // A chunk at a time, whatever the ledger's size.
    resourceLimits: { maxOldGenerationSizeMb: 48, maxYoungGenerationSizeMb: 4 },
    onDone(problem) {
      if (typeof problem === 'string') onError(new Error(`the audit's index: ${problem}`));
    },
    onError,
  });
  let indexed = 0;
  let known: number | undefined;
  return {
    wrote(seq, segment) {
      if (!thread.isFree()) return;
      known ??= segment;
      if (seq - indexed < CHUNK && segment === known) return;
      indexed = seq;
      known = segment;
      thread.order(dir);
    },
    close() {
      Atomics.store(stop, 0, 1);
      return thread.close();
    },
  };
}
