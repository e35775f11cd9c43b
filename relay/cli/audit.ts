import { availableParallelism } from 'node:os';
import type { Writable } from 'node:stream';
import { parseArgs } from 'node:util';
import packageJson from '../../package.json' with { type: 'json' };
import { runAuditCommand } from '../../audit/command.ts';
import type { LedgerPlace } from '../../audit/people/registry.ts';
import type { RelayConfig } from '../config/config.ts';
import { loadConfig } from '../config/load.ts';

/**
 * Runs `latchkey-relay audit …` on the directory that `--config` or `--dir` names.
 *
 * @param argv the arguments after `audit`
 * @param io where to write, and the environment for `${NAME}` in the file
 * @returns the exit code
 * @throws {ConfigError} when the file has faults
 */
export async function auditCommand(
  argv: string[],
  io: {
    readonly stdout: Writable;
    readonly stderr: Writable;
    readonly env: NodeJS.ProcessEnv;
  },
): Promise<number> {
  const { values, tokens } = parseArgs({
    args: argv,
    options: { config: { type: 'string' }, dir: { type: 'string' } },
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  const ours = new Set<number>();
  for (const token of tokens) {
    if (token.kind !== 'option' || (token.name !== 'config' && token.name !== 'dir')) continue;
    ours.add(token.index);
    if (token.inlineValue === false) ours.add(token.index + 1);
  }
  const rest = argv.filter((_, at) => !ours.has(at));
  const place =
    typeof values.dir === 'string'
      ? { dir: values.dir }
      : typeof values.config === 'string'
        ? placeIn(await loadConfig(values.config, { env: io.env }))
        : undefined;
  if (place === undefined) {
    io.stderr.write('latchkey-relay audit: name the ledger by --config FILE or --dir DIR\n');
    return 2;
  }
  const { version } = packageJson;
  const { stdout, stderr } = io;
  const threads = availableParallelism();
  return runAuditCommand(rest, { ...place, version, threads, administers: true, stdout, stderr });
}

function placeIn({ audit: { dir, keyFile } }: RelayConfig): LedgerPlace {
  return { dir, ...(keyFile === undefined ? {} : { keyFile }) };
}
