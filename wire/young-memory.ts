import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** After how many streamed bytes the buffers that carried them are handed back. */
const EVERY_BYTES = 16 * 1024 * 1024;

type CollectYoung = (options: { readonly type: 'minor' }) => void;

function collector(): CollectYoung | undefined {
  try {
    setFlagsFromString('--expose-gc');
    return runInNewContext('gc') as CollectYoung;
  } catch {
    // A runtime that does not allow it: memory grows further before V8 collects of itself.
    return undefined;
  }
}

/**
 * Counts uploaded bytes and has V8 collect its young generation now and then. Each piece that node reads from a
 * client is a buffer outside the heap; V8 alone lets some 64 MiB of dead ones gather before it looks
 * (DECISIONS 14 has the figures).
 *
 * @returns a function to be told of every chunk's length
 */
export function createYoungMemory(): (bytes: number) => void {
  const collect = collector();
  let streamed = 0;
  return (bytes) => {
    streamed += bytes;
    if (streamed < EVERY_BYTES) return;
    streamed = 0;
    collect?.({ type: 'minor' });
  };
}
