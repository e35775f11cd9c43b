import type { TokenSet } from './session/token-set.ts';
import { AgentError } from './errors.ts';

/** The one sign-in attempt that may run. */
export interface SignIns {
  /** Starts an attempt or joins the running one; fulfils at once when somebody is signed in. */
  start(): Promise<void>;
  /** The running attempt; `url` as soon as there is a page to open. */
  running(): { readonly url?: string | undefined } | undefined;
  /** Cancels the running attempt, if any; resolves when it has ended. */
  cancel(): Promise<void>;
}

/** What {@link createSignIns} works with. */
export interface SignInsDeps {
  readonly isSignedIn: () => boolean;
  readonly login: (signal: AbortSignal, onUrl: (url: string) => void) => Promise<TokenSet>;
  /** Makes the tokens the session's; nothing is used before it resolves. */
  readonly adopt: (tokens: TokenSet) => Promise<void>;
  /** Gets tokens that nobody will use. */
  readonly discard: (tokens: TokenSet) => void;
  /** Called once an attempt has ended, with its error if it failed. */
  readonly onEnd: (error: unknown) => void;
  readonly onChange: () => void;
}

/**
 * Makes the keeper of sign-in attempts: at most one at a time, one browser tab.
 *
 * @param deps the steps of an attempt
 * @returns the keeper, idle
 */
export function createSignIns(deps: SignInsDeps): SignIns {
  let current: { done: Promise<void>; abort: AbortController; url?: string } | undefined;

  async function run(signal: AbortSignal): Promise<void> {
    const tokens = await deps.login(signal, (url) => {
      if (current) current.url = url;
      deps.onChange();
    });
    try {
      if (signal.aborted) throw new AgentError('sign_in_cancelled', 'The sign-in was cancelled.');
      await deps.adopt(tokens);
    } catch (error) {
      deps.discard(tokens);
      throw error;
    }
  }

  async function finish(running: Promise<void>): Promise<void> {
    let failure: unknown;
    try {
      await running;
    } catch (error) {
      failure = error;
      throw error;
    } finally {
      current = undefined;
      deps.onEnd(failure);
      deps.onChange();
    }
  }

  return {
    running: () => current,
    start() {
      if (current) return current.done;
      if (deps.isSignedIn()) return Promise.resolve();
      const abort = new AbortController();
      // The attempt begins only when `current` is set: it reports its page there.
      const done = finish(Promise.resolve().then(() => run(abort.signal)));
      current = { done, abort };
      deps.onChange();
      return done;
    },
    async cancel() {
      current?.abort.abort();
      await current?.done.catch(() => undefined);
    },
  };
}
