import { foldName, type HeaderList } from '../wire/headers.ts';
import type { RequestDetails } from './policy/verdict.ts';

/** Fields that hold a secret, or what only the app and the relay tell each other. */
const HIDDEN = new Set(['authorization', 'proxy-authorization', 'cookie', 'dpop']);

/**
 * Reads what conditions may look at: the query's parameters and the header fields.
 *
 * @param raw the request's fields
 * @param query as it stands in the target, with `?`, or empty
 * @returns objects without a prototype, so that no name means more than it says
 */
export function requestDetails(raw: HeaderList, query: string): RequestDetails {
  const headers = Object.create(null) as Record<string, string>;
  for (let index = 0; index + 1 < raw.length; index += 2) {
    const name = (raw[index] as string).toLowerCase();
    const folded = foldName(name);
    if (HIDDEN.has(folded) || folded.startsWith('x-latchkey-')) continue;
    const value = raw[index + 1] as string;
    headers[name] = headers[name] === undefined ? value : `${headers[name]}, ${value}`;
  }
  const parameters = Object.create(null) as Record<string, string[]>;
  for (const [name, value] of new URLSearchParams(query)) (parameters[name] ??= []).push(value);
  return { query: parameters, headers };
}
