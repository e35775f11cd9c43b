import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import type { Ledger } from '../audit/ledger.ts';
import type { Refusals } from '../audit/refusals.ts';
import { createParting } from '../wire/parting.ts';
import { stopListening } from '../wire/stop-listening.ts';
import { createProofChecker } from './auth/dpop.ts';
import { createIntrospector } from './auth/introspect.ts';
import type { IssuerKeys } from './auth/jwks.ts';
import { createNonces } from './auth/nonces.ts';
import { createIssuerPool } from './auth/pool.ts';
import { createClientAuthenticator } from './auth/client-authentication.ts';
import { createFormPost } from './auth/form-post.ts';
import { createExpiringCache } from './auth/introspection-cache.ts';
import { certificateExpiries } from './certificate-expiry.ts';
import type { Closers } from './closers.ts';
import type { IssuerConfig, RelayConfig } from './config/config.ts';
import { createExchanges } from './exchanges.ts';
import { createGenerations, type Generation, type Generations, type Shared } from './generation.ts';
import { limitConnections } from './limits/connections.ts';
import { createMetrics } from './metrics.ts';
import type { Stage } from './reload.ts';
import { createTraces } from './telemetry/traces.ts';
import { createProxiedPeers, directPeers } from './proxy-protocol.ts';
import { createRequestIds } from './request-id.ts';
import { createPublicServer } from './server.ts';
import type { SharedState } from './state/shared-state.ts';
import type { KeyPair } from './tls.ts';
import { createTokenSources } from './upstream/credentials/token-sources.ts';
import { warmUp } from './warm-up.ts';

/** What a front works with: this process's own, or what a channel to another leads to. */
export interface FrontDeps {
  readonly config: RelayConfig;
  readonly keyPair: KeyPair | undefined;
  readonly ledger: Pick<Ledger, 'admit' | 'note' | 'append' | 'health'>;
  readonly refusals: Pick<Refusals, 'record'>;
  readonly state: SharedState;
  readonly createKeys: (issuer: IssuerConfig) => IssuerKeys;
  /** Gives the server its connections; resolves to the URL under which they come. */
  readonly listen: (server: Server, inject: (socket: Socket) => void) => Promise<string>;
  /** Accepts no more, where something else than the server does. */
  readonly shut?: () => Promise<void> | undefined;
  readonly log: (event: Record<string, unknown>) => void;
  readonly now: () => number;
  readonly version: string;
}

/** The half of a relay that serves: listeners, pipeline, and what they need in their own process. */
export interface Front {
  readonly url: string;
  readonly shared: Shared;
  readonly generations: Generations;
  /** Where a reload takes effect. */
  readonly stage: Stage;
  /** From now on each answer is its connection's last. */
  announce(): void;
  /** Takes no new connections; resolves when what is under way has ended, or was given its time. */
  drain(): Promise<void>;
}

/** To send what tells clients that they are cut off. */
const LAST_WORDS_MS = 1_000;
/** Of the time to drain, for the last spans. */
const LAST_SPANS_MS = 3_000;

function createStage(
  generations: Generations,
  shared: Shared,
  reconfigure: (config: RelayConfig, keyPair: KeyPair | undefined) => void,
): Stage {
  let prepared: { readonly next: Generation; readonly keyPair: KeyPair | undefined } | undefined;
  return {
    current: () => generations.current().config,
    async prepare(config, keyPair) {
      await shared.traces.prepare(config.telemetry);
      prepared = { next: generations.prepare(config), keyPair };
      await warmUp(shared.pool, config.issuers);
    },
    adopt() {
      if (prepared === undefined) return;
      reconfigure(prepared.next.config, prepared.keyPair);
      shared.traces.adopt();
      generations.adopt(prepared.next);
      prepared = undefined;
    },
    discard() {
      prepared = undefined;
      generations.discard();
    },
  };
}

/**
 * Opens what serves requests.
 *
 * @param deps the configuration, and what is shared with whoever else serves
 * @param closers hears of everything that is to be closed
 * @returns the front, serving
 * @throws the bind's error when a port is taken
 */
export async function openFront(deps: FrontDeps, closers: Closers): Promise<Front> {
  const { config, ledger, state, log, now } = deps;
  let isDraining = false;
  const pool = createIssuerPool({
    createKeys: deps.createKeys,
    createIntrospector: (issuer) => createIntrospector(issuer, { now, fetch, log }),
  });
  const tokens = createTokenSources({
    now,
    log: (event) => log({ ...event }),
    createFormPost,
    createCache: createExpiringCache,
    authenticate: (endpoint) => createClientAuthenticator(endpoint.url, endpoint, now),
  });
  const nonces = createNonces(await state.secret('dpop-nonce'), now);
  const exchanges = createExchanges(now, state);
  closers.add(() => exchanges.close());

  const metrics = createMetrics({ now, processDefaults: config.management !== undefined });
  const traces = createTraces({ version: deps.version, log, count: metrics.spans });
  await traces.prepare(config.telemetry);
  traces.adopt();
  const peers = config.proxyProtocol
    ? createProxiedPeers(
        () => generations.current().trustedProxies,
        config.limits.headersTimeoutMs,
        () => metrics.connectionRefused('proxy'),
      )
    : directPeers;
  const { server, inject, attach, reconfigure } = createPublicServer(config, deps.keyPair, peers);
  let certificates = certificateExpiries(deps.keyPair);
  const parting = createParting(server);
  const url = await deps.listen(server, (socket) => {
    parting.accepted(socket);
    inject(socket);
  });
  closers.add(() => {
    parting.end();
    return new Promise((resolve) => {
      server.close(() => resolve());
    });
  });
  const shared: Shared = {
    pool,
    tokens,
    state,
    nonces,
    ledger,
    exchanges,
    refusals: deps.refusals,
    log,
    now,
    proofs: createProofChecker({ nonces, state, now }),
    metrics,
    traces,
    certificates: () => certificates,
    peerOf: peers.of,
    nextRequestId: createRequestIds(),
    draining: () => isDraining,
    version: deps.version,
    listenUrl: url.startsWith('unix:') ? 'http://localhost' : url,
  };
  const generations = createGenerations(config, shared);
  const perAddress = (): number | undefined => generations.current().config.limits.connectionsPerIp;
  limitConnections(server, peers.of, perAddress, metrics.connectionRefused);
  closers.add(() => {
    const { timeoutMs } = generations.current().config.drain;
    return traces.close(Math.min(timeoutMs, LAST_SPANS_MS));
  });
  closers.add(() => generations.close());
  attach({
    async serve(request, response) {
      parting.began(request, response);
      await generations.current().relay.serve(request, response);
      parting.ended(request, response);
    },
    upgrade(request, socket) {
      parting.switched(request);
      return generations.current().relay.upgrade(request, socket);
    },
    connect(request, socket) {
      parting.switched(request);
      generations.current().relay.connect(request, socket);
    },
    owes: parting.owes,
    unparsable: (status, ip) => generations.current().relay.unparsable(status, ip),
  });
  pool.start(config.issuers);
  return {
    url,
    shared,
    generations,
    stage: createStage(generations, shared, (next, keyPair) => {
      reconfigure(next, keyPair);
      certificates = certificateExpiries(keyPair);
    }),
    announce: parting.announce,
    async drain() {
      parting.announce();
      await Promise.all([deps.shut?.(), stopListening(server)]);
      await parting.over(generations.current().config.drain.timeoutMs);
      isDraining = true;
      exchanges.cut('drain');
      await parting.over(LAST_WORDS_MS);
    },
  };
}
