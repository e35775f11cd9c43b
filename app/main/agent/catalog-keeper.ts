import type { Catalog, TokenRefused } from './catalog.ts';
import type { Access } from './session/access.ts';
import type { Session } from './session/session.ts';
import { isRefused } from './catalog.ts';
import { AgentError } from './errors.ts';
import { heldTokens } from './snapshot.ts';
import { refusedText } from './texts.ts';

/** Keeps what the relay said of the signed-in person. */
export interface CatalogKeeper {
  current(): Catalog | undefined;
  /** @throws {AgentError} `relay_unreachable`, `relay_protocol`, or the session's fault */
  load(): Promise<void>;
  /** Loads without anybody waiting; faults are told through `onFault`. */
  loadSoon(): void;
  forget(): void;
}

/** What {@link createCatalogKeeper} works with. */
export interface CatalogKeeperDeps {
  readonly relay: URL | undefined;
  readonly session: Session;
  readonly fetchCatalog: (relay: URL, access: Access) => Promise<Catalog | TokenRefused>;
  readonly relayReached: () => void;
  readonly relayFailed: (error: AgentError) => void;
  readonly onFault: (error: unknown) => void;
  readonly onChange: () => void;
}

/**
 * Makes the keeper; a token that the relay refuses is renewed once, then the session is over.
 *
 * @param deps relay, session, the call, listeners
 * @returns the keeper, empty
 */
export function createCatalogKeeper(deps: CatalogKeeperDeps): CatalogKeeper {
  const { session } = deps;
  let kept: Catalog | undefined;

  const isSignedIn = (): boolean => heldTokens(session.state()) !== undefined;

  async function ask(relay: URL): Promise<void> {
    const access = await session.access();
    let answer = await deps.fetchCatalog(relay, access);
    deps.relayReached();
    if (isRefused(answer) && (await session.renew(access.token))) {
      answer = await deps.fetchCatalog(relay, await session.access());
    }
    if (!isRefused(answer)) {
      if (isSignedIn()) kept = answer;
      return deps.onChange();
    }
    await giveUp(answer);
  }

  /** Whoever asked hears why there is nothing to tell: an empty list would look like no access to any API. */
  async function giveUp({ code }: TokenRefused): Promise<void> {
    const state = session.state();
    // A renewal that failed on its way says nothing about the session.
    if (state.kind === 'offline') throw state.error;
    if (state.kind === 'active') {
      await session.expire(new AgentError('session_expired', refusedText(code)));
    }
    await session.access();
  }

  async function load(): Promise<void> {
    if (!deps.relay || !isSignedIn()) return;
    try {
      await ask(deps.relay);
    } catch (error) {
      if (isSignedIn()) deps.onFault(error);
      if (error instanceof AgentError && error.code === 'relay_unreachable') {
        deps.relayFailed(error);
      }
      throw error;
    }
  }

  return {
    current: () => kept,
    load,
    loadSoon: () => void load().catch(() => undefined),
    forget() {
      kept = undefined;
    },
  };
}
