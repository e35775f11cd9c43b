import { foldName, responseHeaders, type HeaderList } from '../wire/headers.ts';
import type { RequestDetails } from './policy/verdict.ts';

/** Secrets, what the relay itself says to an API, and what could pass for another request. */
const HIDDEN = new Set([
  'authorization',
  'client-cert',
  'client-cert-chain',
  'cookie',
  'dpop',
  'forwarded',
  'traceparent',
  'tracestate',
  'via',
  'x-real-ip',
  'x-request-id',
  'x-original-url',
  'x-original-host',
  'x-original-path',
  'x-rewrite-url',
  'x-http-method',
  'x-http-method-override',
  'x-method-override',
]);

const isHidden = (folded: string): boolean =>
  HIDDEN.has(folded) || folded.startsWith('x-latchkey-') || folded.startsWith('x-forwarded-');

/**
 * Reads what conditions may look at: the query's parameters and the header fields.
 *
 * @param raw the request's fields
 * @param query as it stands in the target, with `?`, or empty
 * @returns objects without a prototype, so that no name means more than it says
 */
export function requestDetails(raw: HeaderList, query: string): RequestDetails {
  const headers = Object.create(null) as Record<string, string>;
  // What Connection names doesn't reach the API, so it must not decide either; two spellings of a name may be one there.
  const passedOn = responseHeaders(raw, { drop: isHidden, add: [] });
  for (let index = 0; index + 1 < passedOn.length; index += 2) {
    const name = foldName(passedOn[index] as string);
    const value = passedOn[index + 1] as string;
    headers[name] = headers[name] === undefined ? value : `${headers[name]}, ${value}`;
  }
  const parameters = Object.create(null) as Record<string, string[]>;
  for (const [name, value] of new URLSearchParams(query)) (parameters[name] ??= []).push(value);
  return { query: parameters, headers };
}
