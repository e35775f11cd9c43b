// Loaded before each test file: ends a file that outlives its time, also one whose event loop is stuck.
// The runner's own time-outs fail the test but leave the process, and with it the whole run, hanging.
import { enableCompileCache } from 'node:module';
import { join } from 'node:path';
import { isMainThread, Worker } from 'node:worker_threads';

// Hundreds of processes read the same sources; here, not in the environment, so that their children begin as ever.
enableCompileCache(join(import.meta.dirname, '../node_modules/.cache/test'));

const minutes = Number(process.env['LATCHKEY_TEST_MINUTES'] ?? 6);

// A thread has a clock of its own; the main one's may never come to its timers again.
const WATCH = `
const { workerData } = require('node:worker_threads');
setTimeout(() => {
  require('node:fs').writeSync(2, workerData.text);
  process.kill(process.pid, 'SIGKILL');
}, workerData.afterMs);
`;

if (isMainThread) {
  const text = `npm test: ${process.argv[1] ?? 'a test file'} was killed: it ran for more than ${minutes} minutes\n`;
  const watch = new Worker(WATCH, {
    eval: true,
    execArgv: [],
    workerData: { text, afterMs: minutes * 60_000 },
  });
  watch.unref();
}
