import type { TokenSet } from '../session/token-set.ts';
import type { SignInChallenge } from './challenge.ts';
import type { Fetch } from './outbound.ts';
import type { Provider } from './provider.ts';
import { randomBytes } from 'node:crypto';
import { AgentError } from '../errors.ts';
import { openLoopback } from './loopback.ts';
import { discoverRelay } from './relay-metadata.ts';

/** What {@link login} works with. */
export interface LoginDeps {
  /** The relay's origin: the one thing that must be known. */
  readonly relay: URL;
  readonly provider: Provider;
  readonly fetch: Fetch;
  readonly openBrowser: (url: string) => Promise<void>;
  /** Called with the page to open, before the browser is. */
  readonly onUrl: (url: string) => void;
  readonly signal: AbortSignal;
  /** How strongly and how recently the person has to sign in (RFC 9470). */
  readonly challenge?: SignInChallenge;
  /** How long the person may take, in ms (5 min). */
  readonly timeoutMs?: number;
  /** The time-out of each call, in ms (10 s). */
  readonly callTimeoutMs?: number;
}

/**
 * Signs in: discover, listen, browser, one callback, code exchange.
 *
 * @param deps relay, provider, browser, cancellation
 * @returns fresh tokens; nothing is stored yet
 * @throws {AgentError} each fault of the steps, `sign_in_timeout`, `sign_in_cancelled`
 * @see RFC 8252 §4.1
 */
export async function login(deps: LoginDeps): Promise<TokenSet> {
  try {
    return await attempt(deps);
  } catch (error) {
    if (!deps.signal.aborted) throw error;
    throw new AgentError('sign_in_cancelled', 'The sign-in was cancelled.', { cause: error });
  }
}

async function attempt(deps: LoginDeps): Promise<TokenSet> {
  const relay = await discoverRelay(deps.relay, {
    fetch: deps.fetch,
    timeoutMs: deps.callTimeoutMs ?? 10_000,
    signal: deps.signal,
  });
  const provider = await deps.provider.connect(relay);
  const state = randomBytes(32).toString('base64url');
  const loopback = await openLoopback({
    redirectUri: relay.redirectUri,
    redirectPorts: relay.redirectPorts,
    state,
    timeoutMs: deps.timeoutMs ?? 300_000,
    signal: deps.signal,
  });
  try {
    const request = await provider.request(loopback.redirectUri, state, deps.challenge);
    deps.onUrl(request.url.href);
    // The page can be opened by hand: a browser that doesn't start is no end.
    await deps.openBrowser(request.url.href).catch(() => undefined);
    const callback = await loopback.callback();
    try {
      const tokens = await request.exchange(callback.url);
      callback.answer({ kind: 'signed-in' });
      return tokens;
    } catch (error) {
      callback.answer({ kind: 'failed', message: explain(error) });
      throw error;
    }
  } finally {
    await loopback.close();
  }
}

function explain(error: unknown): string {
  return error instanceof AgentError ? error.message : 'Something went wrong. Start again.';
}
