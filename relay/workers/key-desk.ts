import type { IssuerKeys, KeySource } from '../auth/jwks.ts';
import type { IssuerConfig } from '../config/config.ts';
import type { KeyNews } from './procedures.ts';

/** Somebody who wants keys, and hears of them. */
export type KeyReader = (name: string, news: KeyNews) => void;

/** Fetches issuers' keys, once for all processes. */
export interface KeyDesk {
  want(source: KeySource, reader: KeyReader): void;
  leave(source: KeySource, reader: KeyReader): void;
  /** Of a worker that is gone. */
  leaveAll(reader: KeyReader): void;
  usable(source: KeySource): Promise<void>;
  refetch(source: KeySource): Promise<void>;
  /** Keeps the keys of these though nobody should read them for a while: all workers may have died. */
  retain(issuers: readonly IssuerConfig[]): void;
  close(): void;
}

/** Makes the keys of one issuer; `onLoad` hears of each attempt to fetch them, with the set when it is a new one. */
export type KeyMaker = (source: KeySource, onLoad: (jwks: unknown) => void) => IssuerKeys;

interface Shelf {
  readonly keys: IssuerKeys;
  readonly readers: Set<KeyReader>;
  /** The set as it was published. */
  jwks: unknown;
}

/**
 * Names what keys depend on: two configurations of one name share their keys.
 *
 * @param source an issuer, its algorithms, patience and overrides
 * @returns a key for maps
 */
export function sourceName({ issuer, algorithms, maxStaleMs, metadata }: KeySource): string {
  return JSON.stringify([issuer, algorithms, maxStaleMs, metadata['jwks_uri'] ?? null]);
}

function newsOf(keys: IssuerKeys, jwks: unknown): KeyNews {
  const { fetchedAtMs, problem } = keys.state();
  return {
    ...(jwks === undefined ? {} : { jwks }),
    ...(fetchedAtMs === undefined ? {} : { fetchedAtMs }),
    ...(problem === undefined ? {} : { problem }),
  };
}

/**
 * Makes the desk.
 *
 * @param make begins to keep the keys of one issuer
 * @returns the desk, without keys
 */
export function createKeyDesk(make: KeyMaker): KeyDesk {
  const shelves = new Map<string, Shelf>();
  let retained = new Set<string>();

  function shelfOf(source: KeySource): Shelf {
    const name = sourceName(source);
    const known = shelves.get(name);
    if (known !== undefined) return known;
    const shelf: Shelf = {
      readers: new Set(),
      jwks: undefined,
      keys: make(source, (jwks) => {
        if (jwks !== undefined) shelf.jwks = jwks;
        const news = newsOf(shelf.keys, jwks);
        for (const reader of shelf.readers) reader(name, news);
      }),
    };
    shelves.set(name, shelf);
    shelf.keys.start();
    return shelf;
  }

  function tidy(): void {
    for (const [name, { readers, keys }] of shelves) {
      if (readers.size > 0 || retained.has(name)) continue;
      keys.close();
      shelves.delete(name);
    }
  }

  return {
    want(source, reader) {
      const { readers, keys, jwks } = shelfOf(source);
      readers.add(reader);
      if (jwks !== undefined || keys.state().fetchedAtMs !== undefined)
        reader(sourceName(source), newsOf(keys, jwks));
    },
    leave(source, reader) {
      shelves.get(sourceName(source))?.readers.delete(reader);
      tidy();
    },
    leaveAll(reader) {
      for (const { readers } of shelves.values()) readers.delete(reader);
      tidy();
    },
    async usable(source) {
      await shelfOf(source).keys.usable();
    },
    refetch: (source) => shelfOf(source).keys.refetch(),
    retain(issuers) {
      retained = new Set(issuers.map(sourceName));
      tidy();
    },
    close() {
      for (const { keys } of shelves.values()) keys.close();
      shelves.clear();
    },
  };
}
