import { join } from 'node:path';
import { safeStorage } from 'electron';
import { createMemoryVault } from '../agent/session/vault.ts';
import type { Vault } from '../agent/session/vault.ts';
import { createSealedFile } from './sealed-file.ts';

/** On Linux these "encrypt" with a key that is the same everywhere. */
const openBackends = new Set(['basic_text', 'unknown']);

/**
 * The safest place for the session that this system has: sealed by the keychain, or memory only.
 * Call after Electron is ready.
 *
 * @param dir where the profile keeps its session
 * @param onUnreadable is told why a sealed session was left aside; gets no secret
 * @returns the vault
 */
export function createVault(dir: string, onUnreadable: (reason: string) => void): Vault {
  if (!sealsForReal()) return createMemoryVault();
  return createSealedFile(
    join(dir, 'session.sealed'),
    {
      encrypt: (text) => safeStorage.encryptString(text),
      decrypt: (sealed) => safeStorage.decryptString(sealed),
    },
    onUnreadable,
  );
}

function sealsForReal(): boolean {
  if (!safeStorage.isEncryptionAvailable()) return false;
  return process.platform !== 'linux' || !openBackends.has(safeStorage.getSelectedStorageBackend());
}
