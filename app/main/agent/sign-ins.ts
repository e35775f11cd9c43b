import type { SignInChallenge } from './login/challenge.ts';
import type { DeviceCode } from './login/provider-device.ts';
import type { TokenSet } from './session/token-set.ts';
import { AgentError } from './errors.ts';

/** What is wanted of an attempt beyond somebody's sign-in. */
export interface Wanted {
  /** What it must prove, although somebody is signed in. */
  readonly challenge?: SignInChallenge | undefined;
  /** Shows a code for another device, in place of the browser here (RFC 8628). */
  readonly onCode?: ((code: DeviceCode) => void) | undefined;
}

/** The one sign-in attempt that may run. */
export interface SignIns {
  /**
   * Starts an attempt or joins the running one; fulfils at once when somebody is signed in.
   *
   * @param wanted where it differs from the usual
   */
  start(wanted?: Wanted): Promise<void>;
  /** The running attempt; `url` as soon as there is a page to open. */
  running(): { readonly url?: string | undefined } | undefined;
  /** Cancels the running attempt, if any; resolves when it has ended. */
  cancel(): Promise<void>;
}

/** What {@link createSignIns} works with. */
export interface SignInsDeps {
  readonly isSignedIn: () => boolean;
  readonly login: (
    signal: AbortSignal,
    onUrl: (url: string) => void,
    wanted: Wanted,
  ) => Promise<TokenSet>;
  /** Makes the tokens the session's; nothing is used before it resolves. */
  readonly adopt: (tokens: TokenSet, challenge: SignInChallenge | undefined) => Promise<void>;
  /** Gets tokens that nobody will use. */
  readonly discard: (tokens: TokenSet) => void;
  /** Called once an attempt has ended, with its error if it failed. */
  readonly onEnd: (error: unknown, challenge: SignInChallenge | undefined) => void;
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

  async function run(signal: AbortSignal, wanted: Wanted): Promise<void> {
    const onUrl = (url: string): void => {
      if (current) current.url = url;
      deps.onChange();
    };
    const tokens = await deps.login(signal, onUrl, wanted);
    try {
      if (signal.aborted) throw new AgentError('sign_in_cancelled', 'The sign-in was cancelled.');
      await deps.adopt(tokens, wanted.challenge);
    } catch (error) {
      deps.discard(tokens);
      throw error;
    }
  }

  async function finish(
    running: Promise<void>,
    challenge: SignInChallenge | undefined,
  ): Promise<void> {
    let failure: unknown;
    try {
      await running;
    } catch (error) {
      failure = error;
      throw error;
    } finally {
      current = undefined;
      deps.onEnd(failure, challenge);
      deps.onChange();
    }
  }

  return {
    running: () => current,
    start(wanted = {}) {
      const { challenge } = wanted;
      if (current) return current.done;
      if (challenge === undefined && deps.isSignedIn()) return Promise.resolve();
      const abort = new AbortController();
      // The attempt begins only when `current` is set: it reports its page there.
      const running = Promise.resolve().then(() => run(abort.signal, wanted));
      const done = finish(running, challenge);
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
