import { Worker } from 'node:worker_threads';
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
  let thread: Worker | undefined;
  let isUsable = true;
  let isBusy = false;
  let indexed = 0;
  let known: number | undefined;
  const stop = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
  let whenIdle = (): void => {};

  function idle(): void {
    isBusy = false;
    whenIdle();
  }
  function start(): Worker {
    const started = new Worker(new URL('./thread.ts', import.meta.url), {
      workerData: stop,
      // A chunk at a time, whatever the ledger's size.
      resourceLimits: { maxOldGenerationSizeMb: 48, maxYoungGenerationSizeMb: 4 },
    });
    started.unref();
    started.on('message', (problem: string | undefined) => {
      if (problem !== undefined) onError(new Error(`the audit's index: ${problem}`));
      idle();
    });
    started.on('error', (error) => {
      isUsable = false;
      idle();
      onError(error);
    });
    return started;
  }

  return {
    wrote(seq, segment) {
      if (isBusy || !isUsable) return;
      known ??= segment;
      if (seq - indexed < CHUNK && segment === known) return;
      indexed = seq;
      known = segment;
      isBusy = true;
      thread ??= start();
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, no window
      thread.postMessage(dir);
    },
    async close() {
      isUsable = false;
      Atomics.store(stop, 0, 1);
      if (isBusy)
        await new Promise<void>((resolve) => {
          whenIdle = resolve;
          thread?.ref();
        });
      await thread?.terminate();
    },
  };
}
