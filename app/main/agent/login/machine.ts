import { AgentError } from '../errors.ts';
import type { SessionProvider } from '../session/session.ts';
import type { TokenSet } from '../session/token-set.ts';
import type { Fetch } from './outbound.ts';
import type { ClientKey } from './provider-machine.ts';
import type { Provider } from './provider.ts';
import { discoverRelay, type NamedClient } from './relay-metadata.ts';

/** Who a machine is. */
export interface MachineClient extends NamedClient {
  readonly key: ClientKey;
}

/** Signs a machine in, and renews its session. There is no person: no browser, ever. */
export interface Machine extends SessionProvider {
  /** @throws {AgentError} `provider_unreachable`, `provider_protocol`, `provider_refused`, and each fault of the relay */
  login(signal: AbortSignal): Promise<TokenSet>;
}

/** What {@link createMachine} works with. */
export interface MachineDeps {
  readonly relay: URL;
  readonly client: MachineClient;
  readonly provider: Pick<Provider, 'machine' | 'revoke'>;
  readonly fetch: Fetch;
  /** The time-out of each call, in ms (10 s). */
  readonly callTimeoutMs?: number;
}

/**
 * Makes the sign-in of a machine that has a key of its own, such as a build server.
 *
 * @param deps relay, who the machine is, provider
 * @returns the machine; each renewal asks again what the relay wants, with a new DPoP key
 * @see RFC 6749 §4.4, RFC 7523
 */
export function createMachine(deps: MachineDeps): Machine {
  const { client, provider } = deps;

  async function login(signal: AbortSignal): Promise<TokenSet> {
    try {
      const relay = await discoverRelay(deps.relay, {
        fetch: deps.fetch,
        timeoutMs: deps.callTimeoutMs ?? 10_000,
        signal,
        client,
      });
      return await provider.machine(relay, client.key, signal);
    } catch (error) {
      if (!signal.aborted) throw error;
      throw new AgentError('sign_in_cancelled', 'The sign-in was cancelled.', { cause: error });
    }
  }

  return {
    login,
    async refresh(tokens) {
      if (tokens.grant !== 'client_credentials') {
        throw new AgentError('session_expired', personText);
      }
      try {
        return await login(new AbortController().signal);
      } catch (error) {
        if (!(error instanceof AgentError && error.code === 'provider_refused')) throw error;
        // What the provider says of the key does not pass by itself, unlike a network.
        throw new AgentError('session_expired', error.message, { cause: error });
      }
    },
    revoke: (tokens) => provider.revoke(tokens, client.key),
  };
}

const personText =
  'This agent was started with --client-key, and the stored session is a person’s. Start it without the key, or with another --data-dir.';
