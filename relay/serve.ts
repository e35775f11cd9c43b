import http from 'node:http';
import type { Server } from 'node:net';
import { pino, type DestinationStream, type Logger } from 'pino';
import { createLedger } from '../audit/ledger.ts';
import { createRefusals } from '../audit/refusals.ts';
import { createManagement } from './admin/management.ts';
import { createProofChecker } from './auth/dpop.ts';
import { createIntrospector } from './auth/introspect.ts';
import { createIssuerKeys } from './auth/jwks.ts';
import { createNonces } from './auth/nonces.ts';
import { createIssuerPool } from './auth/pool.ts';
import { createClosers } from './closers.ts';
import type { RelayConfig } from './config/config.ts';
import { describeForAudit } from './describe-config.ts';
import { createExchanges } from './exchanges.ts';
import { createGenerations, type Shared } from './generation.ts';
import { listenOn } from './listen.ts';
import { managementDeps } from './management-deps.ts';
import { createMetrics } from './metrics.ts';
import { createReloader, type ReloadResult } from './reload.ts';
import { createRequestIds } from './request-id.ts';
import { createPublicServer } from './server.ts';
import { createState } from './state/create-state.ts';
import { readKeyPair } from './tls.ts';
import { warmUp } from './warm-up.ts';
import { watchFiles } from './watch.ts';

/** How long open exchanges may go on after the signal to stop. */
const DRAIN_MS = 10_000;

/** A running relay. */
export interface RunningRelay {
  readonly url: string;
  readonly management: string | undefined;
  /** Reads the configuration again, as after SIGHUP; never rejects. */
  reload(): Promise<ReloadResult>;
  /** Drains and closes everything, in reverse order. */
  stop(): Promise<void>;
}

/** How a relay is started. */
export interface StartOptions {
  /** For the metadata. */
  readonly version: string;
  /** Receives the log in place of stdout. */
  readonly logTo?: DestinationStream;
  /** Reads the configuration again; without it the relay cannot be reloaded. */
  readonly load?: () => Promise<RelayConfig>;
}

const closed = (server: Server): Promise<void> =>
  new Promise((resolve) => {
    server.close(() => resolve());
  });

function createLogger(logTo: DestinationStream | undefined): Logger {
  return pino(
    {
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (level) => ({ level }) },
    },
    logTo ?? pino.destination({ dest: 1, sync: true }),
  );
}

/**
 * Starts the relay: audit, shared state, issuers, listeners, in this order.
 *
 * @param config a checked configuration
 * @param options version, log, and how the configuration is read again
 * @returns the running relay
 * @throws {AuditError} when the audit cannot be opened; the bind's error when a port is taken
 * @throws {ConfigError} the certificate and its key do not fit
 */
export async function startRelay(
  config: RelayConfig,
  options: StartOptions,
): Promise<RunningRelay> {
  const closers = createClosers();
  try {
    return await start(config, options, closers);
  } catch (error) {
    await closers.close();
    throw error;
  }
}

async function start(
  config: RelayConfig,
  options: StartOptions,
  closers: ReturnType<typeof createClosers>,
): Promise<RunningRelay> {
  const logger = createLogger(options.logTo);
  const log = (event: Record<string, unknown>): void => logger.info(event);
  const now = Date.now;
  let isDraining = false;
  const keyPair = await readKeyPair(config.tls);

  const ledger = createLedger({
    dir: config.audit.dir,
    side: 'relay',
    checkpointMs: config.audit.checkpointMs,
    onError: (error) => logger.error({ event: 'audit_error', error: String(error) }),
  });
  closers.add(() => ledger.close());
  const issuerDeps = { now, fetch, log };
  const pool = createIssuerPool({
    createKeys: (issuer) => createIssuerKeys(issuer, issuerDeps),
    createIntrospector: (issuer) => createIntrospector(issuer, issuerDeps),
  });
  const state = await createState(config.state, { dir: config.audit.dir, now, log });
  closers.add(() => state.close());
  const nonces = createNonces(await state.secret('dpop-nonce'), now);
  const exchanges = createExchanges(now, state);
  closers.add(() => exchanges.close());
  const refusals = createRefusals(ledger, (error) =>
    log({ event: 'audit_error', error: String(error) }),
  );
  closers.add(() => refusals.close());

  const { server, attach, reconfigure } = createPublicServer(config, keyPair);
  const url = await listenOn(server, config.listen, keyPair === undefined ? 'http' : 'https');
  closers.add(() => {
    server.closeAllConnections();
    return closed(server);
  });
  const shared: Shared = {
    pool,
    state,
    nonces,
    ledger,
    exchanges,
    refusals,
    log,
    now,
    proofs: createProofChecker({ nonces, state, now }),
    metrics: createMetrics({ now, processDefaults: config.management !== undefined }),
    nextRequestId: createRequestIds(),
    draining: () => isDraining,
    version: options.version,
    listenUrl: url.startsWith('unix:') ? 'http://localhost' : url,
  };
  const generations = createGenerations(config, shared);
  closers.add(() => generations.close());
  const watched = options.load === undefined ? [] : config.files;
  const watch = watchFiles(watched, () => void reloader.reload('file'));
  closers.add(() => watch.close());
  const warn = (insecure: RelayConfig['insecure']): void => {
    for (const name of insecure) logger.warn({ event: 'insecure', optOut: name });
  };
  const reloader = createReloader({
    load: options.load ?? (() => Promise.reject(new Error('there is no file to read again'))),
    generations,
    ledger,
    keyPair,
    reconfigure,
    log,
    now,
    warmUp: (next) => warmUp(pool, next.issuers),
    adopted(next) {
      watch.update(next.files);
      warn(next.insecure);
    },
  });
  closers.add(() => reloader.close());
  await ledger.append('config', {
    configHash: config.hash,
    detail: describeForAudit(config, { cause: 'start' }),
  });
  warn(config.insecure);
  pool.start(config.issuers);
  attach({
    serve: (request, response) => generations.current().relay.serve(request, response),
    upgrade: (request, socket) => generations.current().relay.upgrade(request, socket),
    unparsable: (status, ip) => generations.current().relay.unparsable(status, ip),
  });

  const admin = http.createServer(createManagement(managementDeps(shared, generations, reloader)));
  const management =
    config.management === undefined
      ? undefined
      : await listenOn(admin, config.management.listen, 'http');
  closers.add(async () => {
    admin.closeAllConnections();
    if (management !== undefined) await closed(admin);
  });
  log({ event: 'listening', url, ...(management === undefined ? {} : { management }) });

  return {
    url,
    management,
    reload: () => reloader.reload('signal'),
    async stop() {
      isDraining = true;
      log({ event: 'draining' });
      server.close();
      server.closeIdleConnections();
      await exchanges.drain(DRAIN_MS);
      await closers.close();
      log({ event: 'stopped' });
    },
  };
}
