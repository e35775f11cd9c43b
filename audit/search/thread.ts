import { parentPort, workerData } from 'node:worker_threads';
import { runBehind } from '../run-behind.ts';
import { updateIndex } from './build.ts';

// Builds the index on a thread that nobody waits for.
runBehind();
const stop = workerData as Int32Array;
parentPort?.on('message', (dir: string) => {
  let problem: string | undefined;
  try {
    updateIndex(dir, () => Atomics.load(stop, 0) !== 0);
  } catch (error) {
    problem = error instanceof Error ? error.message : String(error);
  }
  parentPort?.postMessage(problem);
});
