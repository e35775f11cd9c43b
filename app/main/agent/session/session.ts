import type { TokenSet } from './token-set.ts';
import type { Vault } from './vault.ts';
import type { Access } from './access.ts';
import { AgentError } from '../errors.ts';
import { isWithin } from '../is-within.ts';
import { createAccess } from './access.ts';
import { createKeptTokens } from './kept-tokens.ts';
import { dueAtMs, isRenewable } from './token-set.ts';

/** What the session needs of the identity provider. */
export interface SessionProvider {
  /**
   * Renews a session by its refresh token, a machine's by its key.
   *
   * @throws {AgentError} `session_expired` when the grant is over; anything else is worth another try
   */
  refresh(tokens: TokenSet): Promise<TokenSet>;
  revoke(tokens: TokenSet): Promise<void>;
}

/** `offline`: the last refresh failed for a reason that passes; the tokens are kept. */
export type SessionState =
  | { readonly kind: 'none' }
  | { readonly kind: 'active'; readonly tokens: TokenSet }
  | { readonly kind: 'offline'; readonly tokens: TokenSet; readonly error: AgentError }
  | { readonly kind: 'expired'; readonly error: AgentError };

/** What {@link createSession} works with. */
export interface SessionDeps {
  readonly provider: SessionProvider;
  readonly vault: Vault;
  readonly now: () => number;
  /** 0 to 1, for the jitter of the back-off. */
  readonly random?: () => number;
  readonly onChange: (state: SessionState) => void;
  /** Called after a rotation is stored, for the audit. */
  readonly onRefreshed?: (tokens: TokenSet) => void;
  /** What a person enters to sign in: `latchkey login`. */
  readonly loginCommand?: string;
  /** Faults that don't stop the session: a vault that can't be written, a revocation that failed. */
  readonly onWarning?: (event: string, error: unknown) => void;
}

/** The one owner of the tokens. */
export interface Session {
  state(): SessionState;
  /** Takes up what the vault kept for this relay; tells whether there was something. */
  restore(relayOrigin: string): Promise<boolean>;
  /** Starts a new session with fresh tokens, stored before they are used. */
  adopt(tokens: TokenSet): Promise<void>;
  /**
   * A token for one request: the cached one, or the result of the one refresh in flight.
   *
   * @throws {AgentError} `signed_out`, `session_expired`, `provider_unreachable`
   */
  access(): Promise<Access>;
  /** Gets another token than the one that the relay refused; false when there is none. */
  renew(refused: string): Promise<boolean>;
  /** Ends the session because a fresh token was refused, too. */
  expire(error: AgentError): Promise<void>;
  /** Tries again now what waits in a back-off: the network is back. */
  wake(): void;
  /** Forgets the tokens first, then revokes them; never fails. */
  signOut(): Promise<void>;
  close(): void;
}

const longestTimerMs = 3_600_000;
const backoffBaseMs = 1000;
const backoffMaxMs = 30_000;
/** Every request at the end of a token's life asks; only one in this time may reach the provider. */
const useRetryMs = 1000;
const renewPauseMs = 10_000;
/** Whatever life a provider gives its tokens, it is not asked more often while nobody uses them. */
const idlePauseMs = 10_000;

/**
 * Makes the session: cached token, one refresh in flight, renewed ahead of its end and at use.
 *
 * @param deps provider, vault, clock and listeners
 * @returns the session, without tokens until `restore` or `adopt`
 * @see RFC 6749 §6, RFC 9700 §4.14 (refresh token rotation)
 */
