import { issuerUnavailable, type IssuerKeys, type KeySource } from '../auth/jwks.ts';
import { importKeySet, type KeySet } from '../auth/keys.ts';
import type { IssuerConfig } from '../config/config.ts';
import type { Calls } from './calls.ts';
import { sourceName } from './key-desk.ts';
import type { KeyNews, PrimaryProcedures } from './procedures.ts';

/** A worker's copies of the keys that the primary fetches. */
export interface RemoteKeys {
  /** Keys of one issuer, for the pool. */
  of(issuer: IssuerConfig): IssuerKeys;
  learn(name: string, news: KeyNews): void;
}

interface Entry {
  readonly keys: IssuerKeys;
  learn(news: KeyNews): void;
}

type Primary = Pick<Calls<PrimaryProcedures>, 'call' | 'tell'>;

function createEntry(
  config: IssuerConfig,
  primary: Primary,
  now: () => number,
  forget: () => void,
): Entry {
  const { issuer, algorithms, maxStaleMs, metadata } = config;
  const source: KeySource = { issuer, algorithms, maxStaleMs, metadata };
  let keys: KeySet | undefined;
  let fetchedAtMs = Number.NEGATIVE_INFINITY;
  let problem: string | undefined = 'the keys have not been fetched yet';
  let isWanted = false;
  /** News are taken over one after the other: importing takes a turn or two. */
  let learning: Promise<void> = Promise.resolve();
  let refetching: Promise<void> | undefined;

  function want(): void {
    if (!isWanted) primary.tell('wantKeys', source);
    isWanted = true;
  }
  async function take(news: KeyNews): Promise<void> {
    // The primary has reported what it left out.
    if (news.jwks !== undefined) keys = await importKeySet(news.jwks, algorithms, () => {});
    if (news.fetchedAtMs !== undefined) fetchedAtMs = news.fetchedAtMs;
    problem = news.problem;
  }
  const current = (): KeySet | undefined => (now() - fetchedAtMs <= maxStaleMs ? keys : undefined);

  async function ask(procedure: 'usableKeys' | 'refetchKeys'): Promise<void> {
    want();
    await primary.call(procedure, source);
    await learning;
  }

  return {
    learn(news) {
      learning = learning.then(() => take(news)).catch(() => {});
    },
    keys: {
      start: want,
      close() {
        if (isWanted) primary.tell('leaveKeys', source);
        isWanted = false;
        forget();
      },
      state: () => ({
        issuer,
        ready: current() !== undefined,
        keys: keys?.size ?? 0,
        ...(keys === undefined ? {} : { fetchedAtMs }),
        ...(problem === undefined ? {} : { problem }),
      }),
      current,
      async usable() {
        const known = current();
        if (known !== undefined) return known;
        await ask('usableKeys');
        const learnt = current();
        if (learnt === undefined) throw issuerUnavailable();
        return learnt;
      },
      async refetch() {
        // However many tokens ask: one question at a time, and the primary keeps to its cooldown.
        refetching ??= ask('refetchKeys').finally(() => {
          refetching = undefined;
        });
        await refetching;
      },
      reachable: () => problem === undefined,
    },
  };
}

/**
 * Keeps a worker's copies of keys. The primary fetches for all, so that an issuer is asked no more
 * often than by one process.
 *
 * @param primary fetches the keys
 * @param now the clock, epoch ms
 * @returns the copies, none yet
 */
export function createRemoteKeys(primary: Primary, now: () => number): RemoteKeys {
  const entries = new Map<string, Entry>();
  return {
    of(issuer) {
      const name = sourceName(issuer);
      const known = entries.get(name);
      if (known !== undefined) return known.keys;
      const entry = createEntry(issuer, primary, now, () => void entries.delete(name));
      entries.set(name, entry);
      return entry.keys;
    },
    learn(name, news) {
      entries.get(name)?.learn(news);
    },
  };
}
