import { isDeepStrictEqual } from 'node:util';
import type { Ledger } from '../audit/ledger.ts';
import type { RelayConfig } from './config/config.ts';
import { ConfigError, formatFault, type ConfigFault } from './config/faults.ts';
import { describeForAudit } from './describe-config.ts';
import { readKeyPair, sameKeyPair, type KeyPair } from './tls.ts';

/** What asked for a reload. */
export type ReloadCause = 'signal' | 'file' | 'management' | 'retry';

/** A reload that found no fault. */
interface Reloaded {
  readonly kind: 'reloaded';
  readonly hash: string;
  /** Whether anything took effect: the file, a secret or the certificate. */
  readonly changed: boolean;
}

/** What came of a reload. */
export type ReloadResult =
  Reloaded | { readonly kind: 'refused'; readonly faults: readonly ConfigFault[] };

/** The last reload, when it was refused. */
export interface ReloadFailure {
  readonly atMs: number;
  readonly faults: readonly ConfigFault[];
}

/** Puts new configurations into effect, one at a time. */
export interface Reloader {
  /** Never rejects; what is refused changes nothing. */
  reload(cause: ReloadCause): Promise<ReloadResult>;
  lastFailure(): ReloadFailure | undefined;
  /** Refuses what comes, and waits for what is under way. */
  close(): Promise<void>;
}

/** Where configurations take effect, in two steps: here, or in every process that serves. */
export interface Stage {
  /** The one in effect. */
  current(): RelayConfig;
  /**
   * Compiles the next, and waits a bounded time for the keys of issuers that are new; nothing else
   * changes yet.
   *
   * @throws {Error} something of it cannot be compiled
   */
  prepare(config: RelayConfig, keyPair: KeyPair | undefined): Promise<void>;
  /** Puts what was prepared into effect. */
  adopt(): void | Promise<void>;
  /** Forgets what was prepared in vain. */
  discard(): void;
}

/** What a reload works on. */
export interface ReloaderDeps {
  /** Reads and checks the file; throws ConfigError. */
  readonly load: () => Promise<RelayConfig>;
  readonly stage: Stage;
  readonly ledger: Pick<Ledger, 'append'>;
  /** What the listener now shows. */
  readonly keyPair: KeyPair | undefined;
  /** Told of each configuration that took effect. */
  readonly adopted: (config: RelayConfig) => void;
  readonly log: (event: Record<string, unknown>) => void;
  readonly now: () => number;
  /** After how long a refused reload is tried again; default 10 s. */
  readonly retryMs?: number;
}

/** What a running process is bound to. */
const FIXED: readonly (readonly [path: string, of: (config: RelayConfig) => unknown])[] = [
  ['listen', (config) => config.listen],
  ['tls', (config) => config.tls === undefined],
  ['tls.clientCertificates', (config) => config.tls?.clientCertificates],
  ['management.listen', (config) => config.management?.listen],
  ['management.tls', (config) => config.management?.tls],
  ['audit.dir', (config) => config.audit.dir],
  ['audit.keyFile', (config) => config.audit.keyFile],
  ['audit.ip', (config) => config.audit.ip],
  ['audit.checkpoint', (config) => config.audit.checkpointMs],
  ['audit.durability', (config) => config.audit.durability],
  ['state', (config) => config.state],
  ['workers', (config) => config.workers],
  ['proxyProtocol', (config) => config.proxyProtocol],
  ['reusePort', (config) => config.reusePort],
];

const atFile = (config: RelayConfig, path: string, message: string): ConfigFault => ({
  file: config.files[0] ?? 'relay.yaml',
  line: 1,
  column: 1,
  path,
  message,
});

function checkFixed(before: RelayConfig, after: RelayConfig): void {
  const faults = FIXED.filter(([, of]) => !isDeepStrictEqual(of(before), of(after))).map(([path]) =>
    atFile(
      after,
      path,
      'cannot change while the relay runs; restart it, or put the old value back',
    ),
  );
  if (faults.length > 0) throw new ConfigError(faults);
}

function faultsOf(error: unknown, config: RelayConfig): readonly ConfigFault[] {
  if (error instanceof ConfigError) return error.faults;
  const message = error instanceof Error ? error.message : 'unknown';
  return [atFile(config, '(reload)', `the reload failed: ${message}`)];
}

/**
 * Makes the reloader. A configuration is read, checked, compiled and recorded before it takes
 * effect, and takes effect in one step; requests under way finish under the one they began under.
 *
 * @param deps what is reloaded, and what hears of it
 * @returns the reloader
 */
export function createReloader(deps: ReloaderDeps): Reloader {
  const { stage, ledger, log, now, retryMs = 10_000 } = deps;
  let { keyPair } = deps;
  let failure: ReloadFailure | undefined;
  let retry: NodeJS.Timeout | undefined;
  let closed = false;
  let running: Promise<unknown> = Promise.resolve();
  /** A reload that has not begun yet reads what is there then: whoever comes meanwhile shares it. */
  let waiting: Promise<ReloadResult> | undefined;

  async function putInto(config: RelayConfig, pair: KeyPair | undefined, cause: ReloadCause) {
    const before = stage.current();
    try {
      await stage.prepare(config, pair);
      if (closed) throw new Error('the relay is stopping');
      await ledger.append('config', {
        configHash: config.hash,
        detail: describeForAudit(config, {
          cause,
          certificate: sameKeyPair(keyPair, pair) ? 'unchanged' : 'replaced',
          ...(before.hash === config.hash ? {} : { before: before.hash }),
        }),
      });
      keyPair = pair;
      await stage.adopt();
    } catch (error) {
      stage.discard();
      throw error;
    }
    deps.adopted(config);
  }

  async function attempt(cause: ReloadCause): Promise<Reloaded> {
    if (closed) throw new Error('the relay is stopping');
    const config = await deps.load();
    const before = stage.current();
    checkFixed(before, config);
    const pair = await readKeyPair(config.tls);
    const changed = !isDeepStrictEqual(before, config) || !sameKeyPair(keyPair, pair);
    if (changed) await putInto(config, pair, cause);
    return { kind: 'reloaded', hash: config.hash, changed };
  }

  function refused(error: unknown, cause: ReloadCause): ReloadResult {
    const faults = faultsOf(error, stage.current());
    const known = isDeepStrictEqual(faults, failure?.faults);
    failure = { atMs: now(), faults };
    if (!known || cause !== 'retry')
      log({ event: 'reload_failed', cause, faults: faults.map(formatFault) });
    // What it waits for may be no file that is watched: a secret still to come, room on a disk.
    if (!closed) retry = setTimeout(() => void reload('retry'), retryMs).unref();
    return { kind: 'refused', faults };
  }

  async function run(cause: ReloadCause): Promise<ReloadResult> {
    clearTimeout(retry);
    try {
      const result = await attempt(cause);
      failure = undefined;
      // A file that was touched, or a change that somebody asked to be read, is no event.
      if (result.changed || cause === 'signal' || cause === 'management')
        log({ event: 'reloaded', cause, hash: result.hash, changed: result.changed });
      return result;
    } catch (error) {
      return refused(error, cause);
    }
  }

  function reload(cause: ReloadCause): Promise<ReloadResult> {
    waiting ??= running.then(() => {
      waiting = undefined;
      const begun = run(cause);
      running = begun;
      return begun;
    });
    return waiting;
  }

  return {
    reload,
    lastFailure: () => failure,
    async close() {
      closed = true;
      clearTimeout(retry);
      await (waiting ?? running);
    },
  };
}
