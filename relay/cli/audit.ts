import { availableParallelism } from 'node:os';
import type { Writable } from 'node:stream';
import { parseArgs } from 'node:util';
import packageJson from '../../package.json' with { type: 'json' };
import { runAuditCommand } from '../../audit/command.ts';
import { asksForHelp, isCommand } from '../../audit/command-line.ts';
import { givenTwice } from '../../audit/given-twice.ts';
import type { LedgerPlace } from '../../audit/people/registry.ts';
import type { RelayConfig } from '../config/config.ts';
import { loadConfig } from '../config/load.ts';

const PLACE = '(--config relay.yaml | --dir DIR)';
const PLACE_OPTIONS = { config: { type: 'string' }, dir: { type: 'string' } } as const;

/** How it is called, in short. */
export const AUDIT_USAGE = `latchkey-relay audit verify|report|export|erase|hold|rotate-key ${PLACE}`;

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
    options: PLACE_OPTIONS,
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  const { stdout, stderr } = io;
  const complain = (text: string): number => {
    stderr.write(`latchkey-relay audit: ${text}\nusage: ${AUDIT_USAGE}\n`);
    return 2;
  };
  const naming = tokens
    .filter((token) => token.kind === 'option')
    .filter(({ name }) => Object.hasOwn(PLACE_OPTIONS, name));
  const repeated = givenTwice(naming, PLACE_OPTIONS);
  if (repeated !== undefined) return complain(repeated);
  const ours = new Set(
    naming.flatMap(({ index, inlineValue }) =>
      inlineValue === false ? [index, index + 1] : [index],
    ),
  );
  const rest = argv.filter((_, at) => !ours.has(at));
  // Which ledger is meant is no question before it is clear what is to be done with it.
  const needsLedger = !asksForHelp(rest) && isCommand(rest[0], { administers: true });
  const place = needsLedger ? await placeOf(values, io.env) : { dir: '' };
  if (place === undefined) return complain('name the ledger by --config FILE or --dir DIR');
  return runAuditCommand(rest, {
    ...place,
    version: packageJson.version,
    threads: availableParallelism(),
    administers: true,
    program: 'latchkey-relay audit',
    place: PLACE,
    stdout,
    stderr,
  });
}

/** An empty name is that of no directory, and most often a variable of the shell that is not set. */
async function placeOf(
  values: { readonly config?: string | boolean; readonly dir?: string | boolean },
  env: NodeJS.ProcessEnv,
): Promise<LedgerPlace | undefined> {
  const { config, dir } = values;
  if ([config, dir].some((value) => value === '' || value === true)) return undefined;
  if (typeof dir === 'string') return { dir };
  return typeof config === 'string' ? placeIn(await loadConfig(config, { env })) : undefined;
}

function placeIn({ audit: { dir, keyFile } }: RelayConfig): LedgerPlace {
  return { dir, ...(keyFile === undefined ? {} : { keyFile }) };
}
