import type { Writable } from 'node:stream';
import { parseArgs } from 'node:util';
import { AuditError } from './errors.ts';
import { writeExport } from './export.ts';
import { eraseCommand, eraseOptions } from './erase-command.ts';
import { holdCommand, holdOptions } from './hold-command.ts';
import { type AuditFormat, FORMATS } from './formats/format.ts';
import { type LedgerRead, noteRead } from './people/note-read.ts';
import { reportCommand, reportOptions } from './report/command.ts';
import { rotateKeyCommand, rotateKeyOptions } from './rotate-key-command.ts';
import { condition, segmentsToRead } from './reader.ts';
import { verifyLedger } from './verify.ts';
import type { Fault } from './verify-record.ts';

const usage = `usage: audit verify [--checkpoint FILE] [--public-key FILE] [--json]
       audit export [--format jsonl|csv|ocsf|cef] [--since TIME] [--until TIME] [--user USER] [--api API]
       audit report [--since TIME] [--until TIME] [--user USER] [--api API] [--timezone ZONE] [--json]
       audit erase --user USER [--issuer ISSUER] [--json]                                (the relay's)
       audit hold add --reason TEXT (--user USER [--issuer ISSUER] | --api API | --all)  (the relay's)
       audit hold list | remove ID  [--json]                                             (the relay's)
       audit rotate-key [--json]                                                         (the relay's)
`;

interface Io {
  readonly dir: string;
  /** Latchkey's, for formats that name the product. */
  readonly version?: string;
  /** The key that signs the ledger's checkpoints, where it is not at its usual place. */
  readonly keyFile?: string;
  /** How many threads may help to verify; default: none. */
  readonly threads?: number;
  /** Whether who asks may erase, hold and rotate keys; default false. */
  readonly administers?: boolean;
  readonly stdout: Writable;
  readonly stderr: Writable;
}

/** Bad usage: the command line is at fault. */
class UsageError extends Error {}

/**
 * The `audit` subcommands that both command lines share.
 *
 * @param argv what follows `audit`, without the option that led to the directory
 * @param io the ledger's directory and where to write
 * @returns the exit code: 0 fine, 1 the ledger is faulty or could not be read, 2 bad usage
 */
export async function runAuditCommand(argv: readonly string[], io: Io): Promise<number> {
  const [name, ...rest] = argv;
  try {
    switch (name) {
      case 'verify':
        return await verify(rest, io);
      case 'export':
        return await exportTo(rest, io);
      case 'report':
        return report(rest, io);
      case 'erase':
      case 'hold':
      case 'rotate-key':
        return await administer(name, rest, io);
      default:
        throw new UsageError(name === undefined ? 'which audit command?' : `no command ${name}`);
    }
  } catch (error) {
    if (error instanceof UsageError) {
      io.stderr.write(`${error.message}\n${usage}`);
      return 2;
    }
    io.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    const badInput = ['audit_config', 'audit_query'];
    return error instanceof AuditError && badInput.includes(error.code) ? 2 : 1;
  }
}

function parsed<const O extends Record<string, { readonly type: 'string' | 'boolean' }>>(
  argv: readonly string[],
  options: O,
) {
  try {
    return parseArgs({ args: [...argv], options, strict: true, allowPositionals: false }).values;
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error), { cause: error });
  }
}

async function administer(
  name: 'erase' | 'hold' | 'rotate-key',
  argv: readonly string[],
  io: Io,
): Promise<number> {
  if (!io.administers) throw new UsageError(`audit ${name} is a command of the relay`);
  if (name === 'erase') {
    await eraseCommand(io, parsed(argv, eraseOptions), io.stdout);
    return 0;
  }
  if (name === 'rotate-key') {
    await rotateKeyCommand(io, parsed(argv, rotateKeyOptions), io.stdout);
    return 0;
  }
  const at = argv.findIndex((word) => word.startsWith('-'));
  const words = at < 0 ? argv : argv.slice(0, at);
  await holdCommand(io, words, parsed(argv.slice(words.length), holdOptions), io.stdout);
  return 0;
}

async function verify(argv: readonly string[], { dir, threads, stdout }: Io): Promise<number> {
  const values = parsed(argv, {
    checkpoint: { type: 'string' },
    'public-key': { type: 'string' },
    json: { type: 'boolean' },
  });
  const result = await verifyLedger(dir, {
    ...(values.checkpoint === undefined ? {} : { checkpointFile: values.checkpoint }),
    ...(values['public-key'] === undefined ? {} : { publicKeyFile: values['public-key'] }),
    ...(threads === undefined ? {} : { threads }),
  });
  if (values.json || result.ok) {
    stdout.write(`${JSON.stringify(result)}\n`);
  } else {
    for (const fault of result.faults) stdout.write(`${lineOf(fault)}\n`);
    for (const notice of result.notices) stdout.write(`notice: ${lineOf(notice)}\n`);
  }
  return result.ok ? 0 : 1;
}

function lineOf({ segment, seq, what }: Fault): string {
  const where = [segment, seq === undefined ? undefined : `record ${seq}`];
  return [...where.filter((it) => it !== undefined), what].join(': ');
}

function report(argv: readonly string[], io: Io): number {
  const options = parsed(argv, reportOptions);
  const text = reportCommand(io.dir, options, Date.now());
  note(io, { ...options, kind: 'admin-read', what: 'report' });
  io.stdout.write(text);
  return 0;
}

/** Who reads an audit is a question of an audit. */
function note({ dir, stderr }: Io, read: LedgerRead): void {
  if (noteRead(dir, read)) return;
  stderr.write(`this is not recorded: ${dir} has no keys of people, or they can't be written\n`);
}

async function exportTo(argv: readonly string[], io: Io): Promise<number> {
  const { dir, version, stdout } = io;
  const { format = 'jsonl', ...filter } = parsed(argv, {
    format: { type: 'string' },
    since: { type: 'string' },
    until: { type: 'string' },
    user: { type: 'string' },
    api: { type: 'string' },
  });
  if (!isFormat(format)) throw new UsageError(`no format ${format}: use ${FORMATS.join(', ')}`);
  // What cannot be done is not recorded as done.
  segmentsToRead(dir);
  condition(filter);
  note(io, { ...filter, kind: 'export', what: `export as ${format}` });
  await writeExport(dir, { format, ...(version && { version }), ...filter }, stdout);
  return 0;
}

function isFormat(name: string): name is AuditFormat {
  return (FORMATS as readonly string[]).includes(name);
}
