import { parentPort } from 'node:worker_threads';
import { type Range, verifyRange } from './verify-range.ts';

// Checks one range after the other, so that all cores have something to do.
parentPort?.on('message', (range: Range) => {
  void verifyRange(range).then((result) => {
    parentPort?.postMessage(result);
  });
});
