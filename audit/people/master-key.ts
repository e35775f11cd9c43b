import { hkdfSync, randomBytes } from 'node:crypto';
import { closeSync, fsyncSync, openSync, readFileSync, statSync, writeSync } from 'node:fs';
import { AuditError } from '../errors.ts';

const KEY_BYTES = 32;

/** What the keys of people are kept under; derived from one secret, each for one purpose. */
export interface MasterKey {
  /** Encrypts what `people.sqlite` holds. */
  readonly wrap: Buffer;
  /** Makes entries findable by person without naming anybody. */
  readonly index: Buffer;
}

/**
 * The file of the master key of a ledger: beside its directory, so that a copy of the directory alone names
 * nobody.
 *
 * @param dir the ledger's directory, absolute
 * @returns the path
 */
export function masterKeyPath(dir: string): string {
  return `${dir}.people.key`;
}

/**
 * Reads the master key.
 *
 * @param file where it lies
 * @returns the key; `undefined` when there is no such file
 * @throws {AuditError} `audit_config` when others may read it, or it holds something else
 */
export function readMasterKey(file: string): MasterKey | undefined {
  const stats = statSync(file, { throwIfNoEntry: false });
  if (!stats) return undefined;
  if (process.platform !== 'win32' && (stats.mode & 0o077) !== 0) {
    throw new AuditError('audit_config', `${file} is readable by others: chmod 600 it`);
  }
  const secret = Buffer.from(readFileSync(file, 'utf8').trim(), 'base64url');
  if (secret.length === KEY_BYTES) return derived(secret);
  throw new AuditError(
    'audit_config',
    `${file} does not hold the key of the audit's people: put it back from a backup`,
  );
}

/**
 * Makes a master key and its file.
 *
 * @param file must not exist
 * @returns the key, which is durable
 */
export function createMasterKey(file: string): MasterKey {
  const secret = randomBytes(KEY_BYTES);
  const handle = openSync(file, 'wx', 0o600);
  try {
    writeSync(handle, `${secret.toString('base64url')}\n`);
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
  return derived(secret);
}

function derived(secret: Buffer): MasterKey {
  const key = (purpose: string): Buffer =>
    Buffer.from(hkdfSync('sha256', secret, '', `latchkey-audit-people ${purpose}`, KEY_BYTES));
  return { wrap: key('wrap'), index: key('index') };
}
