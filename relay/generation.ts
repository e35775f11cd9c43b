import type { Ledger } from '../audit/ledger.ts';
import type { Refusals } from '../audit/refusals.ts';
import type { ProofChecker } from './auth/binding.ts';
import type { IssuerState } from './auth/jwks.ts';
import { createLogoutTokens } from './auth/logout-token.ts';
import type { Nonces } from './auth/nonces.ts';
import type { IssuerPool } from './auth/pool.ts';
import { createVerifier } from './auth/verify.ts';
import type { RelayConfig } from './config/config.ts';
import type { Exchanges } from './exchanges.ts';
import { createLogout } from './logout.ts';
import type { Metrics } from './metrics.ts';
import { createRelay, type Relay } from './relay.ts';
import type { RequestIds } from './request-id.ts';
import { createRuntime } from './runtime.ts';
import type { SharedState } from './state/shared-state.ts';

/** What outlives configurations: all of them work with the same. */
export interface Shared {
  readonly pool: IssuerPool;
  readonly state: SharedState;
  readonly nonces: Nonces;
  readonly proofs: ProofChecker;
  readonly ledger: Ledger;
  readonly exchanges: Exchanges;
  readonly refusals: Refusals;
  readonly metrics: Metrics;
  readonly nextRequestId: RequestIds;
  readonly draining: () => boolean;
  readonly log: (event: Record<string, unknown>) => void;
  readonly now: () => number;
  readonly version: string;
  /** The listener's own URL: the resource where `publicUrl` is not set. */
  readonly listenUrl: string;
}

/** One configuration at work. A request stays with the one that it began under. */
export interface Generation {
  readonly config: RelayConfig;
  readonly loadedAtMs: number;
  readonly relay: Relay;
  readonly issuers: () => readonly IssuerState[];
  readonly upstreams: readonly { readonly api: string; readonly upstream: string }[];
  /** Takes no new requests; `done` is called when the last one has ended and its pools are closed. */
  retire(done: () => void): void;
  /** Closes the pools of connections, whatever is under way. */
  close(): void;
}

/**
 * Compiles a configuration and puts a pipeline over it; nothing reaches it yet.
 *
 * @param config a checked configuration
 * @param shared what it works with
 * @returns the generation
 * @throws {Error} something of the configuration cannot be compiled
 */
function createGeneration(config: RelayConfig, shared: Shared): Generation {
  const { pool, state, ledger, now } = shared;
  const runtime = createRuntime(config, shared.listenUrl);
  const verifier = createVerifier(config.issuers, {
    now,
    ...pool,
    state,
    proofs: shared.proofs,
    observe: shared.metrics.verified,
  });
  const tokens = createLogoutTokens(config.issuers, {
    now,
    keysOf: pool.keysOf,
    resource: runtime.resource,
  });
  const logout = createLogout({ tokens, state, ledger });
  const relay = createRelay({ ...shared, runtime, verifier, logout });
  let open = 0;
  let retired: (() => void) | undefined;

  function close(): void {
    for (const api of runtime.apis) api.targets.close();
  }
  function closeIfDone(): void {
    if (open > 0 || retired === undefined) return;
    close();
    retired();
    retired = undefined;
  }
  /** Pools of connections must not be closed under what is on its way. */
  async function counted(run: Promise<void>): Promise<void> {
    open += 1;
    try {
      await run;
    } finally {
      open -= 1;
      closeIfDone();
    }
  }

  return {
    config,
    loadedAtMs: now(),
    relay: {
      serve: (request, response) => counted(relay.serve(request, response)),
      upgrade: (request, socket) => counted(relay.upgrade(request, socket)),
      unparsable: relay.unparsable,
    },
    issuers: verifier.states,
    upstreams: config.apis.flatMap(({ name, upstreams }) =>
      upstreams.map((upstream) => ({ api: name, upstream })),
    ),
    retire(done) {
      retired = done;
      closeIfDone();
    },
    close,
  };
}

/** The generation that takes requests, and those that still finish some. */
export interface Generations {
  current(): Generation;
  /** Makes a generation; its issuers are asked for their keys at once. Nothing else changes. */
  prepare(config: RelayConfig): Generation;
  /** Gives it every request from now on. */
  adopt(generation: Generation): void;
  /** Forgets a generation that was prepared in vain. */
  discard(): void;
  close(): void;
}

/**
 * Keeps the generations, and what they share of issuers for as long as one of them wants it.
 *
 * @param config of the first
 * @param shared what all of them work with
 * @returns the generations
 */
export function createGenerations(config: RelayConfig, shared: Shared): Generations {
  const { pool } = shared;
  let current = createGeneration(config, shared);
  const living = new Set([current]);
  const forget = (): void =>
    pool.retain([...living].flatMap((generation) => generation.config.issuers));
  return {
    current: () => current,
    prepare(next) {
      const generation = createGeneration(next, shared);
      pool.start(next.issuers);
      return generation;
    },
    adopt(generation) {
      const before = current;
      living.add(generation);
      current = generation;
      before.retire(() => {
        living.delete(before);
        forget();
      });
    },
    discard: forget,
    close() {
      for (const generation of living) generation.close();
      pool.retain([]);
    },
  };
}
