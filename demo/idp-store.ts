import type { Adapter, AdapterPayload } from 'oidc-provider';

interface Entry {
  readonly payload: AdapterPayload;
  readonly expiresAtMs: number;
}

/** At most this many entries are kept; the oldest goes first. */
const capacity = 20_000;

/**
 * Where the demo's identity provider keeps sessions, codes and refresh tokens: in memory, gone at the end.
 *
 * @param now epoch ms
 * @returns the adapter factory that oidc-provider asks for
 */
export function createMemoryStore(now: () => number = Date.now): (model: string) => Adapter {
  const entries = new Map<string, Entry>();

  function read(key: string): AdapterPayload | undefined {
    const entry = entries.get(key);
    if (entry === undefined) return undefined;
    if (entry.expiresAtMs > now()) return entry.payload;
    entries.delete(key);
    return undefined;
  }

  function findWhere(model: string, holds: (payload: AdapterPayload) => boolean) {
    for (const key of entries.keys()) {
      if (!key.startsWith(`${model}:`)) continue;
      const payload = read(key);
      if (payload !== undefined && holds(payload)) return payload;
    }
    return undefined;
  }

  return (model) => ({
    async upsert(id, payload, expiresInSeconds) {
      const expiresAtMs =
        expiresInSeconds === undefined ? Infinity : now() + expiresInSeconds * 1000;
      entries.set(`${model}:${id}`, { payload, expiresAtMs });
      const oldest = entries.keys().next();
      if (entries.size > capacity && oldest.done !== true) entries.delete(oldest.value);
    },
    find: async (id) => read(`${model}:${id}`),
    findByUid: async (uid) => findWhere(model, (payload) => payload.uid === uid),
    findByUserCode: async (code) => findWhere(model, (payload) => payload.userCode === code),
    async consume(id) {
      const payload = read(`${model}:${id}`);
      if (payload !== undefined) payload.consumed = Math.floor(now() / 1000);
    },
    async destroy(id) {
      entries.delete(`${model}:${id}`);
    },
    async revokeByGrantId(grantId) {
      for (const [key, { payload }] of entries) {
        if (key.startsWith(`${model}:`) && payload.grantId === grantId) entries.delete(key);
      }
    },
  });
}
