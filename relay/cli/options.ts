import { parseArgs } from 'node:util';
import { givenTwice } from '../../audit/given-twice.ts';
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
 * @throws {TypeError} an unknown option, one given twice, a value too few, a word too many, or an empty value; its
 *   message says which
 */
export function readOptions(argv: readonly string[], names: OptionNames): Options {
  const options = Object.fromEntries([
    ...names.values.map((name) => [name, { type: 'string' as const }]),
    ...names.flags.map((name) => [name, { type: 'boolean' as const }]),
  ]);
  const { values, tokens } = parseArgs({
    args: [...argv],
    strict: true,
    allowPositionals: false,
    tokens: true,
    options,
  });
  const repeated = givenTwice(tokens, options);
  if (repeated !== undefined) throw new TypeError(repeated);
  const entries = Object.entries(values);
  // Most often a variable of the shell that is not set.
  const empty = entries.find(([, value]) => value === '');
  if (empty !== undefined) throw new TypeError(`--${empty[0]} is empty`);
  return {
    values: Object.fromEntries(
      entries.filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
    ),
    flags: new Set(entries.filter(([, value]) => value === true).map(([name]) => name)),
  };
}

/**
 * Reads a command's options, or tells of bad usage.
 *
 * @param argv what follows the command's name
 * @param names what is accepted
 * @param usage the right form
 * @param io where to write
 * @returns the options; undefined when that was told
 */
export function optionsOrUsage(
  argv: readonly string[],
  names: OptionNames & { readonly required?: readonly string[] },
  usage: string,
  io: CommandIo,
): Options | undefined {
  try {
    const options = readOptions(argv, names);
    const missing = names.required?.find((name) => options.values[name] === undefined);
    if (missing === undefined) return options;
    reportUsage(`--${missing} is missing`, usage, io);
  } catch (error) {
    reportUsage(error instanceof Error ? error.message : String(error), usage, io);
  }
  return undefined;
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
export function reportUsage(message: string, usage: string, io: Pick<CommandIo, 'stderr'>): number {
  io.stderr.write(`${message}\nusage: ${usage}\n`);
  return 2;
}
