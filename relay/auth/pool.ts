import type { IssuerConfig } from '../config/config.ts';
import type { Introspector } from './introspect.ts';
import type { IssuerKeys } from './jwks.ts';

/** What is kept of issuers from one configuration to the next, so that a reload forgets no key. */
export interface IssuerPool {
  readonly keysOf: (issuer: IssuerConfig) => IssuerKeys;
  readonly introspectorOf: (issuer: IssuerConfig) => Introspector;
  /** Begins to fetch the keys of issuers that are new; returns at once. */
  readonly start: (issuers: readonly IssuerConfig[]) => void;
  /** Closes what none of these uses. */
  readonly retain: (issuers: readonly IssuerConfig[]) => void;
}

/** How a pool makes what it keeps. */
export interface PoolDeps {
  readonly createKeys: (issuer: IssuerConfig) => IssuerKeys;
  readonly createIntrospector: (issuer: IssuerConfig, keys: IssuerKeys) => Introspector;
}

interface Entry {
  readonly keys: IssuerKeys;
  introspector?: Introspector;
  started: boolean;
}

/** Frozen and built in one order, equal configurations have equal texts. */
const nameOf = (issuer: IssuerConfig): string => JSON.stringify(issuer);

/**
 * Keeps what belongs to issuers; one entry for each distinct configuration.
 *
 * @param deps how entries are made
 * @returns an empty pool
 */
export function createIssuerPool(deps: PoolDeps): IssuerPool {
  const entries = new Map<string, Entry>();

  function entryOf(issuer: IssuerConfig): Entry {
    const name = nameOf(issuer);
    const found = entries.get(name) ?? { keys: deps.createKeys(issuer), started: false };
    entries.set(name, found);
    return found;
  }

  return {
    keysOf: (issuer) => entryOf(issuer).keys,
    introspectorOf(issuer) {
      const entry = entryOf(issuer);
      entry.introspector ??= deps.createIntrospector(issuer, entry.keys);
      return entry.introspector;
    },
    start(issuers) {
      for (const issuer of issuers) {
        const entry = entryOf(issuer);
        // Opaque tokens need no keys, and logout tokens fetch them at first use.
        if (entry.started || issuer.tokens !== 'jwt') continue;
        entry.started = true;
        entry.keys.start();
      }
    },
    retain(issuers) {
      const kept = new Set(issuers.map(nameOf));
      for (const [name, { keys, introspector }] of entries) {
        if (kept.has(name)) continue;
        keys.close();
        introspector?.close();
        entries.delete(name);
      }
    },
  };
}
