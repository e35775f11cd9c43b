/** Visible ASCII without `"` and `\`; what follows the scheme is an authority. */
const ADDRESS = /^https?:\/\/[^/?#"\\][\x21\x23-\x5b\x5d-\x7e]*$/i;
const UNRESERVED = /[A-Za-z0-9._~-]/;

function canonicalEscape(escape: string): string {
  const character = String.fromCharCode(Number.parseInt(escape.slice(1), 16));
  return UNRESERVED.test(character) ? character : escape.toUpperCase();
}

function normalised(address: string): string | undefined {
  const url = ADDRESS.test(address) ? URL.parse(address) : null;
  if (url === null || url.username !== '' || url.password !== '') return undefined;
  return url.origin + url.pathname.replaceAll(/%[0-9a-f]{2}/gi, canonicalEscape);
}

/**
 * Tells whether a proof was made for a request: scheme and host compare without case, a default
 * port, query and fragment are ignored, percent-encoding counts by what it means.
 *
 * @param htu what the proof names
 * @param address the public address of the request, with its canonical path
 * @returns false for anything that is no http address
 * @see RFC 9449 §4.3, RFC 3986 §6.2.2, §6.2.3
 */
export function isSameAddress(htu: unknown, address: string): boolean {
  if (typeof htu !== 'string') return false;
  if (htu === address) return true;
  const named = normalised(htu);
  return named !== undefined && named === normalised(address);
}
