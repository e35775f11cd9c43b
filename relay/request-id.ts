import { createUlids } from '../audit/ulid.ts';
import { fieldValues, type HeaderList } from '../wire/headers.ts';

const ULID = /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/;

/** Gives a request its id, from its fields. */
export type RequestIds = (raw: HeaderList) => string;

/**
 * Names requests: by the ULID that the app sent, so that both audits join on it, unless it is
 * malformed or was used before; then by one of our own.
 *
 * @param remember how many ids are kept to tell repeats
 * @returns a function from a request's fields to its id
 */
export function createRequestIds(remember = 10_000): RequestIds {
  const seen = new Set<string>();
  const ulids = createUlids();
  return (raw) => {
    const sent = fieldValues(raw, 'x-request-id');
    if (sent.length !== 1) return ulids(Date.now());
    const offered = sent[0] as string;
    if (!ULID.test(offered) || seen.has(offered)) return ulids(Date.now());
    seen.add(offered);
    if (seen.size > remember) seen.delete(seen.values().next().value as string);
    return offered;
  };
}
