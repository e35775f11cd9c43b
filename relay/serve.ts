import http from 'node:http';
import type { Server } from 'node:net';
import { pino, type DestinationStream } from 'pino';
import { createLedger } from '../audit/ledger.ts';
import { createManagement, type Check } from './admin/management.ts';
import { createRefusals } from '../audit/refusals.ts';
import { createIssuerKeys } from './auth/jwks.ts';
import { createNonces } from './auth/nonces.ts';
import { createIssuerPool } from './auth/pool.ts';
import { createVerifier } from './auth/verify.ts';
import { createExchanges } from './exchanges.ts';
import { createRequestIds } from './request-id.ts';
import { createMemoryState } from './state/memory.ts';
import type { RelayConfig } from './config/config.ts';
import { listenOn } from './listen.ts';
import { createRelay } from './relay.ts';
import { createRuntime } from './runtime.ts';
import { createPublicServer } from './server.ts';

/** How long open exchanges may go on after the signal to stop. */
const DRAIN_MS = 10_000;

/** A running relay. */
export interface RunningRelay {
  readonly url: string;
  readonly management: string | undefined;
  /** Drains and closes everything, in reverse order. */
  stop(): Promise<void>;
}

const closed = (server: Server): Promise<void> =>
  new Promise((resolve) => {
    server.close(() => resolve());
  });

/**
 * Starts the relay: audit, issuers, listeners, in this order.
 *
 * @param config a checked configuration
 * @param options `version` for the metadata; `logTo` receives the log in place of stdout
 * @returns the running relay
 * @throws {AuditError} when the audit cannot be opened; the bind's error when a port is taken
 */
export async function startRelay(
  config: RelayConfig,
  options: { readonly version: string; readonly logTo?: DestinationStream },
): Promise<RunningRelay> {
  const logger = pino(
    {
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (level) => ({ level }) },
    },
    options.logTo ?? pino.destination({ dest: 1, sync: true }),
  );
  const log = (event: Record<string, unknown>): void => logger.info(event);
  const loadedAt = new Date().toISOString();
  let draining = false;

  const ledger = createLedger({
    dir: config.audit.dir,
    side: 'relay',
    checkpointMs: config.audit.checkpointMs,
    onError: (error) => logger.error({ event: 'audit_error', error: String(error) }),
  });
  const issuerDeps = { now: Date.now, fetch, log };
  const pool = createIssuerPool({
    createKeys: (issuer) => createIssuerKeys(issuer, issuerDeps),
    createIntrospector: () => {
      throw new Error('introspection is not there yet');
    },
  });
  const state = createMemoryState(Date.now);
  const nonces = createNonces(await state.secret('dpop-nonce'), Date.now);
  const verifier = createVerifier(config.issuers, {
    now: Date.now,
    ...pool,
    state,
    proofs: { check: () => Promise.resolve() },
  });
  const exchanges = createExchanges(Date.now);
  const refusals = createRefusals(ledger, (error) =>
    log({ event: 'audit_error', error: String(error) }),
  );
  const { server, attach } = createPublicServer(config);
  const scheme = config.tls === undefined ? 'http' : 'https';
  const url = await listenOn(server, config.listen, scheme).catch(async (error: unknown) => {
    await ledger.close();
    throw error;
  });
  const listenUrl = url.startsWith('unix:') ? 'http://localhost' : url;
  const runtime = createRuntime(config, listenUrl);
  const relay = createRelay({
    runtime,
    verifier,
    ledger,
    exchanges,
    refusals,
    nonces,
    nextRequestId: createRequestIds(),
    draining: () => draining,
    log,
    now: Date.now,
    version: options.version,
  });
  const unrecorded = config.apis.filter((api) => !api.audit.required).map((api) => api.name);
  await ledger.append('config', {
    configHash: config.hash,
    detail: JSON.stringify({ insecure: config.insecure, auditNotRequired: unrecorded }),
  });
  for (const name of config.insecure) logger.warn({ event: 'insecure', optOut: name });
  pool.start(config.issuers);
  attach(relay);

  const checks = (): readonly Check[] => {
    const audit = ledger.health();
    return [
      { name: 'draining', ok: !draining },
      { name: 'audit', ok: audit.ok, ...(audit.problem ? { detail: audit.problem } : {}) },
      ...verifier.states().map((state) => ({
        name: `issuer ${state.issuer}`,
        ok: state.ready,
        ...(state.problem ? { detail: state.problem } : {}),
      })),
    ];
  };
  const admin = http.createServer(
    createManagement({
      checks,
      config: () => ({ hash: config.hash, loadedAt, insecure: config.insecure }),
    }),
  );
  const management =
    config.management === undefined
      ? undefined
      : await listenOn(admin, config.management.listen, 'http');
  log({ event: 'listening', url, ...(management === undefined ? {} : { management }) });

  return {
    url,
    management,
    async stop() {
      draining = true;
      log({ event: 'draining' });
      const stopped = closed(server);
      server.closeIdleConnections();
      await exchanges.drain(DRAIN_MS);
      exchanges.close();
      await refusals.close();
      for (const api of runtime.apis) api.targets.close();
      server.closeAllConnections();
      await stopped;
      pool.retain([]);
      await state.close();
      await ledger.close();
      admin.closeAllConnections();
      if (management !== undefined) await closed(admin);
      log({ event: 'stopped' });
    },
  };
}
