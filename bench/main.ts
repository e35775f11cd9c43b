import { catalogue, needOf, type PeerName } from './catalogue.ts';
import { install } from './install.ts';
import { machine, pinGenerator } from './machine.ts';
import { createOpened, type Opened } from './opened.ts';
import { readOptions, USAGE, type BenchOptions } from './options.ts';
import { haproxy } from './programs/haproxy.ts';
import { startJsonUpstream } from './programs/nginx.ts';
import { renderResult, type Result } from './result.ts';
import { USUAL_APIS, USUAL_TOKENS, type Run } from './run.ts';
import { runScenarios } from './scenarios.ts';
import { createAuthority } from './tokens.ts';

const progress = (text: string): void => void process.stderr.write(`bench: ${text}\n`);

/** Rejects when the run is asked to end, so that everything is closed in order. */
function interrupted(): Promise<never> {
  const stopped = new Promise<never>((_resolve, reject) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      process.once(signal, () => reject(new Error(`ended by ${signal}`)));
    }
  });
  // A signal before anybody waits for it must not count as unhandled.
  stopped.catch(() => {});
  return stopped;
}

/** Installs what is missing and leaves out what cannot be had. */
function available(options: BenchOptions): readonly PeerName[] {
  const needs = options.peers.map(needOf).filter((need) => need !== undefined);
  const lacking = install([...new Set(['wrk', 'nginx', 'taskset', ...needs] as const)], progress);
  for (const tool of ['wrk', 'nginx'] as const) {
    if (lacking.has(tool)) throw new Error(`${tool} is needed in any case`);
  }
  return options.peers.filter((name) => {
    const need = needOf(name);
    return need === undefined || !lacking.has(need);
  });
}

async function prepare(options: BenchOptions, opened: Opened): Promise<Run> {
  const peers = available(options);
  const count = options.scenarios.includes('tokens') ? options.manyTokens : USUAL_TOKENS;
  progress(`signing ${count} tokens`);
  const authority = await createAuthority(opened, count);
  if (!pinGenerator()) progress('no two cores to keep apart: the figures mean little');
  const upstream = (await startJsonUpstream(opened)).url.origin;
  const setting = { upstream, authority, apis: USUAL_APIS, inspect: false };
  const reference = peers.includes('haproxy') ? await haproxy(opened, setting) : undefined;
  const starters = peers
    .filter((name) => name !== 'haproxy')
    .flatMap((name) => [...catalogue[name].start]);
  return { options, opened, authority, upstream, reference, starters, progress };
}

async function run(options: BenchOptions): Promise<void> {
  const stopped = interrupted();
  const opened = createOpened();
  const results: Result[] = [];
  const print = (result: Result): void => {
    results.push(result);
    if (!options.json) process.stdout.write(`${renderResult(result)}\n`);
  };
  const at = new Date().toISOString();
  if (!options.json) {
    process.stdout.write(
      `# ${at}, Node ${machine['node']}, ${machine['cores']} cores, ${machine['cpu']}\n\n`,
    );
  }
  try {
    await Promise.race([
      prepare(options, opened).then((prepared) => runScenarios(prepared, print)),
      stopped,
    ]);
  } finally {
    if (options.json) {
      process.stdout.write(`${JSON.stringify({ at, machine, options, results })}\n`);
    }
    await opened.close();
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
