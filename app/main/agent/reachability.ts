import type { Fetch } from './login/outbound.ts';
import { AgentError } from './errors.ts';
import { transportReason } from './login/outbound.ts';

/** Whether the relay answers, from real traffic and, after a failure, from probes. */
export interface Reachability {
  /** The fault while the relay can't be reached. */
  fault(): AgentError | undefined;
  reached(): void;
  failed(error: AgentError): void;
  /** Asks soon, not at the end of the back-off: there is reason to think that things have changed. */
  recheck(): void;
  close(): void;
}

const firstProbeMs = 1000;
const slowestProbeMs = 30_000;

/**
 * Makes the watch over the relay: silent while all is well, probing with a jittered back-off after a failure.
 *
 * @param deps `probe` resolves when the relay answers anything; `onChange` is called when the state flips
 * @returns the watch, reachable at first
 */
export function createReachability(deps: {
  readonly probe: () => Promise<void>;
  readonly onChange: (reachable: boolean) => void;
  readonly random?: () => number;
}): Reachability {
  const random = deps.random ?? Math.random;
  let fault: AgentError | undefined;
  let delayMs = firstProbeMs;
  let timer: NodeJS.Timeout | undefined;
  let closed = false;

  function plan(): void {
    if (closed) return;
    clearTimeout(timer);
    timer = setTimeout(
      () => {
        deps.probe().then(reached, plan);
      },
      delayMs * (0.5 + random() / 2),
    ).unref();
    delayMs = Math.min(delayMs * 2, slowestProbeMs);
  }

  function reached(): void {
    if (!fault || closed) return;
    fault = undefined;
    delayMs = firstProbeMs;
    clearTimeout(timer);
    deps.onChange(true);
  }

  return {
    fault: () => fault,
    reached,
    failed(error) {
      if (closed) return;
      const first = fault === undefined;
      fault = error;
      if (!first) return;
      plan();
      deps.onChange(false);
    },
    recheck() {
      if (fault === undefined) return;
      delayMs = firstProbeMs;
      plan();
    },
    close() {
      closed = true;
      clearTimeout(timer);
    },
  };
}

/**
 * Asks the relay for anything at all.
 *
 * @param relay the relay's origin
 * @param fetch how
 * @param timeoutMs how long to wait, in ms
 * @throws when nothing below 500 is answered
 */
export async function probeRelay(
  relay: URL | undefined,
  fetch: Fetch,
  timeoutMs: number,
): Promise<void> {
  if (!relay) throw new Error('no relay');
  const url = new URL('/.well-known/oauth-protected-resource', relay).href;
  const response = await fetch(url, { redirect: 'manual', signal: AbortSignal.timeout(timeoutMs) });
  await response.body?.cancel();
  if (response.status >= 500) throw new Error(`status ${response.status}`);
}

/**
 * Puts a transport failure of real traffic in words.
 *
 * @param relay the relay's origin
 * @param error what the transport threw
 * @returns `relay_unreachable`
 */
export function relayFault(relay: URL | undefined, error: unknown): AgentError {
  if (error instanceof AgentError) return error;
  return new AgentError(
    'relay_unreachable',
    `The relay ${relay?.host ?? ''} cannot be reached (${transportReason(error)}). Check the network; Latchkey keeps trying.`,
    { cause: error },
  );
}
