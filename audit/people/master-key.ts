import { hkdfSync, randomBytes } from 'node:crypto';
import {
  closeSync,
  existsSync,
  fchownSync,
  fsyncSync,
  openSync,
  readFileSync,
  realpathSync,
  statSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { syncDirectory } from '../directory.ts';
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
 * The file of the key that is to follow a master key, until it takes its place.
 *
 * @param keyFile the master key's
 * @returns the path; beside what a symbolic link leads to, so that one rename exchanges them
 */
export function nextKeyPath(keyFile: string): string {
  return `${linkedFrom(keyFile)}.new`;
}

/**
 * What a rename has to replace, so that a symbolic link stays one.
 *
 * @param keyFile the master key's
 * @returns the path of the file itself
 */
export function linkedFrom(keyFile: string): string {
  return existsSync(keyFile) ? realpathSync(keyFile) : keyFile;
}

/**
 * Reads a master key.
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
  const text = textOf(file);
  if (text === undefined) return undefined;
  const secret = Buffer.from(text.trim(), 'base64url');
  if (secret.length === KEY_BYTES) return masterKeyOf(secret);
  throw new AuditError(
    'audit_config',
    `${file} does not hold the key of the audit's people: put it back from a backup`,
  );
}

/** A key that takes the place of another is no longer where it was. */
function textOf(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/**
 * Makes a master key and its file.
 *
 * @param file must not exist
 * @returns the key, which is durable
 */
export function createMasterKey(file: string): MasterKey {
  const secret = createSecret();
  writeSecret(file, secret);
  return masterKeyOf(secret);
}

/** @returns what a new master key is derived from */
export function createSecret(): Buffer {
  return randomBytes(KEY_BYTES);
}

/**
 * Makes the file of a master key, durably.
 *
 * @param file must not exist
 * @param secret what the key is derived from
 * @param like a file whose owner is to be its owner, where the process may give files away
 */
export function writeSecret(file: string, secret: Buffer, like?: string): void {
  const handle = openSync(file, 'wx', 0o600);
  try {
    if (like !== undefined && process.getuid?.() === 0) {
      // Or who writes the ledger could not read what root made.
      const { uid, gid } = statSync(like);
      fchownSync(handle, uid, gid);
    }
    writeSync(handle, `${secret.toString('base64url')}\n`);
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
  syncDirectory(dirname(file));
}

/**
 * Derives a master key.
 *
 * @param secret 32 random bytes
 * @returns the key
 * @see RFC 5869
 */
export function masterKeyOf(secret: Buffer): MasterKey {
  const key = (purpose: string): Buffer =>
    Buffer.from(hkdfSync('sha256', secret, '', `latchkey-audit-people ${purpose}`, KEY_BYTES));
  return { wrap: key('wrap'), index: key('index') };
}
