import { parentPort, workerData } from 'node:worker_threads';
import type { FromThread, ThreadBeginning, ToThread } from './messages.ts';
import { createShipping } from './shipping.ts';

/** As fresh as anybody reads them. */
const STATES_MS = 500;

const { dir, version } = workerData as ThreadBeginning;

function tell(message: FromThread): void {
  parentPort?.postMessage(message);
}

const shipping = createShipping({
  dir,
  version,
  log: (event) => tell({ kind: 'log', event }),
  now: Date.now,
  random: Math.random,
});
const tellStates = (): void => tell({ kind: 'states', states: shipping.states() });
setInterval(tellStates, STATES_MS);

async function hear(message: ToThread): Promise<void> {
  switch (message.kind) {
    case 'use':
      await shipping.use(message.sinks);
      break;
    case 'wake':
      shipping.wake();
      return;
    case 'close':
      await shipping.close();
      tell({ kind: 'closed' });
      return;
    default:
      message satisfies never;
  }
  tellStates();
}

parentPort?.on('message', (message: ToThread) => void hear(message));
