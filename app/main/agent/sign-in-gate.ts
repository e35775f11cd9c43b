import { AgentError, type AgentErrorCode } from './errors.ts';
import { isWithin } from './is-within.ts';

/** Decides what a request does that arrives while nobody is signed in. */
export interface SignInGate {
  /**
   * Waits for a sign-in, starting at most one.
   *
   * @param reason `signed_out` or `session_expired`
   * @param signal the request's own end
   * @throws {AgentError} `signed_out` in the words of the reason when nobody signs in in time, or why no sign-in can
   *   help
   */
  wait(reason: AgentError, signal: AbortSignal): Promise<void>;
  /** The running attempt has shown its page: the person was asked. */
  opened(): void;
  /**
   * An attempt failed: none is started by a request until the cool-down is over, and requests that
   * come meanwhile are told why. It is long when the person was asked and did not sign in.
   */
  failed(error: unknown): void;
  succeeded(): void;
}

/** What {@link createSignInGate} works with. */
export interface SignInGateDeps {
  /** Starts an attempt or joins the running one. */
  readonly signIn: () => Promise<unknown>;
  readonly isRunning: () => boolean;
  /** Whether requests may open a browser tab at all. */
  readonly auto: boolean;
  readonly waitMs: number;
  /** After an attempt that opened no page, in ms (1 min). */
  readonly coolDownMs?: number;
  /** After an attempt that did, in ms (15 min); twice as long each time, up to 4 h. */
  readonly pageCoolDownMs?: number;
  /** True where attempts need no person: the reason of a failure is all that requests are told. */
  readonly isMachine?: boolean;
  readonly now: () => number;
  /** One notification for each episode. */
  readonly notify: (reason: AgentError) => void;
}

const longestQuietMs = 14_400_000;
/** A person may sign in at any time, and a tool that asks again costs nothing. */
const longestDelaySeconds = 60;

/**
 * Makes the gate: tools poll all night, so a request may cause one tab and one notification, not a hundred.
 *
 * @param deps how to sign in, and the limits
 * @returns the gate
 */
export function createSignInGate(deps: SignInGateDeps): SignInGate {
  const { coolDownMs = 60_000, pageCoolDownMs = 900_000, isMachine = false } = deps;
  let failedAtMs = -Infinity;
  let quietMs = 0;
  let notified = false;
  let isPageShown = false;
  /** How often in a row the person was asked in vain. */
  let vain = 0;
  let lastFailure: unknown;

  const isQuiet = (): boolean => isWithin(deps.now(), failedAtMs, quietMs);

  function attempt(reason: AgentError): Promise<unknown> | undefined {
    if (deps.isRunning()) return deps.signIn();
    if (isQuiet()) return undefined;
    if (!notified && !isMachine) deps.notify(reason);
    notified = true;
    return deps.auto || isMachine ? deps.signIn() : undefined;
  }

  function inItsWords(reason: AgentError, failure: unknown): AgentError {
    if (!(failure instanceof AgentError)) return reason;
    if (notThePerson.has(failure.code)) return failure;
    const words = isMachine ? failure.message : `${reason.message} ${failure.message}`;
    return new AgentError(reason.code, words, { cause: failure });
  }

  /** Nothing is attempted before the end of the quiet time: tools need not ask sooner. */
  function withDelay(error: AgentError): AgentError {
    if (!isQuiet()) return error;
    const { code, message, cause } = error;
    const leftSeconds = Math.ceil((failedAtMs + quietMs - deps.now()) / 1000);
    const retryAfterSeconds = Math.min(Math.max(1, leftSeconds), longestDelaySeconds);
    return new AgentError(code, message, { cause, retryAfterSeconds });
  }

  return {
    async wait(cause, signal) {
      const running = attempt(cause);
      const reason = asSignedOut(cause);
      if (!running) throw withDelay(inItsWords(reason, lastFailure));
      await within(running, deps.waitMs, signal, reason).catch((error: unknown) => {
        throw error === reason ? reason : withDelay(inItsWords(reason, error));
      });
    },
    opened() {
      isPageShown = true;
    },
    failed(error) {
      lastFailure = error;
      const wasAsked = isPageShown || (error instanceof AgentError && byThePerson.has(error.code));
      isPageShown = false;
      failedAtMs = deps.now();
      if (!wasAsked || isMachine) {
        quietMs = coolDownMs;
        return;
      }
      quietMs = Math.min(pageCoolDownMs * 2 ** vain, longestQuietMs);
      vain = Math.min(vain + 1, 30);
      // A page that opens once more is an episode of its own; what failed before it opened is not.
      notified = false;
    },
    succeeded() {
      lastFailure = undefined;
      failedAtMs = -Infinity;
      notified = false;
      isPageShown = false;
      vain = 0;
    },
  };
}

/** For tools it is the same whatever ended the session. */
function asSignedOut(cause: AgentError): AgentError {
  return cause.code === 'signed_out'
    ? cause
    : new AgentError('signed_out', cause.message, { cause });
}

function within(
  attempt: Promise<unknown>,
  waitMs: number,
  signal: AbortSignal,
  reason: AgentError,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', giveUp);
    };
    const giveUp = (): void => {
      stop();
      reject(reason);
    };
    const timer = setTimeout(giveUp, waitMs);
    signal.addEventListener('abort', giveUp, { once: true });
    attempt.then(
      () => {
        stop();
        resolve();
      },
      (error: unknown) => {
        stop();
        reject(error);
      },
    );
    if (signal.aborted) giveUp();
  });
}

/** Failures that no sign-in by a person cures: the request is answered by their own code. */
const notThePerson: ReadonlySet<AgentErrorCode> = new Set([
  'relay_unreachable',
  'not_a_relay',
  'no_desktop_client',
  'provider_unreachable',
  'provider_protocol',
]);

/** Failures that tell that a page was open, and what the person did there. */
const byThePerson: ReadonlySet<AgentErrorCode> = new Set([
  'sign_in_timeout',
  'sign_in_cancelled',
  'consent_refused',
  'provider_refused',
  'other_person',
]);
