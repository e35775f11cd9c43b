import { METHODS } from 'node:http';
import type { Target } from './target.ts';

/** In a tunnel nothing could be checked, and TRACE would show the token that we add (RFC 9110 §9.3.6, §9.3.8). */
const NEVER_RELAYED = new Set(['CONNECT', 'TRACE']);

/** The methods that are relayed, all others that the parser knows, as the field `Allow` lists them (RFC 9110 §10.2.1). */
export const ALLOW = METHODS.filter((method) => !NEVER_RELAYED.has(method)).join(', ');

/**
 * Tells whether requests with a method go on to an API.
 *
 * @param target the request's
 * @returns false for those that are answered 405
 */
export function isRelayed({ method }: Pick<Target, 'method'>): boolean {
  return !NEVER_RELAYED.has(method);
}

/**
 * Tells whether a document of our own may be asked for so.
 *
 * @param target the request's
 * @returns true for GET, and for HEAD as for GET (RFC 9110 §9.3.2)
 */
export function isRead({ method }: Pick<Target, 'method'>): boolean {
  return method === 'GET' || method === 'HEAD';
}
