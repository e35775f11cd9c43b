import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { writePrivateFile } from '../private-file.ts';
import type { ToolKey } from './tool-key.ts';

/** A key as it lies in the file: of its secret there is only the hash. */
export interface StoredToolKey extends Omit<ToolKey, 'lent'> {
  /** SHA-256 of the secret, hex. */
  readonly hash: string;
}

const time = z.iso.datetime({ offset: true });

// Strict: a limit that this version does not know must not turn into no limit.
const storedKey = z.strictObject({
  id: z.string().min(1),
  name: z.string().min(1),
  hash: z.string().regex(/^[0-9a-f]{64}$/),
  createdAt: time,
  expiresAt: time.exactOptional(),
  apis: z.array(z.string()).exactOptional(),
  methods: z.array(z.string()).exactOptional(),
  readOnly: z.boolean().exactOptional(),
  lastUsedAt: time.exactOptional(),
  lastTool: z.string().exactOptional(),
});

const keyFile = z.strictObject({ version: z.literal(1), keys: z.array(storedKey) });

/**
 * Reads the keys of this data directory.
 *
 * @param path absolute path of the file
 * @returns its keys; none when there is no such file
 * @throws when it cannot be read, or is not a whole file of keys
 */
export function readToolKeys(path: string): readonly StoredToolKey[] {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
    throw error;
  }
  return keyFile.parse(JSON.parse(text)).keys;
}

/**
 * Writes the keys for this user alone; after a crash the old file or the new one is there, whole.
 *
 * @param path absolute path of the file
 * @param keys all of them
 */
export function writeToolKeys(path: string, keys: readonly StoredToolKey[]): void {
  writePrivateFile(path, `${JSON.stringify({ version: 1, keys }, undefined, 2)}\n`);
}
