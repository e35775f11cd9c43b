import { parseArgs } from 'node:util';
import { ConfigError, formatFault } from '../config/faults.ts';
import type { CommandIo } from './io.ts';

/** What a command accepts: options with a value, and flags. */
export interface OptionNames {
  readonly values: readonly string[];
  readonly flags: readonly string[];
}

/** Options as given. */
export interface Options {
  readonly values: Readonly<Partial<Record<string, string>>>;
  readonly flags: ReadonlySet<string>;
}

/**
 * Reads a command's options.
 *
 * @param argv what follows the command's name
 * @param names what is accepted
 * @returns the options
 * @throws {TypeError} an unknown option, a value too few or a word too many; its message says which
 */
export function readOptions(argv: readonly string[], names: OptionNames): Options {
  const { values } = parseArgs({
    args: [...argv],
    strict: true,
    allowPositionals: false,
    options: Object.fromEntries([
      ...names.values.map((name) => [name, { type: 'string' as const }]),
      ...names.flags.map((name) => [name, { type: 'boolean' as const }]),
    ]),
  });
  const entries = Object.entries(values);
  return {
    values: Object.fromEntries(
      entries.filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
    ),
    flags: new Set(entries.filter(([, value]) => value === true).map(([name]) => name)),
  };
}

/**
 * Tells of a configuration that cannot be used.
 *
 * @param error what loading threw; anything but a ConfigError is thrown on
 * @param io where to write
 * @returns exit code 2
 */
export function reportConfigError(error: unknown, io: CommandIo): number {
  if (!(error instanceof ConfigError)) throw error;
  for (const fault of error.faults) io.stderr.write(`${formatFault(fault)}\n`);
  return 2;
}

/**
 * Tells of bad usage.
 *
 * @param message what is wrong
 * @param usage the right form
 * @param io where to write
 * @returns exit code 2
 */
export function reportUsage(message: string, usage: string, io: CommandIo): number {
  io.stderr.write(`${message}\nusage: ${usage}\n`);
  return 2;
}
