import packageJson from '../../package.json' with { type: 'json' };
import { asksForHelp } from '../../audit/command-line.ts';
import { AuditError } from '../../audit/errors.ts';
import { AUDIT_USAGE, auditCommand } from './audit.ts';
import { CHECK_CONFIG_USAGE, checkConfig } from './check-config.ts';
import { explain, EXPLAIN_USAGE } from './explain.ts';
import { keygen, KEYGEN_USAGE } from './keygen.ts';
import { optionsOrUsage } from './options.ts';
import { printSchema, SCHEMA_USAGE } from './schema.ts';
import type { RelayConfig } from '../config/config.ts';
import { ConfigError, formatFault } from '../config/faults.ts';
import { loadConfig } from '../config/load.ts';
import { startRelay, type RunningRelay } from '../serve.ts';

const SERVE_USAGE = 'latchkey-relay [serve] --config relay.yaml';

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

async function serve(argv: readonly string[]): Promise<number> {
  const names = { values: ['config'], flags: [], required: ['config'] };
  const file = optionsOrUsage(argv, names, SERVE_USAGE, io)?.values['config'];
  if (file === undefined) return 2;
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

interface Command {
  readonly usage: string;
  run(argv: string[]): number | Promise<number>;
}

const commands: Readonly<Record<string, Command>> = {
  serve: { usage: SERVE_USAGE, run: serve },
  'check-config': { usage: CHECK_CONFIG_USAGE, run: (argv) => checkConfig(argv, io) },
  schema: { usage: SCHEMA_USAGE, run: (argv) => printSchema(argv, io) },
  keygen: { usage: KEYGEN_USAGE, run: (argv) => keygen(argv, io) },
  explain: { usage: EXPLAIN_USAGE, run: (argv) => explain(argv, io) },
  audit: { usage: AUDIT_USAGE, run: (argv) => auditCommand(argv, io) },
};

const USAGE = usageOf(...Object.values(commands).map(({ usage }) => usage));

function usageOf(...forms: readonly string[]): string {
  return `usage: ${forms.join('\n       ')}\n`;
}

function failed(error: unknown): number {
  if (error instanceof ConfigError) {
    for (const fault of error.faults) process.stderr.write(`${formatFault(fault)}\n`);
    return 2;
  }
  process.stderr.write(
    `latchkey-relay: ${error instanceof Error ? error.message : String(error)}\n`,
  );
  return error instanceof AuditError && error.code === 'audit_config' ? 2 : 1;
}

/**
 * Runs one command of `latchkey-relay`.
 *
 * @param argv without node and the script
 * @returns the exit code: 0 fine, 1 it failed, 2 bad usage or bad configuration
 */
export async function main(argv: string[]): Promise<number> {
  const [first = 'serve', ...rest] = argv;
  if (first === '--version') {
    const { version } = packageJson;
    process.stdout.write(`${rest.includes('--json') ? JSON.stringify({ version }) : version}\n`);
    return 0;
  }
  if (first === 'help' && rest.length > 0) return await main([...rest, '--help']);
  if (first === 'help' || asksForHelp([first])) {
    process.stdout.write(USAGE);
    return 0;
  }
  const [name, args] = first.startsWith('-') ? ['serve', argv] : [first, rest];
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (command === undefined) return complain(`there is no command ${name}\n${USAGE}`);
  // Those of the audit have a usage each.
  if (name !== 'audit' && asksForHelp(args)) {
    process.stdout.write(usageOf(command.usage));
    return 0;
  }
  try {
    return await command.run(args);
  } catch (error) {
    return failed(error);
  }
}
