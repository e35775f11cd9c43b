import { setTimeout as sleep } from 'node:timers/promises';
import { AgentError } from '../errors.ts';
import type { TokenSet } from '../session/token-set.ts';
import type { SignInChallenge } from './challenge.ts';
import type { Fetch } from './outbound.ts';
import type { Provider } from './provider.ts';
import { codeExpired, type DeviceCode, type DeviceRequest } from './provider-device.ts';
import { discoverRelay } from './relay-metadata.ts';

/** What {@link loginByDevice} works with. */
export interface DeviceLoginDeps {
  /** The relay's origin: the one thing that must be known. */
  readonly relay: URL;
  readonly provider: Pick<Provider, 'device'>;
  readonly fetch: Fetch;
  /** Shows the person where to go and what to type. */
  readonly onCode: (code: DeviceCode) => void;
  readonly signal: AbortSignal;
  /** How strongly and how recently the person has to sign in (RFC 9470). */
  readonly challenge?: SignInChallenge;
  /** The time-out of each call, in ms (10 s). */
  readonly callTimeoutMs?: number;
  readonly now?: () => number;
  /** Waits between two polls; ends early, and fails, with the signal. */
  readonly wait?: (delayMs: number, signal: AbortSignal) => Promise<unknown>;
}

const slowerMs = 5000;
const longestPauseMs = 60_000;

/**
 * Signs in on a machine without a browser: discover, show a code, poll until a person entered it elsewhere.
 *
 * @param deps relay, provider, how to show the code, cancellation
 * @returns fresh tokens; nothing is stored yet
 * @throws {AgentError} each fault of the steps, `sign_in_timeout`, `consent_refused`, `sign_in_cancelled`
 * @see RFC 8628
 */
export async function loginByDevice(deps: DeviceLoginDeps): Promise<TokenSet> {
  const { signal } = deps;
  try {
    const relay = await discoverRelay(deps.relay, {
      fetch: deps.fetch,
      timeoutMs: deps.callTimeoutMs ?? 10_000,
      signal,
    });
    const request = await deps.provider.device(relay, signal, deps.challenge);
    deps.onCode(request.code);
    return await untilEntered(request, relay.issuer, deps);
  } catch (error) {
    if (!signal.aborted) throw error;
    throw new AgentError('sign_in_cancelled', 'The sign-in was cancelled.', { cause: error });
  }
}

async function untilEntered(
  request: DeviceRequest,
  issuer: string,
  deps: DeviceLoginDeps,
): Promise<TokenSet> {
  const { now = Date.now, wait = pause } = deps;
  let { intervalMs } = request;
  let delayMs = intervalMs;
  while (now() + delayMs < request.code.expiresAtMs) {
    await wait(delayMs, deps.signal);
    try {
      const answer = await request.poll();
      if (answer.kind === 'tokens') return answer.tokens;
      if (answer.kind === 'slow-down') intervalMs += slowerMs;
      delayMs = intervalMs;
    } catch (error) {
      if (deps.signal.aborted || !isPassing(error)) throw error;
      // RFC 8628 §3.5: a network that is lost is asked ever less often, and is no end.
      delayMs = Math.min(delayMs * 2, Math.max(intervalMs, longestPauseMs));
    }
  }
  throw codeExpired(issuer);
}

function isPassing(error: unknown): boolean {
  return error instanceof AgentError && error.code === 'provider_unreachable';
}

function pause(delayMs: number, signal: AbortSignal): Promise<unknown> {
  return sleep(delayMs, undefined, { signal });
}
