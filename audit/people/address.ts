import { isIP } from 'node:net';

/** How much of a client's address is recorded. */
export type AddressDetail = 'full' | 'truncated' | 'none';

/**
 * Reduces a client's address to what may be recorded.
 *
 * @param ip an IPv4 or IPv6 address
 * @param detail `truncated` keeps the network: /24 of IPv4, /48 of IPv6
 * @returns the address, its network's first address, or nothing; anything that is no address stays out unless
 *   all is recorded
 */
export function recordedAddress(ip: string, detail: AddressDetail): string | undefined {
  if (detail === 'full') return ip;
  if (detail === 'none') return undefined;
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(ip)?.[1];
  if (mapped !== undefined) return recordedAddress(mapped, detail);
  switch (isIP(ip)) {
    case 4:
      return ip.replace(/\d+$/, '0');
    case 6:
      return network48(ip);
    default:
      return undefined;
  }
}

/** The first three groups; the URL parser writes the rest in the shortest form (RFC 5952). */
function network48(ip: string): string | undefined {
  const [address = ''] = ip.split('%');
  const [head = '', tail] = address.split('::');
  const groups = head === '' ? [] : head.split(':');
  const after = tail === undefined || tail === '' ? [] : tail.split(':');
  const missing = tail === undefined ? 0 : 8 - groups.length - after.length;
  const whole = [...groups, ...Array.from({ length: Math.max(0, missing) }, () => '0'), ...after];
  const { hostname } = new URL(`http://[${whole.slice(0, 3).join(':')}::]`);
  return hostname.slice(1, -1);
}
