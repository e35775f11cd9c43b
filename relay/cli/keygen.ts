import { generateKeyPairSync } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import type { CommandIo } from './io.ts';

/** What each key is for, and so of which kind it is. */
const KINDS = ['assertion', 'checkpoint'] as const;
type Kind = (typeof KINDS)[number];

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
export function keygen(argv: string[], io: CommandIo): number {
  const { values } = parseArgs({
    args: argv,
    options: { out: { type: 'string' }, type: { type: 'string', default: 'assertion' } },
  });
  const { out, type } = values;
  if (out === undefined || !isKind(type)) {
    io.stderr.write(
      `latchkey-relay: usage: latchkey-relay keygen --out FILE [--type ${KINDS.join('|')}]\n`,
    );
    return 2;
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
