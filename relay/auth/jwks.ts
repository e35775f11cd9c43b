import { createHash } from 'node:crypto';
import { RelayError } from '../errors.ts';
import type { IssuerConfig } from '../config/config.ts';
import { discoverJwksUri } from './discovery.ts';
import { fetchJson } from './fetch-json.ts';
import { importKeySet } from './keys.ts';
import type { KeySet } from './keys.ts';

/** What /readyz shows of one issuer. */
export interface IssuerState {
  readonly issuer: string;
  /** True while known keys may serve. */
  readonly ready: boolean;
  readonly keys: number;
  readonly fetchedAtMs?: number;
  /** Why the last fetch failed; absent when it did not. */
  readonly problem?: string;
}

/** What the relay may log of its issuers; no event carries a token or a key. */
export type IssuerEvent =
  | { readonly event: 'issuer_keys'; readonly issuer: string; readonly keys: number }
  | { readonly event: 'issuer_problem'; readonly issuer: string; readonly problem: string }
  | {
      readonly event: 'issuer_key_skipped';
      readonly issuer: string;
      readonly index: number;
      readonly why: string;
    };

/** How often keys are fetched; the defaults suit production, tests shorten them. */
export interface IssuerTiming {
  readonly refreshMs: number;
  readonly rediscoverMs: number;
  readonly retryMinMs: number;
  readonly retryMaxMs: number;
  /** At most one fetch on behalf of tokens in this time. */
  readonly cooldownMs: number;
  readonly timeoutMs: number;
}

/** What of an issuer its keys depend on. */
export type KeySource = Pick<IssuerConfig, 'issuer' | 'algorithms' | 'maxStaleMs' | 'metadata'>;

/** What the keys of an issuer need from outside. */
export interface IssuerDeps {
  readonly now: () => number;
  readonly fetch: typeof globalThis.fetch;
  readonly log?: (event: IssuerEvent) => void;
  /** Told of each attempt, when what came of it is in force; `jwks` is the document where it is a new one. */
  readonly onLoad?: (jwks: unknown) => void;
  /** 0 to 1, for jitter. */
  readonly random?: () => number;
  readonly timing?: Partial<IssuerTiming>;
}

/** The keys of one issuer, kept current in the background. */
export interface IssuerKeys {
  readonly start: () => void;
  readonly close: () => void;
  readonly state: () => IssuerState;
  /** The keys that may serve now; undefined before the first fetch and past max-stale. */
  readonly current: () => KeySet | undefined;
  /** The keys that may serve, after one fetch if none may; throws issuer_unavailable. */
  readonly usable: () => Promise<KeySet>;
  /** Fetches for the sake of a token, at most once in the cooldown, however many ask. */
  readonly refetch: () => Promise<void>;
  /** False while the issuer cannot be reached, so that an unknown kid may be a new one. */
  readonly reachable: () => boolean;
}

const defaults: IssuerTiming = {
  refreshMs: 300_000,
  rediscoverMs: 3_600_000,
  retryMinMs: 1_000,
  retryMaxMs: 60_000,
  cooldownMs: 30_000,
  timeoutMs: 5_000,
};
const maxBytes = 1024 * 1024;

/**
 * Says that an issuer's keys cannot be had, in the words of the refusal.
 *
 * @returns a 503 that asks to come back
 */
export function issuerUnavailable(): RelayError {
  return new RelayError(
    'issuer_unavailable',
    'The keys of the identity provider cannot be fetched at the moment. Your token may be fine: try again shortly.',
  );
}

function createFetcher(
  issuer: KeySource,
  deps: IssuerDeps,
  timing: IssuerTiming,
  signal: AbortSignal,
): () => Promise<unknown> {
  const options = { fetch: deps.fetch, timeoutMs: timing.timeoutMs, maxBytes, signal };
  let found: { readonly uri: string; readonly atMs: number } | undefined;
  return async () => {
    if (found === undefined || deps.now() - found.atMs >= timing.rediscoverMs) {
      const uri = await discoverJwksUri(issuer, (url) =>
        fetchJson(url, { ...options, redirects: 1 }),
      );
      found = { uri, atMs: deps.now() };
    }
    try {
      return await fetchJson(found.uri, { ...options, redirects: 0 });
    } catch (error) {
      // The keys may have moved, so the next attempt asks the metadata again.
      found = undefined;
      throw error;
    }
  };
}

