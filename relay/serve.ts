import { setTimeout as sleep } from 'node:timers/promises';
import { pino, type DestinationStream, type Logger } from 'pino';
import { createLedger } from '../audit/ledger.ts';
import { createRefusals } from '../audit/refusals.ts';
import { openManagement } from './admin/listener.ts';
import { createManagement } from './admin/management.ts';
import { openAnomalies } from './anomalies/anomalies.ts';
import { withAnomalies } from './anomalies/management.ts';
import { createIssuerKeys } from './auth/jwks.ts';
import { redactValue } from '../wire/redact.ts';
import { retentionOf } from './audit-retention.ts';
import { createClosers, type Closers } from './closers.ts';
import type { RelayConfig } from './config/config.ts';
import { describeForAudit } from './describe-config.ts';
import { openFront } from './front.ts';
import { listenOn } from './listen.ts';
import { levelOf } from './log-level.ts';
import { managementDeps } from './management-deps.ts';
import { createReloader, type ReloadResult } from './reload.ts';
import type { Common, Serving } from './serving.ts';
import { withShipping } from './shipping/management.ts';
import { openShipping } from './shipping/open-shipping.ts';
import { createState } from './state/create-state.ts';
import { readKeyPair } from './tls.ts';
import { watchFiles } from './watch.ts';
import { createDoor, type Door } from './workers/door.ts';
import { openPrimary } from './workers/primary.ts';

/** A running relay. */
export interface RunningRelay {
  readonly url: string;
  readonly management: string | undefined;
  /** Reads the configuration again, as after SIGHUP; never rejects. */
  reload(): Promise<ReloadResult>;
  /** Starts each worker anew, ready before the old one goes; nothing to do where there is one process. */
  replaceWorkers(): Promise<void>;
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

function createLogger(logTo: DestinationStream | undefined): Logger {
  return pino(
    {
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: {
        level: (level) => ({ level }),
        // Texts of others are in it: what providers, APIs and libraries say of their failures.
        log: (event) => redactValue(event) as Record<string, unknown>,
      },
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

/** Serves in this process. */
async function serveHere(common: Common, closers: Closers): Promise<Serving> {
  const { config, keyPair, log, now } = common;
  const scheme = keyPair === undefined ? 'http' : 'https';
  let door: Door | undefined;
  const front = await openFront(
    {
      ...common,
      createKeys: (issuer) => createIssuerKeys(issuer, { now, fetch, log }),
      shut: () => door?.close(),
      listen(server, inject) {
        const [first, ...others] = config.listen;
        if (others.length === 0 && !config.proxyProtocol)
          return listenOn(server, first, scheme, config.reusePort);
        // Node begins to look for slow requests when a server listens, and this one never does.
        server.emit('listening');
        door = createDoor(inject, { pauseOnConnect: false, reusePort: config.reusePort });
        closers.add(door.close);
        return door.open(config.listen, scheme);
      },
    },
    closers,
  );
  const { url, stage, shared, generations } = front;
  return {
    url,
    stage,
    management: (reloader, draining) =>
      managementDeps({ ...shared, draining }, generations, reloader),
    announce: front.announce,
    drain: front.drain,
  };
}

async function start(
  config: RelayConfig,
  options: StartOptions,
  closers: Closers,
): Promise<RunningRelay> {
  const logger = createLogger(options.logTo);
  const log = (event: Record<string, unknown>): void => logger[levelOf(event)](event);
  const now = Date.now;
  let isDraining = false;
  let stopping: Promise<void> | undefined;
  const keyPair = await readKeyPair(config.tls);

  let inForce = config;
  const ledger = createLedger({
    dir: config.audit.dir,
    side: 'relay',
    ...(config.audit.keyFile === undefined ? {} : { keyFile: config.audit.keyFile }),
    checkpointMs: config.audit.checkpointMs,
    durability: config.audit.durability,
    ip: config.audit.ip,
    retention: () => retentionOf(inForce),
    usesThreads: true,
    onError: (error) => logger.error({ event: 'audit_error', error: String(error) }),
  });
  closers.add(() => ledger.close());
  const anomalies = openAnomalies(config, { ledger, log, now });
  closers.add(() => anomalies.close());
  const state = await createState(config.state, { dir: config.audit.dir, now, log });
  closers.add(() => state.close());
  // Before anybody can be let in under it.
  await ledger.append('config', {
    configHash: config.hash,
    detail: describeForAudit(config, { cause: 'start' }),
  });
  const refusals = createRefusals(ledger, (error) =>
    log({ event: 'audit_error', error: String(error) }),
  );
  closers.add(() => refusals.close());
  const { version } = options;
  const head = (): number => ledger.health().head;
  const shipping = openShipping({ dir: config.audit.dir, head, version, log });
  closers.add(() => shipping.close());
  shipping.use(config.audit.sinks);
  const common: Common = { config, keyPair, ledger, refusals, state, log, now, version };
  const open = config.workers > 1 ? openPrimary : serveHere;
  const { url, stage, announce, drain, replace, management: facts } = await open(common, closers);

  const watch = watchFiles(
    options.load === undefined ? [] : config.files,
    () => void reloader.reload('file'),
  );
  closers.add(() => watch.close());
  const warn = (insecure: RelayConfig['insecure']): void => {
    for (const name of insecure) logger.warn({ event: 'insecure', optOut: name });
  };
  const reloader = createReloader({
    load: options.load ?? (() => Promise.reject(new Error('there is no file to read again'))),
    stage,
    ledger,
    keyPair,
    log,
    now,
    adopted(next) {
      inForce = next;
      watch.update(next.files);
      shipping.use(next.audit.sinks);
      anomalies.configure(next);
      warn(next.insecure);
    },
  });
  closers.add(() => reloader.close());
  warn(config.insecure);

  let management: string | undefined;
  if (config.management !== undefined) {
    const first = config.management;
    const admin = createManagement(
      withAnomalies(
        withShipping(
          facts(reloader, () => isDraining),
          { states: shipping.states, head },
        ),
        anomalies.counts,
      ),
      {
        ledger,
        log,
        now,
        version,
        auditDir: config.audit.dir,
        apis: () => stage.current().apis,
        management: () => stage.current().management ?? first,
        url: () => management ?? '',
      },
    );
    const listener = await openManagement(first, admin.app, log);
    management = listener.url;
    closers.add(async () => {
      await admin.close();
      await listener.close();
    });
  }
  log({
    event: 'listening',
    url,
    ...(management === undefined ? {} : { management }),
    ...(config.workers > 1 ? { workers: config.workers } : {}),
  });

  async function stop(): Promise<void> {
    isDraining = true;
    log({ event: 'draining' });
    // Balancers look at /readyz, and need a moment to see it. Connections that are kept end meanwhile,
    // each after an answer, so that hardly one is left to be closed as its client asks for something.
    announce();
    await sleep(stage.current().drain.delayMs);
    await drain();
    await closers.close();
    log({ event: 'stopped' });
  }

  return {
    url,
    management,
    reload: () => reloader.reload('signal'),
    async replaceWorkers() {
      if (replace === undefined) log({ event: 'replace_refused', problem: 'workers is 1' });
      else await replace();
    },
    stop: () => (stopping ??= stop()),
  };
}
