import type { Duplex } from 'node:stream';
import type { SecureContext } from 'node:tls';
import { AgentError } from '../errors.ts';
import type { Fetch } from '../login/outbound.ts';
import { createDialer } from './dial.ts';
import type { Env } from './env-proxy.ts';
import { createLateSocket } from './late-socket.ts';
import { NetworkError } from './network-error.ts';
import { createOutboundFetch } from './outbound-fetch.ts';
import { readPacFile } from './pac-file.ts';
import { createScriptRunner } from './pac-script.ts';
import { createPac } from './pac.ts';
import { createProxyChoice, type ResolveSystem } from './proxy-choice.ts';
import { routeName, type Route } from './route.ts';
import { createTrust } from './trust.ts';

/** The way of tools' requests to the relay. */
export interface RelayPath {
  /** Names the way as far as it is known; `direct` needs no `open`. */
  way(relay: URL): string;
  /** Opens a connection to the relay, without its TLS; fails with {@link AgentError}. */
  open(relay: URL): Duplex;
  /** @throws {AgentError} `bad_settings` */
  secureContext(): SecureContext;
}

/** How this app reaches others: one choice of proxies and one trust for every call. */
export interface Network {
  readonly fetch: Fetch;
  readonly relayPath: RelayPath;
}

/** What the network is made of. */
export interface NetworkOptions {
  /** `network.proxy`. */
  readonly proxy?: string | undefined;
  /** `network.caFile`. */
  readonly caFile?: string | undefined;
  readonly env: Env;
  readonly resolveSystem?: ResolveSystem | undefined;
  readonly ownPort?: (() => number | undefined) | undefined;
  /** Epoch ms. */
  readonly now?: () => number;
}

/**
 * Makes the network; nothing is read or opened before the first call.
 *
 * @param options settings, environment and system
 * @returns the network
 */
export function createNetwork(options: NetworkOptions): Network {
  const now = options.now ?? Date.now;
  const trust = createTrust(options.caFile);
  const runner = createScriptRunner();
  const choice = createProxyChoice({
    setting: options.proxy,
    env: options.env,
    resolveSystem: options.resolveSystem,
    ownPort: options.ownPort,
    createPac: (address) =>
      createPac({ address, read: (url) => readPacFile(url, trust), runner, now }),
    now,
  });
  const dialer = createDialer(choice, trust);
  let last: { readonly routes: readonly Route[]; readonly name: string } | undefined;

  function way(relay: URL): string {
    const routes = choice.known(relay);
    if (routes === undefined) return 'unknown';
    // Each request of a tool comes here, and mostly for the same routes.
    if (last?.routes !== routes) last = { routes, name: routes.map(routeName).join(', ') };
    return last.name;
  }

  return {
    fetch: createOutboundFetch(dialer, trust),
    relayPath: {
      way,
      open: (relay) =>
        createLateSocket((signal) =>
          dialer.dial(relay, signal).catch((error: unknown) => {
            throw inWords(relay, error);
          }),
        ),
      secureContext() {
        try {
          return trust.secureContext();
        } catch (error) {
          if (!(error instanceof NetworkError)) throw error;
          throw new AgentError('bad_settings', error.message, { cause: error });
        }
      },
    },
  };
}

function inWords(relay: URL, error: unknown): unknown {
  if (!(error instanceof NetworkError)) return error;
  return new AgentError(
    'relay_unreachable',
    `The relay ${relay.host} cannot be reached: ${error.message}.`,
    { cause: error },
  );
}