/**
 * Keeps the keys of one issuer: fetched at start and then regularly, one fetch in flight at a time,
 * retried with jittered back-off, the last good ones serving until max-stale.
 *
 * @param issuer the trusted issuer
 * @param deps clock, fetch, log and, for tests, randomness and timing
 * @returns the keys; nothing is fetched before `start` or the first token
 */
export function createIssuerKeys(issuer: KeySource, deps: IssuerDeps): IssuerKeys {
  const timing = { ...defaults, ...deps.timing };
  const random = deps.random ?? Math.random;
  const closing = new AbortController();
  const fetchKeys = createFetcher(issuer, deps, timing, closing.signal);
  let loaded: { keys: KeySet; fingerprint: string; fetchedAtMs: number } | undefined;
  let problem: string | undefined = 'the keys have not been fetched yet';
  let failures = 0;
  let inFlight: Promise<void> | undefined;
  // Apart, so that the first token after an outage leaves the fetch for a new kid unspent.
  const demandedAtMs = { noKeys: Number.NEGATIVE_INFINITY, newKid: Number.NEGATIVE_INFINITY };
  let timer: NodeJS.Timeout | undefined;

  const skipped = (index: number, why: string): void =>
    deps.log?.({ event: 'issuer_key_skipped', issuer: issuer.issuer, index, why });

  /** Returns the document if it was new. */
  async function accept(jwks: unknown): Promise<unknown> {
    const fingerprint = createHash('sha256').update(JSON.stringify(jwks)).digest('base64');
    if (loaded?.fingerprint === fingerprint) {
      loaded.fetchedAtMs = deps.now();
      return undefined;
    }
    const keys = await importKeySet(jwks, issuer.algorithms, skipped);
    loaded = { keys, fingerprint, fetchedAtMs: deps.now() };
    deps.log?.({ event: 'issuer_keys', issuer: issuer.issuer, keys: keys.size });
    return jwks;
  }

  async function load(): Promise<void> {
    try {
      const news = await accept(await fetchKeys());
      problem = undefined;
      failures = 0;
      deps.onLoad?.(news);
    } catch (error) {
      if (closing.signal.aborted) return;
      problem = error instanceof Error ? error.message : 'the fetch failed';
      failures += 1;
      deps.log?.({ event: 'issuer_problem', issuer: issuer.issuer, problem });
      deps.onLoad?.(undefined);
    } finally {
      inFlight = undefined;
      schedule();
    }
  }

  function begin(): void {
    if (!closing.signal.aborted) inFlight ??= load();
  }

  function schedule(): void {
    clearTimeout(timer);
    if (closing.signal.aborted) return;
    // Keys must be refreshed well before they become too stale to serve.
    const regularMs = Math.max(1_000, Math.min(timing.refreshMs, issuer.maxStaleMs / 2));
    const retryMs = Math.min(
      timing.retryMaxMs,
      timing.retryMinMs * 2 ** Math.min(failures - 1, 20),
    );
    const delayMs = (failures === 0 ? regularMs : retryMs) * (0.75 + random() / 2);
    timer = setTimeout(begin, Math.min(delayMs, 2 ** 31 - 1));
    timer.unref();
  }

  function current(): KeySet | undefined {
    if (loaded === undefined) return undefined;
    return deps.now() - loaded.fetchedAtMs <= issuer.maxStaleMs ? loaded.keys : undefined;
  }

  async function demand(reason: keyof typeof demandedAtMs): Promise<void> {
    if (inFlight !== undefined) {
      await inFlight;
      if (problem !== undefined) return;
    }
    const sinceMs = deps.now() - demandedAtMs[reason];
    if (sinceMs < 0 || sinceMs >= timing.cooldownMs) {
      demandedAtMs[reason] = deps.now();
      begin();
    }
    await inFlight;
  }

  async function usable(): Promise<KeySet> {
    if (current() === undefined && inFlight !== undefined) await inFlight;
    if (current() === undefined) await demand('noKeys');
    const keys = current();
    if (keys === undefined) throw issuerUnavailable();
    return keys;
  }

  return {
    start: begin,
    close: () => {
      closing.abort();
      clearTimeout(timer);
    },
    state: () => ({
      issuer: issuer.issuer,
      ready: current() !== undefined,
      keys: loaded?.keys.size ?? 0,
      ...(loaded === undefined ? {} : { fetchedAtMs: loaded.fetchedAtMs }),
      ...(problem === undefined ? {} : { problem }),
    }),
    current,
    usable,
    refetch: () => demand('newKid'),
    reachable: () => problem === undefined,
  };
}
