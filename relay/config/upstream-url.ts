import { parseHttpUrl } from './addresses.ts';

/** What an API's address may be. */
export const UPSTREAM_FORM =
  'an http or https URL such as https://10.0.0.5:9001 or https://10.0.0.5:9001/base, with a plain path at most, or unix:/path';

const SOCKET = /^unix:\/[^\0]*[^/\0]$/;
const PLAIN_PATH = /^(?:\/(?!\.{1,2}(?:\/|$))[A-Za-z0-9\-._~]+)+$/;

/**
 * Reads an API's address. Its path goes before the paths that policy has judged: it must not be one that
 * can be read in two ways.
 *
 * @param text as configured
 * @returns the address without a trailing slash; undefined for what is none
 */
export function readUpstream(text: string): string | undefined {
  if (SOCKET.test(text)) return text;
  const url = parseHttpUrl(text);
  if (url === undefined) return undefined;
  const written = text.replace(/^https?:\/\/[^/]*/i, '');
  if (written === '' || written === '/') return url.origin;
  return written === url.pathname && PLAIN_PATH.test(written) ? url.origin + written : undefined;
}
