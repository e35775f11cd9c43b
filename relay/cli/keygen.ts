import { generateKeyPairSync } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import type { CommandIo } from './io.ts';
import { optionsOrUsage, reportUsage } from './options.ts';

/** What each key is for, and so of which kind it is. */
const KINDS = ['assertion', 'checkpoint'] as const;
type Kind = (typeof KINDS)[number];

/** How it is called. */
export const KEYGEN_USAGE = `latchkey-relay keygen --out FILE [--type ${KINDS.join('|')}]`;

const isKind = (value: string): value is Kind => KINDS.some((kind) => kind === value);

function pemOf(kind: Kind): string {
  const { privateKey } =
    kind === 'assertion'
      ? generateKeyPairSync('ec', { namedCurve: 'P-256' })
      : generateKeyPairSync('ed25519');
  return privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
}

/**
 * `latchkey-relay keygen`: makes a private key that nobody else can read.
 *
 * @param argv `--out FILE`, and `--type assertion` (default: it signs X-Latchkey-Assertion) or
 *   `checkpoint` (it signs the audit's checkpoints)
 * @param io where to write
 * @returns 0; 1 when the file is there already or cannot be written; 2 for bad usage
 */
export function keygen(argv: readonly string[], io: CommandIo): number {
  const names = { values: ['out', 'type'], flags: [], required: ['out'] };
  const options = optionsOrUsage(argv, names, KEYGEN_USAGE, io);
  if (options === undefined) return 2;
  const { out = '', type = 'assertion' } = options.values;
  if (!isKind(type)) {
    return reportUsage(`there is no type ${type}: use ${KINDS.join(' or ')}`, KEYGEN_USAGE, io);
  }
  try {
    // A key that something is signed with must not be lost to a slip of the hand.
    writeFileSync(out, pemOf(type), { mode: 0o600, flag: 'wx' });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const why = code === 'EEXIST' ? 'it is there already; choose another name' : (code ?? 'failed');
    io.stderr.write(`latchkey-relay: ${out}: ${why}\n`);
    return 1;
  }
  io.stdout.write(`${out}\n`);
  return 0;
}
