import { Worker } from 'node:worker_threads';
import { type Range, type RangeResult, verifyRange } from './verify-range.ts';

/** Below this many ranges a thread would take longer to start than to help. */
const fewRanges = 3;

/**
 * Checks ranges, several at a time where there are threads for it.
 *
 * @param ranges in the order of the chain
 * @param threads how many may be started; below 2 all is done here
 * @returns what was found in each, in the same order
 */
export async function verifyRanges(
  ranges: readonly Range[],
  threads: number,
): Promise<readonly RangeResult[]> {
  const results: RangeResult[] = [];
  const todo = ranges.entries();
  const take = async (check: (range: Range) => Promise<RangeResult>): Promise<void> => {
    for (const [index, range] of todo) results[index] = await check(range);
  };
  if (threads < 2 || ranges.length < fewRanges) {
    await take(verifyRange);
    return results;
  }
  const workers = Array.from({ length: Math.min(threads, ranges.length) }, startThread);
  try {
    await Promise.all(workers.map(({ check }) => take(check)));
  } finally {
    await Promise.all(workers.map(({ end }) => end()));
  }
  return results;
}

function startThread() {
  const worker = new Worker(new URL('./verify-thread.ts', import.meta.url));
  return {
    check: (range: Range) =>
      new Promise<RangeResult>((resolve, reject) => {
        worker.once('message', (result: RangeResult) => {
          worker.off('error', reject);
          resolve(result);
        });
        worker.once('error', reject);
        worker.postMessage(range);
      }),
    end: () => worker.terminate(),
  };
}
