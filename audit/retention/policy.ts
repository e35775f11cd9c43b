/** How long records are kept. */
export interface RetentionPolicy {
  /** Of records of APIs that are not listed, and of those without an API; ms. */
  readonly defaultMs: number;
  /** By the name of the API; ms. */
  readonly apis: Readonly<Record<string, number>>;
}

/** A retention, and how far back it reaches. */
export interface Limit {
  readonly retentionMs: number;
  /** Records older than this have expired; RFC 3339. */
  readonly until: string;
}

/** The limits that hold at one time. */
export interface Limits {
  /** @returns what holds for the records of an API; without one, for the others */
  of(api: string | null | undefined): Limit;
  /** The one that reaches back the least. */
  readonly shortest: Limit;
  /** The one that reaches back the most. */
  readonly longest: Limit;
}

/**
 * Says from when on records have expired.
 *
 * @param policy how long they are kept
 * @param nowMs epoch ms
 * @returns the limits
 */
export function limitsAt(policy: RetentionPolicy, nowMs: number): Limits {
  const limit = (retentionMs: number): Limit => ({
    retentionMs,
    until: new Date(Math.max(0, nowMs - retentionMs)).toISOString(),
  });
  const others = limit(policy.defaultMs);
  const byApi = new Map(Object.entries(policy.apis).map(([api, ms]) => [api, limit(ms)]));
  const all = [others, ...byApi.values()].sort((a, b) => a.retentionMs - b.retentionMs);
  return {
    of: (api) => byApi.get(api ?? '') ?? others,
    shortest: all[0] ?? others,
    longest: all.at(-1) ?? others,
  };
}
