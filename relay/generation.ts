import type { BlockList } from 'node:net';
import type { Ledger } from '../audit/ledger.ts';
import type { Refusals } from '../audit/refusals.ts';
import type { ProofChecker } from './auth/binding.ts';
import type { IssuerState } from './auth/jwks.ts';
import { createLogoutTokens } from './auth/logout-token.ts';
import type { Nonces } from './auth/nonces.ts';
import type { IssuerPool } from './auth/pool.ts';
import { createVerifier } from './auth/verify.ts';
import { createBounds } from './bounds.ts';
import type { CertificateExpiry } from './certificate-expiry.ts';
import type { RelayConfig } from './config/config.ts';
import type { Exchanges } from './exchanges.ts';
import { createLogout } from './logout.ts';
import type { Metrics } from './metrics.ts';
import { createRelay, type Relay } from './relay.ts';
import type { ProxiedPeers } from './proxy-protocol.ts';
import type { RequestIds } from './request-id.ts';
import { createRuntime } from './runtime.ts';
import type { SharedState } from './state/shared-state.ts';
import type { Traces } from './telemetry/traces.ts';
import type { TokenSources } from './upstream/credentials/token-sources.ts';
import type { TargetCondition, Targets } from './upstream/targets.ts';

/** What outlives configurations: all of them work with the same. */
export interface Shared {
  readonly pool: IssuerPool;
  /** Where the tokens come from that APIs are shown. */
  readonly tokens: TokenSources;
  readonly state: SharedState;
  readonly nonces: Nonces;
  readonly proofs: ProofChecker;
  readonly ledger: Pick<Ledger, 'admit' | 'note' | 'append' | 'health'>;
  readonly exchanges: Exchanges;
  readonly refusals: Pick<Refusals, 'record'>;
  readonly metrics: Metrics;
  readonly traces: Traces;
  /** Those that the listener shows now. */
  readonly certificates: () => readonly CertificateExpiry[];
  readonly nextRequestId: RequestIds;
  readonly draining: () => boolean;
  readonly log: (event: Record<string, unknown>) => void;
  readonly now: () => number;
  readonly version: string;
  readonly peerOf: ProxiedPeers['of'];
  /** The listener's own URL: the resource where `publicUrl` is not set. */
  readonly listenUrl: string;
}

/** How one address of an API is. */
export interface UpstreamState extends TargetCondition {
  readonly api: string;
}

/** One configuration at work. A request stays with the one that it began under. */
export interface Generation {
  readonly config: RelayConfig;
  readonly loadedAtMs: number;
  readonly relay: Relay;
  readonly trustedProxies: BlockList | undefined;
  readonly issuers: () => readonly IssuerState[];
  /** How each address of each API is. */
  readonly upstreams: () => readonly UpstreamState[];
  /** Each API's addresses. */
  readonly targets: ReadonlyMap<string, Targets>;
  /** Begins to watch the addresses, with what an earlier generation knows of them. */
  watch(before?: Generation): void;
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
  const runtime = createRuntime(config, shared.listenUrl, shared);
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
    console: config.management?.signIn,
  });
  const logout = createLogout({ tokens, state, ledger });
  const bounds = createBounds(config, state, now);
  const relay = createRelay({ ...shared, bounds, runtime, verifier, logout });
  let open = 0;
  let retired: (() => void) | undefined;

  const targets = new Map(runtime.apis.map((api) => [api.config.name, api.targets]));

  function stopWatching(): void {
    for (const each of targets.values()) each.stop();
  }
  function close(): void {
    stopWatching();
    bounds.uploads.close();
    for (const each of targets.values()) each.close();
  }
  function closeIfDone(): void {
    if (open > 0 || retired === undefined) return;
    close();
    retired();
    retired = undefined;
  }
  /** Pools of connections must not be closed under what is on its way. */
  function counted(run: Promise<void>): Promise<void> {
    open += 1;
    return run.then(ended, failed);
  }
  function ended(): void {
    open -= 1;
    closeIfDone();
  }
  function failed(error: unknown): never {
    ended();
    throw error;
  }

  return {
    config,
    loadedAtMs: now(),
    trustedProxies: runtime.trustedProxies,
    relay: {
      serve: (request, response) => counted(relay.serve(request, response)),
      upgrade: (request, socket) => counted(relay.upgrade(request, socket)),
      connect: relay.connect,
      unparsable: relay.unparsable,
    },
    issuers: verifier.states,
    upstreams: () =>
      [...targets].flatMap(([api, each]) =>
        each.conditions().map((condition) => ({ api, ...condition })),
      ),
    targets,
    watch(before) {
      for (const [api, each] of targets) {
        const earlier = before?.targets.get(api);
        if (earlier !== undefined) each.inherit(earlier);
        each.start();
      }
    },
    retire(done) {
      stopWatching();
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
  current.watch();
  const living = new Set([current]);
  const forget = (): void => {
    const configs = [...living].map((generation) => generation.config);
    pool.retain(configs.flatMap((config) => config.issuers));
    shared.tokens.retain(configs);
  };
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
      generation.watch(before);
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
      shared.tokens.retain([]);
    },
  };
}