export function createSession(deps: SessionDeps): Session {
  const random = deps.random ?? Math.random;
  const accessOf = createAccess(deps.now);
  const warn = deps.onWarning ?? (() => undefined);
  const kept = createKeptTokens(deps.vault, warn);
  let state: SessionState = { kind: 'none' };
  // Each sign-in and sign-out starts a new epoch; an answer of an older one can't change anything.
  let epoch = 0;
  let closed = false;
  let refreshing: Promise<TokenSet> | undefined;
  let timer: NodeJS.Timeout | undefined;
  let failures = 0;
  let lastTryAtMs = -Infinity;
  let renewed: string | undefined;

  function become(next: SessionState): void {
    state = next;
    deps.onChange(next);
  }

  function forget(): Promise<void> {
    epoch += 1;
    refreshing = undefined;
    clearTimeout(timer);
    failures = 0;
    return kept.clear();
  }

  function schedule(atMs: number): void {
    clearTimeout(timer);
    if (closed) return;
    const delayMs = Math.min(Math.max(0, atMs - deps.now()), longestTimerMs);
    timer = setTimeout(tick, delayMs).unref();
  }

  function tick(): void {
    const tokens = held();
    if (!tokens) return;
    const atMs = dueAtMs(tokens);
    if (deps.now() < atMs && state.kind === 'active') return schedule(atMs);
    void refresh(tokens).catch(() => undefined);
  }

  function held(): TokenSet | undefined {
    return state.kind === 'active' || state.kind === 'offline' ? state.tokens : undefined;
  }

  function refresh(tokens: TokenSet): Promise<TokenSet> {
    refreshing ??= startRefresh(tokens);
    return refreshing;
  }

  function startRefresh(tokens: TokenSet): Promise<TokenSet> {
    const mine = epoch;
    lastTryAtMs = deps.now();
    const attempt = exchange(tokens, mine).catch(async (error: unknown) => {
      throw await failed(tokens, mine, error);
    });
    const settled = attempt.finally(() => {
      if (refreshing === settled) refreshing = undefined;
    });
    return settled;
  }

  async function exchange(tokens: TokenSet, mine: number): Promise<TokenSet> {
    // A refresh token that another process has spent must not be shown again: that looks like theft.
    const theirs = kept.isShared ? await kept.later(tokens) : undefined;
    if (theirs && deps.now() < dueAtMs(theirs)) return use(theirs, mine);
    const current = theirs ?? tokens;
    try {
      return await renewWith(current, mine);
    } catch (error) {
      const isOver = error instanceof AgentError && error.code === 'session_expired';
      const after = isOver && kept.isShared ? await kept.later(current) : undefined;
      if (!after) throw error;
      return deps.now() < dueAtMs(after) ? use(after, mine) : renewWith(after, mine);
    }
  }

  async function renewWith(tokens: TokenSet, mine: number): Promise<TokenSet> {
    if (mine !== epoch) throw endedMeanwhile();
    if (!isRenewable(tokens)) throw new AgentError('session_expired', expiredText);
    const fresh = await deps.provider.refresh(tokens);
    if (mine === epoch) {
      // Compare and store: what another process has put there meanwhile is not overwritten.
      const theirs = kept.isShared ? await kept.later(tokens) : undefined;
      if (theirs) return use(theirs, mine);
      // The old refresh token is spent, so the new one is kept even while the app ends.
      if (mine === epoch) await kept.save(fresh);
    }
    if (mine !== epoch) {
      void deps.provider.revoke(fresh).catch((e: unknown) => warn('revoke_failed', e));
    }
    use(fresh, mine);
    deps.onRefreshed?.(fresh);
    return fresh;
  }

  function use(tokens: TokenSet, mine: number): TokenSet {
    if (mine !== epoch || closed) throw endedMeanwhile();
    failures = 0;
    become({ kind: 'active', tokens });
    schedule(Math.max(dueAtMs(tokens), deps.now() + idlePauseMs));
    return tokens;
  }

  async function failed(tokens: TokenSet, mine: number, error: unknown): Promise<AgentError> {
    const fault = asAgentError(error);
    if (mine !== epoch || closed) return fault;
    if (fault.code === 'session_expired') {
      await expire(fault);
      return fault;
    }
    failures += 1;
    become({ kind: 'offline', tokens, error: fault });
    const ceilingMs = Math.min(backoffMaxMs, backoffBaseMs * 2 ** Math.min(failures - 1, 10));
    schedule(deps.now() + ceilingMs * (0.5 + random() / 2));
    return fault;
  }

  async function expire(error: AgentError): Promise<void> {
    const done = forget();
    become({ kind: 'expired', error });
    await done;
  }

  async function usableTokens(): Promise<TokenSet> {
    const tokens = held();
    if (!tokens) throw absent(state, deps.loginCommand);
    const nowMs = deps.now();
    if (nowMs < dueAtMs(tokens)) return tokens;
    const marginMs = Math.min(5000, 0.1 * (tokens.expiresAtMs - tokens.obtainedAtMs));
    const usable = nowMs < tokens.expiresAtMs - marginMs;
    if (state.kind === 'offline' && !refreshing && isWithin(nowMs, lastTryAtMs, useRetryMs)) {
      if (nowMs < tokens.expiresAtMs) return tokens;
      throw state.error;
    }
    const pending = refresh(tokens);
    if (usable) {
      void pending.catch(() => undefined);
      return tokens;
    }
    try {
      return await pending;
    } catch (error) {
      if (held() === tokens && deps.now() < tokens.expiresAtMs) return tokens;
      throw error;
    }
  }

  async function renew(refused: string): Promise<boolean> {
    const tokens = held();
    if (!tokens) return false;
    if (tokens.accessToken !== refused) return true;
    // A relay that refuses every token must not make us ask the provider for ever more of them.
    if (refused === renewed && isWithin(deps.now(), tokens.obtainedAtMs, renewPauseMs))
      return false;
    try {
      renewed = (await refresh(tokens)).accessToken;
      return renewed !== refused;
    } catch {
      return false;
    }
  }

  return {
    state: () => state,
    access: async () => accessOf(await usableTokens()),
    renew,
    expire,
    async restore(relayOrigin) {
      const tokens = await kept.load();
      if (!tokens || originOf(tokens.resource) !== relayOrigin || state.kind !== 'none')
        return false;
      epoch += 1;
      become({ kind: 'active', tokens });
      schedule(dueAtMs(tokens));
      return true;
    },
    async adopt(tokens) {
      epoch += 1;
      const mine = epoch;
      refreshing = undefined;
      failures = 0;
      await kept.save(tokens);
      if (mine !== epoch) throw new AgentError('signed_out', 'You signed out during the sign-in.');
      become({ kind: 'active', tokens });
      schedule(dueAtMs(tokens));
    },
    wake: tick,
    async signOut() {
      const tokens = held();
      const forgotten = forget();
      if (state.kind !== 'none') become({ kind: 'none' });
      await forgotten;
      if (!tokens) return;
      await deps.provider.revoke(tokens).catch((error: unknown) => warn('revoke_failed', error));
    },
    close() {
      closed = true;
      clearTimeout(timer);
    },
  };
}

function endedMeanwhile(): AgentError {
  return new AgentError('signed_out', 'You signed out while the session was being renewed.');
}

const expiredText = 'Your session has ended. Sign in again.';

function originOf(resource: string): string | undefined {
  return URL.canParse(resource) ? new URL(resource).origin : undefined;
}

function absent(state: SessionState, loginCommand = 'latchkey login'): AgentError {
  if (state.kind === 'expired') return state.error;
  return new AgentError(
    'signed_out',
    `You are signed out. Sign in from Latchkey, or run \`${loginCommand}\`.`,
  );
}

function asAgentError(error: unknown): AgentError {
  if (error instanceof AgentError) return error;
  return new AgentError('internal', 'The session could not be renewed. Latchkey tries again.', {
    cause: error,
  });
}
