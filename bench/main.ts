import { cpus } from 'node:os';
import { measure } from './measure.ts';
import { readOptions, USAGE, type BenchOptions } from './options.ts';
import { REFERENCE, startPeers } from './peers.ts';
import { summarize } from './report.ts';
import { renderTables } from './tables.ts';

/** Rejects when the run is asked to end, so that everything is closed in order. */
function interrupted(): Promise<never> {
  return new Promise((_resolve, reject) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      process.once(signal, () => reject(new Error(`ended by ${signal}`)));
    }
  });
}

const progress = (text: string): void => void process.stderr.write(`bench: ${text}\n`);

async function run(options: BenchOptions): Promise<void> {
  const stopped = interrupted();
  // A signal before anybody waits for it must not count as unhandled.
  stopped.catch(() => {});
  progress('starting the peers');
  const peers = await startPeers();
  try {
    const measured = await Promise.race([measure(peers.list, options, progress), stopped]);
    const rows = summarize(measured, REFERENCE);
    const machine = { node: process.version, cores: cpus().length, cpu: cpus()[0]?.model ?? '' };
    const text = options.json
      ? JSON.stringify({ machine, options, reference: REFERENCE, rows })
      : `Node ${machine.node}, ${machine.cores} cores, ${machine.cpu}\n\n${renderTables(rows, REFERENCE)}`;
    process.stdout.write(`${text}\n`);
  } finally {
    await peers.close();
  }
}

function readUsage(): BenchOptions | undefined {
  try {
    const options = readOptions(process.argv.slice(2));
    if (options === undefined) process.stdout.write(USAGE);
    return options;
  } catch (error) {
    process.stderr.write(`bench: ${(error as Error).message}\n${USAGE}`);
    process.exitCode = 2;
    return undefined;
  }
}

const options = readUsage();
if (options !== undefined) {
  await run(options).catch((error: unknown) => {
    progress((error as Error).message);
    process.exitCode = 1;
  });
}
