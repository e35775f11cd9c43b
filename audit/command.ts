import type { Writable } from 'node:stream';
import { parseArgs } from 'node:util';
import { AuditError } from './errors.ts';
import { writeExport } from './export.ts';
import { verifyLedger } from './verify.ts';

const usage = `usage: audit verify [--checkpoint FILE] [--public-key FILE] [--json]
       audit export [--format jsonl] [--since TIME] [--until TIME] [--user USER] [--api API]
`;

interface Io {
  readonly dir: string;
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
      case 'erase':
      case 'hold':
        throw new UsageError(`audit ${name} is not available in this version`);
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

async function verify(argv: readonly string[], { dir, stdout }: Io): Promise<number> {
  const values = parsed(argv, {
    checkpoint: { type: 'string' },
    'public-key': { type: 'string' },
    json: { type: 'boolean' },
  });
  const result = await verifyLedger(dir, {
    ...(values.checkpoint === undefined ? {} : { checkpointFile: values.checkpoint }),
    ...(values['public-key'] === undefined ? {} : { publicKeyFile: values['public-key'] }),
  });
  if (values.json || result.ok) {
    stdout.write(`${JSON.stringify(result)}\n`);
  } else {
    for (const { segment, seq, what } of result.faults) {
      const where = [segment, seq === undefined ? undefined : `record ${seq}`];
      stdout.write(`${[...where.filter((it) => it !== undefined), what].join(': ')}\n`);
    }
  }
  return result.ok ? 0 : 1;
}

async function exportTo(argv: readonly string[], { dir, stdout }: Io): Promise<number> {
  const { format = 'jsonl', ...filter } = parsed(argv, {
    format: { type: 'string' },
    since: { type: 'string' },
    until: { type: 'string' },
    user: { type: 'string' },
    api: { type: 'string' },
  });
  if (format !== 'jsonl') {
    const known = ['csv', 'ocsf', 'cef'].includes(format);
    throw new UsageError(
      known
        ? `format ${format} is not available in this version: use jsonl`
        : `no format ${format}: use jsonl`,
    );
  }
  await writeExport(dir, { format, ...filter }, stdout);
  return 0;
}
