import { parentPort } from 'node:worker_threads';
import { runBehind } from '../run-behind.ts';
import { prepareSegment, type PrepareOrder } from './prepare.ts';

// Reads and writes segments that nobody writes any more, on a thread that may wait for the disk.
runBehind();
parentPort?.on('message', (order: PrepareOrder) => {
  prepareSegment(order).then(
    (prepared) => parentPort?.postMessage({ prepared }),
    (error: unknown) => parentPort?.postMessage({ error: String(error) }),
  );
});
