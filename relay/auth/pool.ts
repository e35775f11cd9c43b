import type { IssuerConfig } from '../config/config.ts';
import type { Introspector } from './introspect.ts';
import type { IssuerKeys } from './jwks.ts';

/** What is kept of issuers from one configuration to the next, so that a reload forgets no key. */
export interface IssuerPool {
  readonly keysOf: (issuer: IssuerConfig) => IssuerKeys;
  readonly introspectorOf: (issuer: IssuerConfig) => Introspector;
  /** Begins to fetch the keys of issuers that are new, or to reach those that introspect; returns at once. */
  readonly start: (issuers: readonly IssuerConfig[]) => void;
  /** Closes what none of these uses. */
  readonly retain: (issuers: readonly IssuerConfig[]) => void;
}

/** How a pool makes what it keeps. */
export interface PoolDeps {
  readonly createKeys: (issuer: IssuerConfig) => IssuerKeys;
  readonly createIntrospector: (issuer: IssuerConfig, keys: IssuerKeys) => Introspector;
}

/** Things by name, each made once and closed when it is not wanted any more. */
interface Shelf<T> {
  readonly take: (issuer: IssuerConfig) => T;
  readonly start: (issuer: IssuerConfig) => void;
  readonly retain: (issuers: readonly IssuerConfig[]) => void;
}

function createShelf<T extends { readonly start: () => void; readonly close: () => void }>(
  nameOf: (issuer: IssuerConfig) => string,
  make: (issuer: IssuerConfig) => T,
): Shelf<T> {
  const kept = new Map<string, T>();
  const started = new Set<string>();
  function take(issuer: IssuerConfig): T {
    const name = nameOf(issuer);
    const found = kept.get(name) ?? make(issuer);
    kept.set(name, found);
    return found;
  }
  return {
    take,
    start(issuer) {
      const name = nameOf(issuer);
      if (started.has(name)) return;
      take(issuer).start();
      started.add(name);
    },
    retain(issuers) {
      const wanted = new Set(issuers.map(nameOf));
      for (const [name, thing] of kept) {
        if (wanted.has(name)) continue;
        thing.close();
        kept.delete(name);
        started.delete(name);
      }
    },
  };
}

/**
 * What keys depend on, and nothing else: a reload that changes an audience, a claim's name or a
 * tolerance must go on with the keys it has, for the issuer may be down.
 */
const keysName = ({ issuer, algorithms, maxStaleMs, metadata }: IssuerConfig): string =>
  JSON.stringify([issuer, algorithms, maxStaleMs, metadata['jwks_uri'] ?? null]);

/** Frozen and built in one order, equal configurations have equal texts. */
const wholeName = (issuer: IssuerConfig): string => JSON.stringify(issuer);

/**
 * Keeps what belongs to issuers: keys for each distinct source of keys, an introspector for each
 * distinct configuration, since its answers depend on all of it.
 *
 * @param deps how entries are made
 * @returns an empty pool
 */
export function createIssuerPool(deps: PoolDeps): IssuerPool {
  const keys = createShelf(keysName, deps.createKeys);
  const introspectors = createShelf(wholeName, (issuer) =>
    deps.createIntrospector(issuer, keys.take(issuer)),
  );
  return {
    keysOf: keys.take,
    introspectorOf: introspectors.take,
    start(issuers) {
      for (const issuer of issuers) {
        // Opaque tokens need no keys, and logout tokens fetch them at first use.
        if (issuer.tokens === 'jwt') keys.start(issuer);
        else introspectors.start(issuer);
      }
    },
    retain(issuers) {
      introspectors.retain(issuers);
      keys.retain(issuers);
    },
  };
}
