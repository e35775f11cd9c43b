import { createMemoryVault } from './agent/session/vault.ts';
import type { Vault } from './agent/session/vault.ts';

/**
 * Keeps the vaults that are in memory only for as long as the app runs, so that a change of settings, which makes
 * another agent, signs nobody out.
 *
 * @param seal makes the vault of a directory: sealed where the system can, else in memory
 * @param onError is told when what was sealed could not be removed
 * @returns the vault of a directory; when it shall be in memory only, what was sealed there before is removed
 */
export function createVaults(
  seal: (dir: string) => Vault,
  onError: (error: unknown) => void,
): (dir: string, isMemoryOnly: boolean) => Vault {
  const inMemory = new Map<string, Vault>();
  return (dir, isMemoryOnly) => {
    const sealed = seal(dir);
    if (sealed.kind === 'sealed' && !isMemoryOnly) {
      inMemory.delete(dir);
      return sealed;
    }
    if (sealed.kind === 'sealed') sealed.clear().catch(onError);
    const kept = inMemory.get(dir) ?? createMemoryVault();
    inMemory.set(dir, kept);
    return kept;
  };
}
