import type Database from 'better-sqlite3';
import { existsSync, linkSync, renameSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { syncDirectory } from '../directory.ts';
import { AuditError } from '../errors.ts';
import { decrypt, encrypt } from './cipher.ts';
import {
  linkedFrom,
  type MasterKey,
  nextKeyPath,
  readMasterKey,
  writeSecret,
} from './master-key.ts';

const PROOF = 'latchkey audit people';

/**
 * The master key that an open `people.sqlite` is kept under. Which one that is its proof says, and it changes in
 * one commit with all that the key encrypts; the files follow. Whoever has the right to write the database finds
 * the key in its own file or in the next one's, whenever a rotation was cut short.
 */
export interface KeyInUse {
  /**
   * @returns the key of what is seen now; it holds as long as the transaction does
   * @throws {AuditError} `audit_config` when it is in neither file
   */
  current(): MasterKey;
  /**
   * Writes the next key into its file, durably. It is in use once {@link adopt} is committed.
   *
   * @param secret what it is derived from
   * @throws {AuditError} `audit_config` when the file of the key could not be exchanged
   */
  stage(secret: Buffer): void;
  /** Makes a key the one in use; everything else must be encrypted anew in the same transaction. */
  adopt(master: MasterKey): void;
  /**
   * Puts the key in use into its file, and removes a next one that never was; in a transaction that writes.
   *
   * @returns whether it is there; else it is in the next one's, where it is found just as well
   */
  settle(): boolean;
}

/**
 * Writes down which key an empty file is kept under.
 *
 * @param db the file, laid out
 * @param master its key
 */
export function prove(db: Database.Database, master: MasterKey): void {
  db.prepare('DELETE FROM master').run();
  db.prepare('INSERT INTO master VALUES (?)').run(encrypt(master.wrap, PROOF, 'master'));
}

/**
 * Watches which master key a file is kept under.
 *
 * @param db the open file, laid out
 * @param keyFile where its key should be
 * @returns the key in use
 */
export function createKeyInUse(db: Database.Database, keyFile: string): KeyInUse {
  const proofOf = db.prepare<[], Buffer>('SELECT proof FROM master').pluck();
  let known: { readonly proof: Buffer; readonly master: MasterKey } | undefined;

  function find(proof: Buffer | undefined): { readonly path: string; readonly master: MasterKey } {
    // Twice the first: meanwhile the second may have taken its place.
    for (const path of [keyFile, nextKeyPath(keyFile), keyFile]) {
      const master = readMasterKey(path);
      if (!master || !proof || decrypt(master.wrap, proof, 'master') !== PROOF) continue;
      known = { proof, master };
      return { path, master };
    }
    throw new AuditError('audit_config', foreign(keyFile, db.name));
  }

  function settle(): boolean {
    const { path } = find(proofOf.get());
    return path === keyFile ? discardNext(keyFile) : installNext(keyFile);
  }

  return {
    current() {
      const proof = proofOf.get();
      return known && proof && known.proof.equals(proof) ? known.master : find(proof).master;
    },
    stage(secret) {
      if (settle()) return stageNext(keyFile, secret);
      const next = nextKeyPath(keyFile);
      throw new AuditError('audit_config', `${next} is the key in use: move it to ${keyFile}`);
    },
    adopt: (master) => prove(db, master),
    settle,
  };
}

function stageNext(keyFile: string, secret: Buffer): void {
  const next = nextKeyPath(keyFile);
  try {
    refuseMountPoint(keyFile, next);
    writeSecret(next, secret, keyFile);
  } catch (error) {
    rmSync(next, { force: true });
    const reason = error instanceof Error ? error.message : String(error);
    throw new AuditError(
      'audit_config',
      `nothing is changed: a new key can't take the place of ${keyFile}: ${reason}`,
      { cause: error },
    );
  }
}

/**
 * A file that is mounted by itself, as into a container, can't be exchanged, and what lies beside it may be gone
 * with the container: link(2) tells, as it does not cross mounts.
 */
function refuseMountPoint(keyFile: string, next: string): void {
  rmSync(next, { force: true });
  try {
    linkSync(linkedFrom(keyFile), next);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EXDEV') return;
    throw new Error('it is mounted by itself; mount its directory instead', { cause: error });
  }
  rmSync(next);
}

function installNext(keyFile: string): boolean {
  const file = linkedFrom(keyFile);
  try {
    renameSync(nextKeyPath(keyFile), file);
    syncDirectory(dirname(file));
    return true;
  } catch {
    return false;
  }
}

function discardNext(keyFile: string): boolean {
  const next = nextKeyPath(keyFile);
  try {
    if (existsSync(next)) rmSync(next);
  } catch {
    // Whoever may not remove it leaves a key that opens nothing.
  }
  return true;
}

function foreign(keyFile: string, path: string): string {
  return (
    `${keyFile} is not the key of ${path}: put it back, or, where the key was rotated since, ` +
    `a ${path} from after that`
  );
}
