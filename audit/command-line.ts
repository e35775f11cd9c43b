import { parseArgs } from 'node:util';
import { FORMATS } from './formats/names.ts';
import { givenTwice } from './given-twice.ts';

/** What each `audit` command takes, by its name. */
const FORMS = {
  verify: ['[--checkpoint FILE] [--public-key FILE] [--json]'],
  export: [
    `[--format ${FORMATS.join('|')}] [--since TIME] [--until TIME] [--user USER] [--api API]`,
  ],
  report: ['[--since TIME] [--until TIME] [--user USER] [--api API] [--timezone ZONE] [--json]'],
  erase: ['--user USER [--issuer ISSUER] [--json]'],
  hold: [
    'add --reason TEXT (--user USER [--issuer ISSUER] | --api API | --all) [--json]',
    'list [--json]',
    'remove ID [--json]',
  ],
  'rotate-key': ['[--json]'],
} as const;

/** The name of an `audit` command. */
export type AuditCommand = keyof typeof FORMS;

/** Those that change a ledger. */
const ADMINISTRATIVE: ReadonlySet<string> = new Set(['erase', 'hold', 'rotate-key']);

/** How the commands are called where they are called. */
export interface Caller {
  /** Whether who asks may erase, hold and rotate keys; default false. */
  readonly administers?: boolean;
  /** What stands before the command, default `audit`. */
  readonly program?: string;
  /** The option that leads to the ledger, where there is one: `--dir DIR`. */
  readonly place?: string;
}

/** Bad usage: the command line is at fault. */
export class UsageError extends Error {}

/**
 * Tells whether a word names a command that a caller has.
 *
 * @param name perhaps one
 * @param caller who asks
 * @returns whether it does
 */
export function isCommand(name: string | undefined, caller: Caller): name is AuditCommand {
  if (name === undefined || !Object.hasOwn(FORMS, name)) return false;
  return caller.administers === true || !ADMINISTRATIVE.has(name);
}

/**
 * Lists the commands that a caller has.
 *
 * @param caller who asks
 * @returns their names
 */
export function commandsOf(caller: Caller): readonly AuditCommand[] {
  return Object.keys(FORMS).filter((name) => isCommand(name, caller));
}

/**
 * Tells whether a command line asks for its usage.
 *
 * @param argv the words
 * @returns whether it does
 */
export function asksForHelp(argv: readonly string[]): boolean {
  return argv.some((word) => word === '--help' || word === '-h');
}

/**
 * Tells how to call a command.
 *
 * @param name the command's, else all are told
 * @param caller who asks
 * @returns lines
 */
export function auditUsage(name: string | undefined, caller: Caller): string {
  const { program = 'audit', place } = caller;
  const names = isCommand(name, caller) ? [name] : commandsOf(caller);
  const lines = names.flatMap((command) =>
    FORMS[command].map((form) =>
      [program, command, form, place].filter((it) => it !== undefined).join(' '),
    ),
  );
  return `usage: ${lines.join('\n       ')}\n`;
}

/**
 * Reads the options of a command.
 *
 * @param argv what follows the command
 * @param options as parseArgs takes them
 * @returns their values
 * @throws {UsageError} for an unknown option, one given twice, a value too few, a word too many, or an empty value:
 *   most often a variable of the shell that is not set, and never a filter that lets everything through
 */
export function readOptions<
  const O extends Record<string, { readonly type: 'string' | 'boolean' }>,
>(argv: readonly string[], options: O) {
  const { values, tokens } = strictly(argv, options);
  const repeated = givenTwice(tokens, options);
  if (repeated !== undefined) throw new UsageError(repeated);
  for (const [name, value] of Object.entries(values)) {
    if (value === '') throw new UsageError(`--${name} is empty`);
  }
  return values;
}

function strictly<const O extends Record<string, { readonly type: 'string' | 'boolean' }>>(
  argv: readonly string[],
  options: O,
) {
  try {
    return parseArgs({
      args: [...argv],
      options,
      strict: true,
      allowPositionals: false,
      tokens: true,
    });
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error), { cause: error });
  }
}
