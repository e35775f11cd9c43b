import { parseArgs } from 'node:util';
import packageJson from '../../package.json' with { type: 'json' };
import { auditCommand } from './audit.ts';
import { checkConfig } from './check-config.ts';
import { explain } from './explain.ts';
import { keygen } from './keygen.ts';
import { printSchema } from './schema.ts';
import type { RelayConfig } from '../config/config.ts';
import { ConfigError, formatFault } from '../config/faults.ts';
import { loadConfig } from '../config/load.ts';
import { startRelay, type RunningRelay } from '../serve.ts';

const USAGE = `usage: latchkey-relay [serve] --config relay.yaml
       latchkey-relay check-config --config relay.yaml [--print] [--strict]
       latchkey-relay schema
       latchkey-relay keygen --out FILE [--type assertion|checkpoint]
       latchkey-relay explain --config relay.yaml (--claims claims.json | --token-file token [--offline]) --method GET --path /billing/invoices [--from IP] [--json]
       latchkey-relay audit verify|report|export|erase|hold|rotate-key (--config relay.yaml | --dir DIR)
`;

const io = { stdout: process.stdout, stderr: process.stderr, env: process.env };

function complain(text: string): number {
  process.stderr.write(`latchkey-relay: ${text}\n`);
  return 2;
}

/** Waits for the signal that ends a long-running command. */
function untilStopped(): Promise<void> {
  return new Promise((resolve) => {
    process.once('SIGTERM', () => resolve());
    process.once('SIGINT', () => resolve());
  });
}

async function serve(argv: string[]): Promise<number> {
  const { values } = parseArgs({ args: argv, options: { config: { type: 'string' } } });
  if (values.config === undefined) return complain(`--config is missing\n${USAGE}`);
  const file = values.config;
  const load = (): Promise<RelayConfig> => loadConfig(file, { env: process.env });
  const config = await load();
  const stopped = untilStopped();
  let relay: RunningRelay | undefined;
  // From the first moment on: without a listener the signal would end the relay.
  process.on('SIGHUP', () => void relay?.reload());
  process.on('SIGUSR2', () => void relay?.replaceWorkers());
  relay = await startRelay(config, { version: packageJson.version, load });
  await stopped;
  await relay.stop();
  return 0;
}

const commands: Readonly<Record<string, (argv: string[]) => Promise<number>>> = {
  serve,
  'check-config': (argv) => checkConfig(argv, io),
  explain: (argv) => explain(argv, io),
  keygen: (argv) => Promise.resolve().then(() => keygen(argv, io)),
  schema: () => Promise.resolve(printSchema(io)),
  audit: (argv) => auditCommand(argv, io),
};

function failed(error: unknown): number {
  if (error instanceof ConfigError) {
    for (const fault of error.faults) process.stderr.write(`${formatFault(fault)}\n`);
    return 2;
  }
  const { code, message } = error as NodeJS.ErrnoException;
  if (code?.startsWith('ERR_PARSE_ARGS')) return complain(`${message}\n${USAGE}`);
  process.stderr.write(`latchkey-relay: ${message}\n`);
  return 1;
}

/**
 * Runs one command of `latchkey-relay`.
 *
 * @param argv without node and the script
 * @returns the exit code: 0 fine, 1 it failed, 2 bad usage or bad configuration
 */
export async function main(argv: string[]): Promise<number> {
  const [first = 'serve', ...rest] = argv;
  if (first === '--help' || first === 'help') {
    process.stdout.write(USAGE);
    return 0;
  }
  const [name, args] = first.startsWith('-') ? ['serve', argv] : [first, rest];
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (command === undefined) return complain(`there is no command ${name}\n${USAGE}`);
  return command(args).catch(failed);
}
