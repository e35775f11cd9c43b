import type { AuditRecord } from '../record.ts';
import { nameOf, personKey } from './person-name.ts';
import type { DenialReport, PersonName } from './shape.ts';

/** Strangers have as many addresses as they like. */
const MAX_SOURCES = 1000;
const OTHERS = 'others';
const UNNAMED = 'unknown';

interface Row {
  readonly person: PersonName;
  readonly api: string | null;
  count: number;
}

interface Reason {
  count: number;
  readonly people: Map<string, Row>;
  readonly sources: Map<string, number>;
}

/** Collects refusals by their reason. */
export interface Denials {
  add(record: AuditRecord): void;
  /** @returns the reasons, the most frequent first */
  list(): DenialReport[];
}

const byCount = (a: { readonly count: number }, b: { readonly count: number }): number =>
  b.count - a.count;

/**
 * Makes an empty collection.
 *
 * @returns the collection
 */
export function createDenials(): Denials {
  const reasons = new Map<string, Reason>();

  function reasonOf(code: string): Reason {
    let reason = reasons.get(code);
    if (reason === undefined) {
      reason = { count: 0, people: new Map(), sources: new Map() };
      reasons.set(code, reason);
    }
    return reason;
  }

  return {
    add(record) {
      const { api = null, code = UNNAMED, count = 1 } = record;
      const reason = reasonOf(code);
      reason.count += count;
      const who = personKey(record);
      if (who === undefined) {
        const { sources } = reason;
        const ip = record.ip ?? UNNAMED;
        const source = sources.has(ip) || sources.size < MAX_SOURCES ? ip : OTHERS;
        sources.set(source, (sources.get(source) ?? 0) + count);
        return;
      }
      const key = JSON.stringify([who, api]);
      const row = reason.people.get(key) ?? { person: nameOf(record), api, count: 0 };
      row.count += count;
      reason.people.set(key, row);
    },
    list: () =>
      [...reasons]
        .map(([code, { count, people, sources }]) => ({
          code,
          count,
          people: [...people.values()]
            .map(({ person, ...rest }) => ({ ...person, ...rest }))
            .toSorted(byCount),
          sources: [...sources].map(([ip, count]) => ({ ip, count })).toSorted(byCount),
        }))
        .toSorted(byCount),
  };
}
