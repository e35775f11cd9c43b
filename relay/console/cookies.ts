import type { IncomingMessage } from 'node:http';

/** Bound to this very host, to its whole path, and never sent in the clear (RFC 6265bis §4.1.3.2). */
export const SESSION_COOKIE = '__Host-latchkey-console';
/** Ties an attempt to sign in to the browser that began it. */
export const ATTEMPT_COOKIE = '__Host-latchkey-sign-in';
/** Tells the browser that the provider sends back after a sign-out. */
export const SIGN_OUT_COOKIE = '__Host-latchkey-sign-out';

/**
 * Reads a cookie.
 *
 * @param request the request
 * @param name of the cookie
 * @returns its value; undefined when there is none, or more than one
 */
export function readCookie({ headers }: IncomingMessage, name: string): string | undefined {
  const pairs = (headers.cookie ?? '').split(';').map((pair) => pair.trim());
  const [found, ...others] = pairs.filter((pair) => pair.startsWith(`${name}=`));
  return others.length > 0 ? undefined : found?.slice(name.length + 1);
}

/**
 * Writes a cookie that no script sees.
 *
 * @param name of the cookie
 * @param value nothing but base64url; empty deletes it
 * @param sameSite `Lax` lets it come with a link from elsewhere
 * @returns the field's value
 */
export function writeCookie(name: string, value: string, sameSite: 'Strict' | 'Lax'): string {
  const parts = [`${name}=${value}`, 'Path=/', 'Secure', 'HttpOnly', `SameSite=${sameSite}`];
  return (value === '' ? [...parts, 'Max-Age=0'] : parts).join('; ');
}
