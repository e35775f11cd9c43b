import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  hash,
  type KeyObject,
  sign,
  verify,
} from 'node:crypto';
import {
  closeSync,
  existsSync,
  fstatSync,
  fsyncSync,
  openSync,
  readFileSync,
  readSync,
  statSync,
  truncateSync,
  writeSync,
} from 'node:fs';
import { open } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { canonicalJson } from './canonical-json.ts';
import type { Head } from './chain.ts';
import { syncDirectory } from './directory.ts';
import { AuditError } from './errors.ts';

/** A signed statement that the chain had this record at this position. */
export interface Checkpoint {
  readonly v: 1;
  readonly seq: number;
  /** Hex SHA-256 of the record at `seq`. */
  readonly hash: string;
  /** RFC 3339, UTC. */
  readonly at: string;
  /** Which key signed: the first 16 hex digits of the SHA-256 of its SPKI. */
  readonly keyId: string;
  /** Hex SHA-256 of the line before; absent in the first, and where an earlier version wrote it. */
  readonly prev?: string;
  /** Ed25519 over the canonical JSON of the other members, base64url. */
  readonly signature: string;
}

/** Public keys by `keyId`. */
export type CheckpointKeys = ReadonlyMap<string, KeyObject>;

const checkpointsName = 'checkpoints.jsonl';
const publicKeyName = 'checkpoint-key.pub.pem';

/**
 * The file of a ledger's checkpoints, one JSON object a line.
 *
 * @param dir the ledger's directory
 * @returns the path
 */
export function checkpointsPath(dir: string): string {
  return join(dir, checkpointsName);
}

/**
 * The file of the public keys that a ledger's checkpoints were signed with.
 *
 * @param dir the ledger's directory
 * @returns the path
 */
export function publicKeyPath(dir: string): string {
  return join(dir, publicKeyName);
}

/** Signs the chain's head now and then. */
export interface Checkpointer {
  /** Appends a checkpoint for the head, unless the newest one is for it already, and makes it durable. */
  write(head: Head): void;
  /** The same, without waiting for the disk. */
  writeMeanwhile(head: Head): Promise<void>;
  /** The newest checkpoint on disk, if this key or an earlier one signed it. */
  readonly last: Checkpoint | undefined;
}

/**
 * Prepares a ledger's signing key and checkpoint file.
 *
 * @param options the ledger's directory and the private key's file, made when it is missing
 * @returns the checkpointer
 * @throws {AuditError} `audit_config` when others may read the key or it is not an Ed25519 key
 */
export function createCheckpointer(options: {
  readonly dir: string;
  readonly keyFile: string;
  readonly now: () => number;
}): Checkpointer {
  const { dir, keyFile, now } = options;
  const path = checkpointsPath(dir);
  const key = loadPrivateKey(keyFile);
  const publicKey = createPublicKey(key);
  const id = keyId(publicKey);
  let lastHash: string | undefined;
  dropTornLine(path);
  const newest = parseCheckpoint(lastLine(path) ?? '');
  const known = new Map([...publishedKeys(dir), [id, publicKey]]);

  function add(head: Head, isSynced: boolean): void {
    publish(dir, publicKey);
    // A full disk may have cut the last one short.
    dropTornLine(path);
    const before = lastLine(path);
    const content = {
      v: 1 as const,
      seq: head.seq,
      hash: head.hash,
      at: new Date(now()).toISOString(),
      keyId: id,
      ...(before === undefined ? {} : { prev: lineHash(before) }),
    };
    const signature = sign(null, Buffer.from(canonicalJson(content)), key).toString('base64url');
    append(path, `${canonicalJson({ ...content, signature })}\n`, { isSynced });
    lastHash = head.hash;
  }

  return {
    last: newest && isSigned(newest, known) ? newest : undefined,
    write(head) {
      if (head.hash !== lastHash) add(head, true);
    },
    async writeMeanwhile(head) {
      if (head.hash === lastHash) return;
      add(head, false);
      const file = await open(path, 'r+');
      try {
        await file.datasync();
      } finally {
        await file.close();
      }
    },
  };
}

function loadPrivateKey(file: string): KeyObject {
  if (!existsSync(file)) {
    const { privateKey } = generateKeyPairSync('ed25519');
    const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
    try {
      append(file, pem, { isSynced: true, flag: 'wx' });
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      throw new AuditError('audit_config', `${file} can't be made: ${code}`, { cause: error });
    }
    return privateKey;
  }
  if (process.platform !== 'win32' && (statSync(file).mode & 0o077) !== 0) {
    throw new AuditError('audit_config', `${file} is readable by others: chmod 600 it`);
  }
  let key: KeyObject | undefined;
  try {
    key = createPrivateKey(readFileSync(file));
  } catch {
    // Not a key at all: the same answer as for a key of another type.
  }
  if (key?.asymmetricKeyType === 'ed25519') return key;
  throw new AuditError('audit_config', `${file} is not an Ed25519 private key in PEM`);
}

