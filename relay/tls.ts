import { readFile } from 'node:fs/promises';
import { createSecureContext } from 'node:tls';
import type { RelayConfig } from './config/config.ts';
import { ConfigError } from './config/faults.ts';

/** A certificate and its key, known to belong together. */
export interface KeyPair {
  readonly cert: Buffer;
  readonly key: Buffer;
  /** Further ones, shown to clients that ask for one of their names. */
  readonly additional?: readonly KeyPair[];
}

/** OpenSSL's words, without anything of the files. */
function reasonOf(error: unknown): string {
  const { code, reason } = error as { readonly code?: string; readonly reason?: string };
  return reason ?? code ?? 'unknown';
}

async function readOne(
  { certFile, keyFile }: { readonly certFile: string; readonly keyFile: string },
  path: string,
): Promise<KeyPair> {
  try {
    const [cert, key] = await Promise.all([readFile(certFile), readFile(keyFile)]);
    createSecureContext({ cert, key });
    return { cert, key };
  } catch (error) {
    const message = `the certificate and its key cannot be used (${reasonOf(error)}); give a PEM certificate and the key that it was made for`;
    throw new ConfigError([{ file: certFile, line: 1, column: 1, path, message }]);
  }
}

/**
 * Reads the listener's certificate and key, and checks that they fit each other.
 *
 * @param tls where they are
 * @returns both, as PEM; undefined without TLS
 * @throws {ConfigError} a file cannot be read, holds something else, or the two do not fit
 */
export async function readKeyPair(tls: RelayConfig['tls']): Promise<KeyPair | undefined> {
  if (tls === undefined) return undefined;
  const first = await readOne(tls, 'tls');
  if (tls.additional.length === 0) return first;
  const additional = await Promise.all(
    tls.additional.map((files, at) => readOne(files, `tls.additional.${at}`)),
  );
  return { ...first, additional };
}

/**
 * Tells whether two reads brought the same.
 *
 * @param one read before
 * @param other read later
 * @returns true when there is nothing to replace
 */
export function sameKeyPair(one: KeyPair | undefined, other: KeyPair | undefined): boolean {
  if (one === undefined || other === undefined) return one === other;
  const [ours, theirs] = [one.additional ?? [], other.additional ?? []];
  return (
    one.cert.equals(other.cert) &&
    one.key.equals(other.key) &&
    ours.length === theirs.length &&
    ours.every((pair, at) => sameKeyPair(pair, theirs[at]))
  );
}
