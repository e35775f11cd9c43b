import type { Writable } from 'node:stream';
import {
  asksForHelp,
  auditUsage,
  type Caller,
  commandsOf,
  isCommand,
  readOptions,
  UsageError,
} from './command-line.ts';
import { AuditError } from './errors.ts';
import { writeExport } from './export.ts';
import { eraseCommand, eraseOptions } from './erase-command.ts';
import { holdCommand, holdOptions } from './hold-command.ts';
import { type AuditFormat, FORMATS } from './formats/names.ts';
import { type LedgerRead, noteRead } from './people/note-read.ts';
import { reportCommand, reportOptions } from './report/command.ts';
import { rotateKeyCommand, rotateKeyOptions } from './rotate-key-command.ts';
import { requireLedger } from './reader.ts';
import { readBounds } from './time-bounds.ts';
import { verifyLedger } from './verify.ts';
import type { Fault } from './verify-record.ts';

interface Io extends Caller {
  readonly dir: string;
  /** Latchkey's, for formats that name the product. */
  readonly version?: string;
  /** The key that signs the ledger's checkpoints, where it is not at its usual place. */
  readonly keyFile?: string;
  /** How many threads may help to verify; default: none. */
  readonly threads?: number;
  readonly stdout: Writable;
  readonly stderr: Writable;
}

/**
 * The `audit` subcommands that both command lines share.
 *
 * @param argv what follows `audit`, without the option that led to the directory
 * @param io the ledger's directory, where to write, and how the commands are called
 * @returns the exit code: 0 fine, 1 the ledger is faulty or what was asked for is refused, 2 bad usage or no ledger
 */
export async function runAuditCommand(argv: readonly string[], io: Io): Promise<number> {
  const [name, ...rest] = argv;
  if (asksForHelp(argv)) {
    io.stdout.write(auditUsage(name, io));
    return 0;
  }
  try {
    return await run(name, rest, io);
  } catch (error) {
    // Whoever opened the output tells that, and how it ends.
    if (io.stdout.errored === error) return 1;
    if (error instanceof UsageError) {
      io.stderr.write(told(argv, 'bad_usage', `${error.message}\n${auditUsage(name, io)}`));
      return 2;
    }
    const code = error instanceof AuditError ? error.code : 'internal';
    io.stderr.write(
      told(argv, code, `${error instanceof Error ? error.message : String(error)}\n`),
    );
    const badInput = ['audit_config', 'audit_query'];
    return error instanceof AuditError && badInput.includes(error.code) ? 2 : 1;
  }
}

/** As the other commands tell a fault. */
function told(argv: readonly string[], code: string, words: string): string {
  if (!argv.includes('--json')) return words;
  return `${JSON.stringify({ error: { code, message: words.trimEnd() } })}\n`;
}

async function run(name: string | undefined, argv: readonly string[], io: Io): Promise<number> {
  if (!isCommand(name, io)) throw new UsageError(notThere(name, io));
  switch (name) {
    case 'verify':
      return await verify(argv, io);
    case 'export':
      return await exportTo(argv, io);
    case 'report':
      return report(argv, io);
    case 'erase':
      await eraseCommand(io, readOptions(argv, eraseOptions), io.stdout);
      return 0;
    case 'hold':
      return await hold(argv, io);
    case 'rotate-key':
      await rotateKeyCommand(io, readOptions(argv, rotateKeyOptions), io.stdout);
      return 0;
    default:
      return name satisfies never;
  }
}

function notThere(name: string | undefined, caller: Caller): string {
  if (name === undefined) return 'which audit command?';
  if (isCommand(name, { administers: true })) return `audit ${name} is a command of the relay`;
  return `no command ${name}: use ${commandsOf(caller).join(', ')}`;
}

async function hold(argv: readonly string[], io: Io): Promise<number> {
  const at = argv.findIndex((word) => word.startsWith('-'));
  const words = at < 0 ? argv : argv.slice(0, at);
  await holdCommand(io, words, readOptions(argv.slice(words.length), holdOptions), io);
  return 0;
}

async function verify(argv: readonly string[], { dir, threads, stdout }: Io): Promise<number> {
  const values = readOptions(argv, {
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
  const options = readOptions(argv, reportOptions);
  requireLedger(io.dir);
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
  const { format = 'jsonl', ...filter } = readOptions(argv, {
    format: { type: 'string' },
    since: { type: 'string' },
    until: { type: 'string' },
    user: { type: 'string' },
    api: { type: 'string' },
  });
  if (!isFormat(format)) throw new UsageError(`no format ${format}: use ${FORMATS.join(', ')}`);
  // What cannot be done is not recorded as done.
  requireLedger(dir);
  readBounds(filter);
  note(io, { ...filter, kind: 'export', what: `export as ${format}` });
  await writeExport(dir, { format, ...(version && { version }), ...filter }, stdout);
  return 0;
}

function isFormat(name: string): name is AuditFormat {
  return (FORMATS as readonly string[]).includes(name);
}
