import { Socket } from 'node:net';
import { prepareProcess } from '../prepare-process.ts';

prepareProcess(false);
const { runWorker } = await import('./worker.ts');

// What ends or reloads a relay is told to its primary, also by a terminal or a service manager that
// tells all processes of a group at once: workers go when the primary says so, or is gone.
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGUSR2'] as const)
  process.on(signal, () => {});

runWorker({
  stream: new Socket({ fd: 4, readable: true, writable: true }),
  parent: process,
  exit: (code) => process.exit(code),
});
