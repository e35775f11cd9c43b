import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { givenTwice, type Options, type Tokens } from '../../audit/given-twice.ts';
import { controlAddress } from '../main/agent/control/address.ts';
import { createControlClient, type ControlClient } from '../main/agent/control/client.ts';
import { AgentError } from '../main/agent/errors.ts';
import { dataDir } from '../main/agent/settings/data-dir.ts';
import type { OptionSpec } from './specs.ts';
import { badUsage } from './usage.ts';

/** Where the command writes and what it knows of its surroundings. */
export interface CommandIo {
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/**
 * Parses options; nothing else may stand among them.
 *
 * @param argv what follows the command's name
 * @param options as in the table of commands
 * @returns their values
 * @throws {AgentError} `bad_usage`
 */
export function parsed<const O extends Readonly<Record<string, OptionSpec>>>(
  argv: readonly string[],
  options: O,
) {
  return checked(options, () =>
    parseArgs({ args: [...argv], options, strict: true, allowPositionals: false, tokens: true }),
  ).values;
}

/**
 * Parses options with words among them.
 *
 * @param argv what follows the command's name
 * @param options as in the table of commands
 * @returns the options' values, and the words in order
 * @throws {AgentError} `bad_usage`
 */
export function parsedWithWords<const O extends Readonly<Record<string, OptionSpec>>>(
  argv: readonly string[],
  options: O,
) {
  return checked(options, () =>
    parseArgs({ args: [...argv], options, strict: true, allowPositionals: true, tokens: true }),
  );
}

/** An empty value is mostly a variable of the shell that is not set: no option means anything by it. */
function checked<R extends { readonly values: object; readonly tokens: Tokens }>(
  options: Options,
  parse: () => R,
): R {
  let result: R;
  try {
    result = parse();
  } catch (error) {
    throw badUsage(error instanceof Error ? error.message : String(error));
  }
  const repeated = givenTwice(result.tokens, options);
  if (repeated !== undefined) throw badUsage(repeated);
  for (const [option, value] of Object.entries(result.values) as [string, unknown][]) {
    if (value === '' || (Array.isArray(value) && value.includes(''))) {
      throw badUsage(`--${option} needs a value`);
    }
  }
  return result;
}

/**
 * Tells which data directory is meant.
 *
 * @param named by `--data-dir`
 * @param io the environment
 * @returns an absolute path
 */
export function dirOf(named: string | undefined, io: CommandIo): string {
  return named === undefined ? dataDir(io.env, process.platform) : resolve(named);
}

/**
 * Makes a client of the Latchkey that runs with a data directory.
 *
 * @param named by `--data-dir`
 * @param io the environment
 * @returns the client
 */
export function clientOf(named: string | undefined, io: CommandIo): ControlClient {
  return createControlClient(controlAddress(dirOf(named, io)));
}

/**
 * Gives a fault of any kind a code and words.
 *
 * @param error whatever was thrown
 * @returns the error to tell
 */
export function asAgentError(error: unknown): AgentError {
  if (error instanceof AgentError) return error;
  const reason = error instanceof Error ? error.message : String(error);
  return new AgentError('internal', `Something went wrong: ${reason}`, { cause: error });
}
