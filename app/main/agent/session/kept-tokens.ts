import { parseTokenSet, serializeTokenSet, type TokenSet } from './token-set.ts';
import type { Vault } from './vault.ts';

/** The session's tokens as the vault keeps them, which another process may open as well. */
export interface KeptTokens {
  /** False for memory, which is nobody else's. */
  readonly isShared: boolean;
  load(): Promise<TokenSet | undefined>;
  /** Never fails: what can't be kept is not left behind either. */
  save(tokens: TokenSet): Promise<void>;
  clear(): Promise<void>;
  /**
   * Finds what another process has made of a session since.
   *
   * @param ours as this process knows them
   * @returns later tokens of the same person, client and relay, if the vault holds any
   */
  later(ours: TokenSet): Promise<TokenSet | undefined>;
}

/**
 * Puts a vault's steps in order and compares what it holds.
 *
 * @param vault where the text is
 * @param warn is told what didn't work; gets no secret
 * @returns the kept tokens
 */
export function createKeptTokens(
  vault: Vault,
  warn: (event: string, error: unknown) => void,
): KeptTokens {
  let queue: Promise<unknown> = Promise.resolve();

  function inOrder<T>(step: () => Promise<T>): Promise<T> {
    const done = queue.then(step);
    queue = done.catch(() => undefined);
    return done;
  }

  async function load(): Promise<TokenSet | undefined> {
    const text = await inOrder(() => vault.load());
    return text === undefined ? undefined : parseTokenSet(text);
  }

  async function clear(): Promise<void> {
    await inOrder(() => vault.clear()).catch((error: unknown) => warn('vault_clear_failed', error));
  }

  return {
    isShared: vault.kind !== 'memory',
    load,
    clear,
    async save(tokens) {
      try {
        await inOrder(() => vault.save(serializeTokenSet(tokens)));
      } catch (error) {
        // A spent refresh token left behind would, at the next start, look like theft to the provider.
        warn('vault_save_failed', error);
        await clear();
      }
    },
    async later(ours) {
      try {
        const theirs = await load();
        return theirs && isLater(theirs, ours) ? theirs : undefined;
      } catch (error) {
        warn('vault_load_failed', error);
        return undefined;
      }
    },
  };
}

function isLater(theirs: TokenSet, ours: TokenSet): boolean {
  return (
    theirs.accessToken !== ours.accessToken &&
    theirs.obtainedAtMs >= ours.obtainedAtMs &&
    theirs.issuer === ours.issuer &&
    theirs.clientId === ours.clientId &&
    theirs.resource === ours.resource &&
    theirs.grant === ours.grant &&
    theirs.identity?.subject === ours.identity?.subject
  );
}
