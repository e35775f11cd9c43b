import { open, readFile, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { makeDirectory } from '../../../audit/directory.ts';
import type { Vault } from '../agent/session/vault.ts';

/** Encrypts for this user of this machine, and back. */
export interface Seal {
  encrypt(text: string): Buffer;
  decrypt(sealed: Buffer): string;
}

/**
 * Keeps one secret in a file that only the operating system's key opens. A file that can't be
 * opened any more (another user, a reset keychain) counts as none: the person signs in again.
 *
 * @param file path of the sealed file
 * @param seal the operating system's encryption
 * @param onUnreadable is told why a file was left aside; gets no secret
 * @returns the vault
 */
export function createSealedFile(
  file: string,
  seal: Seal,
  onUnreadable: (reason: string) => void,
): Vault {
  return {
    kind: 'sealed',
    async load() {
      const sealed = await readIfThere(file);
      if (sealed === undefined) return undefined;
      try {
        return seal.decrypt(sealed);
      } catch {
        onUnreadable('the sealed session cannot be opened with the key of this user');
        return undefined;
      }
    },
    async save(text) {
      makeDirectory(dirname(file), false);
      await replaceFile(file, seal.encrypt(text));
    },
    async clear() {
      await rm(file, { force: true });
    },
  };
}

async function readIfThere(file: string): Promise<Buffer | undefined> {
  try {
    return await readFile(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Written beside, synced, then renamed: after a crash there is the old content or the new, never half. */
async function replaceFile(file: string, content: Buffer): Promise<void> {
  const fresh = `${file}.new`;
  await rm(fresh, { force: true });
  const handle = await open(fresh, 'wx', 0o600);
  try {
    await handle.writeFile(content);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(fresh, file);
}
