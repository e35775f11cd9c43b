import { AgentError, type AgentErrorCode } from './errors.ts';

/** Decides what a request does that arrives while nobody is signed in. */
export interface SignInGate {
  /**
   * Waits for a sign-in, starting at most one.
   *
   * @param reason `signed_out` or `session_expired`, thrown when nobody signs in in time
   * @param signal the request's own end
   */
  wait(reason: AgentError, signal: AbortSignal): Promise<void>;
  /**
   * An attempt failed: none is started by a request until the cool-down is over, and requests that
   * come meanwhile are told why.
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
  readonly coolDownMs?: number;
  readonly now: () => number;
  /** One notification for each episode. */
  readonly notify: (reason: AgentError) => void;
}

/**
 * Makes the gate: tools poll all night, so a request may cause one tab and one notification, not a hundred.
 *
 * @param deps how to sign in, and the limits
 * @returns the gate
 */
export function createSignInGate(deps: SignInGateDeps): SignInGate {
  const coolDownMs = deps.coolDownMs ?? 60_000;
  let quietUntilMs = -Infinity;
  let notified = false;
  let lastFailure: unknown;

  function attempt(reason: AgentError): Promise<unknown> | undefined {
    if (deps.isRunning()) return deps.signIn();
    if (deps.now() < quietUntilMs) return undefined;
    if (!notified) deps.notify(reason);
    notified = true;
    return deps.auto ? deps.signIn() : undefined;
  }

  return {
    async wait(reason, signal) {
      const running = attempt(reason);
      if (!running) throw inItsWords(reason, lastFailure);
      await within(running, deps.waitMs, signal, reason);
    },
    failed(error) {
      lastFailure = error;
      quietUntilMs = deps.now() + coolDownMs;
      notified = false;
    },
    succeeded() {
      lastFailure = undefined;
      quietUntilMs = -Infinity;
      notified = false;
    },
  };
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
        reject(inItsWords(reason, error));
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

/** The person learns what to do from the attempt's own words. */
function inItsWords(reason: AgentError, failure: unknown): AgentError {
  if (!(failure instanceof AgentError)) return reason;
  if (notThePerson.has(failure.code)) return failure;
  return new AgentError(reason.code, `${reason.message} ${failure.message}`, { cause: failure });
}
