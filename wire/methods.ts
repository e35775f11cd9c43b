import type { Target } from './target.ts';

/** The methods that are relayed, as `Allow` lists them; which of these an API takes is its own to say. */
export const RELAYED_METHODS = 'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS';

/**
 * Tells whether a document of our own may be asked for so.
 *
 * @param target the request's
 * @returns true for GET, and for HEAD as for GET (RFC 9110 §9.3.2)
 */
export function isRead({ method }: Pick<Target, 'method'>): boolean {
  return method === 'GET' || method === 'HEAD';
}
