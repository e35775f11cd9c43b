/** Visible ASCII without `"` and `\`; what follows the scheme is an authority. */
const ADDRESS = /^https?:\/\/[^/?#"\\][\x21\x23-\x5b\x5d-\x7e]*$/i;
const UNRESERVED = /[A-Za-z0-9._~-]/;

function canonicalEscape(escape: string): string {
  const character = String.fromCharCode(Number.parseInt(escape.slice(1), 16));
  return UNRESERVED.test(character) ? character : escape.toUpperCase();
}

/**
 * Writes an address in the one way in which addresses are compared: scheme and host in lower case,
 * no default port, percent-encoding in its canonical form, neither query nor fragment.
 *
 * @param address what a proof names, or the address of the request
 * @returns the normalised address; undefined for anything that is no http address
 * @see RFC 9449 §4.3, RFC 3986 §6.2.2, §6.2.3
 */
export function normalisedAddress(address: unknown): string | undefined {
  if (typeof address !== 'string' || !ADDRESS.test(address)) return undefined;
  const url = URL.parse(address);
  if (url === null || url.username !== '' || url.password !== '') return undefined;
  return url.origin + url.pathname.replaceAll(/%[0-9a-f]{2}/gi, canonicalEscape);
}
