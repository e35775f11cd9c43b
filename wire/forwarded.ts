import { isIP, type BlockList } from 'node:net';
import { fieldValues, type HeaderList } from './headers.ts';

/** ::ffff:0:0/96 as the URL standard writes it. */
const MAPPED = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/;

/**
 * Writes an address in one way, so that one client has one address; IPv4-mapped ones as IPv4.
 *
 * @param address a socket's remote address, or what a proxy says it is
 * @returns the address, or an empty string where there is none: the socket is gone, or a Unix socket
 */
export function plainAddress(address: string | undefined): string {
  if (address === undefined) return '';
  const bare = address.startsWith('::ffff:') ? address.slice(7) : address;
  const family = isIP(bare);
  if (family === 4) return bare;
  // A zone is of this machine's links, and of no client elsewhere.
  if (isIP(address) === 0 || address.includes('%')) return '';
  const plain = new URL(`http://[${address}]`).hostname.slice(1, -1);
  const [, high, low] = MAPPED.exec(plain) ?? [];
  if (high === undefined || low === undefined) return plain;
  return [high, low]
    .map((part) => Number.parseInt(part, 16))
    .flatMap((part) => [part >> 8, part & 0xff])
    .join('.');
}

function trusts(trusted: BlockList, address: string): boolean {
  const family = isIP(address);
  return family !== 0 && trusted.check(address, family === 6 ? 'ipv6' : 'ipv4');
}

/** `192.0.2.1`, `192.0.2.1:4711`, `[2001:db8::1]`, `[2001:db8::1]:4711`, and IPv6 without brackets. */
function addressOf(node: string): string {
  const [, bracketed, dotted] = /^(?:\[([^\]]*)\]|([0-9.]+))(?::[0-9]{1,5})?$/.exec(node) ?? [];
  const address = bracketed ?? dotted ?? node;
  return isIP(address) === 0 ? '' : plainAddress(address);
}

/** What each proxy says, the nearest last; an empty string where it says nothing that is an address. */
function claims(raw: HeaderList, field: string, nodeOf: (element: string) => string): string[] {
  const values = fieldValues(raw, field);
  if (values.length === 0) return [];
  return values
    .join(',')
    .split(',')
    .map((element) => addressOf(nodeOf(element).trim()));
}

const nodeInForwarded = (element: string): string =>
  /(?:^|;)\s*for=(?:"([^"]*)"|([^;"\s]*))\s*(?:;|$)/i.exec(element)?.slice(1).join('') ?? '';

/** The last address that no trusted proxy has vouched for; an empty string where one vouches for what is none. */
function walk(peer: string, claimed: readonly string[], trusted: BlockList): string {
  let address = peer;
  for (const next of claimed.toReversed()) {
    address = next;
    if (!trusts(trusted, next)) break;
  }
  return address;
}

/**
 * Tells the client's address: the peer, or, when the peer is a trusted proxy, the last address
 * that no trusted proxy has vouched for.
 *
 * Most proxies write one of the two fields and pass the other one on as the client sent it. Where both are there and
 * do not say the same, it is not known which is the client's own word.
 *
 * @param peer the socket's remote address
 * @param raw the request's fields
 * @param trusted the load balancers whose Forwarded or X-Forwarded-For are believed
 * @returns an IP address, or an empty string where it cannot be told, and for a Unix socket
 * @see RFC 7239 §5.2, §8.1
 */
export function clientAddress(
  peer: string | undefined,
  raw: HeaderList,
  trusted: BlockList | undefined,
): string {
  const address = plainAddress(peer);
  if (trusted === undefined || !trusts(trusted, address)) return address;
  const told = [
    claims(raw, 'forwarded', nodeInForwarded),
    claims(raw, 'x-forwarded-for', (element) => element),
  ].filter((each) => each.length > 0);
  const [one, other] = told.map((each) => walk(address, each, trusted));
  if (one === undefined) return address;
  return other === undefined || other === one ? one : '';
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