function keyId(publicKey: KeyObject): string {
  const spki = publicKey.export({ type: 'spki', format: 'der' });
  return createHash('sha256').update(spki).digest('hex').slice(0, 16);
}

/** Keys of the past stay in the file: the checkpoints that they signed must remain verifiable. */
function publish(dir: string, publicKey: KeyObject): void {
  const path = publicKeyPath(dir);
  const pem = publicKey.export({ type: 'spki', format: 'pem' }).toString();
  if (existsSync(path) && readFileSync(path, 'utf8').includes(pem)) return;
  append(path, pem, { isSynced: true });
}

function publishedKeys(dir: string): CheckpointKeys {
  const path = publicKeyPath(dir);
  return existsSync(path) ? readPublicKeys(path) : new Map();
}

function append(
  path: string,
  text: string,
  { isSynced, flag = 'a' }: { readonly isSynced: boolean; readonly flag?: string },
): void {
  const isNew = !existsSync(path);
  const file = openSync(path, flag, 0o600);
  try {
    writeSync(file, text);
    if (isSynced) fsyncSync(file);
  } finally {
    closeSync(file);
  }
  if (isNew) syncDirectory(dirname(path));
}

/**
 * The hash that the next checkpoint names a line by.
 *
 * @param line without its end
 * @returns hex SHA-256
 */
export function lineHash(line: string): string {
  return hash('sha256', line);
}

function lastLine(path: string): string | undefined {
  const line = readTail(path).toString().trimEnd().split('\n').at(-1);
  return line === '' ? undefined : line;
}

/** A line without its end was cut short by a power loss. */
function dropTornLine(path: string): void {
  const tail = readTail(path);
  const torn = tail.length - (tail.lastIndexOf(0x0a) + 1);
  if (torn > 0) truncateSync(path, statSync(path).size - torn);
}

function readTail(path: string): Buffer {
  if (!existsSync(path)) return Buffer.alloc(0);
  const file = openSync(path, 'r');
  try {
    const { size } = fstatSync(file);
    const tail = Buffer.alloc(Math.min(size, 4096));
    readSync(file, tail, 0, tail.length, size - tail.length);
    return tail;
  } finally {
    closeSync(file);
  }
}

/**
 * Reads public keys.
 *
 * @param file one or more PEM blocks
 * @returns the keys by `keyId`
 * @throws {AuditError} `audit_config` when the file is missing or holds something else
 */
export function readPublicKeys(file: string): CheckpointKeys {
  const keys = new Map<string, KeyObject>();
  try {
    const blocks = readFileSync(file, 'utf8').match(/-----BEGIN [^]*?-----END [^-]*-----/g) ?? [];
    for (const block of blocks) {
      const key = createPublicKey(block);
      keys.set(keyId(key), key);
    }
  } catch (error) {
    throw new AuditError('audit_config', `${file} can't be read as public keys in PEM`, {
      cause: error,
    });
  }
  if (keys.size === 0) throw new AuditError('audit_config', `${file} holds no public key`);
  return keys;
}

/**
 * Reads one line of a checkpoint file. Only what was written is one: of a member that stands there twice each reader
 * could believe another.
 *
 * @param line canonical JSON
 * @returns the checkpoint, its signature not yet checked; `undefined` when it is not one
 */
export function parseCheckpoint(line: string): Checkpoint | undefined {
  try {
    const value = JSON.parse(line) as Partial<Checkpoint> | null;
    const whole =
      value?.v === 1 &&
      Number.isSafeInteger(value.seq) &&
      [value.hash, value.at, value.keyId, value.signature].every((it) => typeof it === 'string');
    return whole && canonicalJson(value) === line ? (value as Checkpoint) : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Reads the newest checkpoint of a ledger; its signature is not checked.
 *
 * @param dir the ledger's directory
 * @returns the checkpoint; `undefined` when there is none
 */
export function newestCheckpoint(dir: string): Checkpoint | undefined {
  const line = lastLine(checkpointsPath(dir));
  return line === undefined ? undefined : parseCheckpoint(line);
}

/**
 * Checks a checkpoint's signature.
 *
 * @param checkpoint as read
 * @param keys the keys to believe
 * @returns whether one of them signed exactly this
 */
export function isSigned(checkpoint: Checkpoint, keys: CheckpointKeys): boolean {
  const key = keys.get(checkpoint.keyId);
  if (!key) return false;
  const { signature, ...content } = checkpoint;
  try {
    const signed = Buffer.from(canonicalJson(content));
    return verify(null, signed, key, Buffer.from(signature, 'base64url'));
  } catch {
    return false;
  }
}
