import { createMemoryVault } from './agent/session/vault.ts';
import type { Vault } from './agent/session/vault.ts';
import type { Settings } from './agent/settings/settings.ts';

/** Where sessions are kept; `undecided` while a file of settings that would say so cannot be understood. */
export type TokenStore = 'sealed' | 'memory' | 'undecided';

/**
 * Tells where sessions are to be kept.
 *
 * @param settings as they hold
 * @returns `undecided` where the safer value stands in for one that nobody understands
 */
export function tokenStore(settings: Pick<Settings, 'get' | 'effective'>): TokenStore {
  const held = settings.effective().find(({ key }) => key === 'tokens.store');
  return held?.source === 'fallback' ? 'undecided' : settings.get('tokens.store');
}

/**
 * Keeps the vaults that are in memory only for as long as the app runs, so that a change of settings, which makes
 * another agent, signs nobody out.
 *
 * @param seal makes the vault of a directory: sealed where the system can, else in memory
 * @param onError is told when what was sealed could not be removed
 * @returns the vault of a directory; when it shall be in memory only, what was sealed there before is removed. While
 *   that is undecided it is left alone, so that a typing error signs nobody out for good
 */
export function createVaults(
  seal: (dir: string) => Vault,
  onError: (error: unknown) => void,
): (dir: string, store: TokenStore) => Vault {
  const inMemory = new Map<string, Vault>();
  return (dir, store) => {
    const sealed = seal(dir);
    if (sealed.kind === 'sealed' && store === 'sealed') {
      inMemory.delete(dir);
      return sealed;
    }
    if (sealed.kind === 'sealed' && store === 'memory') sealed.clear().catch(onError);
    const kept = inMemory.get(dir) ?? createMemoryVault();
    inMemory.set(dir, kept);
    return kept;
  };
}
