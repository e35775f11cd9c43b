import { isIP, type BlockList } from 'node:net';
import { fieldValues, type HeaderList } from './headers.ts';

/**
 * Strips the IPv4-mapped prefix, so that one client has one address.
 *
 * @param address a socket's remote address
 * @returns the plain address, or an empty string when the socket is already gone or a Unix socket
 */
export function plainAddress(address: string | undefined): string {
  if (address === undefined) return '';
  return address.startsWith('::ffff:') ? address.slice(7) : address;
}

function trusts(trusted: BlockList, address: string): boolean {
  const family = isIP(address);
  return family !== 0 && trusted.check(address, family === 6 ? 'ipv6' : 'ipv4');
}

function forwardedFor(raw: HeaderList): string[] {
  const forwarded = fieldValues(raw, 'forwarded');
  if (forwarded.length > 0) {
    return forwarded
      .join(',')
      .split(',')
      .map(
        (element) =>
          /(?:^|;)\s*for="?\[?([0-9a-fA-F.:]+?)\]?(?::[0-9]+)?"?\s*(?:;|$)/i.exec(element)?.[1] ??
          '',
      );
  }
  return fieldValues(raw, 'x-forwarded-for')
    .join(',')
    .split(',')
    .map((part) => part.trim());
}

/**
 * Tells the client's address: the peer, or, when the peer is a trusted proxy, the last address
 * that no trusted proxy has vouched for.
 *
 * @param peer the socket's remote address
 * @param raw the request's fields
 * @param trusted the load balancers whose Forwarded or X-Forwarded-For are believed
 * @returns an IP address, or an empty string for a Unix socket
 * @see RFC 7239 §5.2, §8.1
 */
export function clientAddress(
  peer: string | undefined,
  raw: HeaderList,
  trusted: BlockList | undefined,
): string {
  let address = plainAddress(peer);
  if (trusted === undefined || !trusts(trusted, address)) return address;
  for (const claimed of forwardedFor(raw).toReversed()) {
    if (isIP(claimed) === 0) break;
    address = claimed;
    if (!trusts(trusted, claimed)) break;
  }
  return address;
}

/**
 * The fields that tell the next hop where a request came from.
 *
 * @param from the client's address, the public scheme and authority
 * @returns Forwarded and its X-Forwarded-* cousins, a list of the caller's own
 * @see RFC 7239 §4
 */
export function forwardedFields(from: {
  readonly ip: string;
  readonly proto: 'http' | 'https';
  readonly host: string;
}): string[] {
  const node = from.ip === '' ? 'unknown' : from.ip.includes(':') ? `"[${from.ip}]"` : from.ip;
  return [
    'Forwarded',
    `for=${node};host="${from.host}";proto=${from.proto}`,
    'X-Forwarded-For',
    from.ip === '' ? 'unknown' : from.ip,
    'X-Forwarded-Proto',
    from.proto,
    'X-Forwarded-Host',
    from.host,
  ];
}
