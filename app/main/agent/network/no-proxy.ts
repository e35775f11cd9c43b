import { BlockList, isIP } from 'node:net';

/**
 * Tells whether an address never leaves this computer; no proxy could reach it.
 *
 * @param hostname of a URL
 * @returns true for localhost, names below it, 127.0.0.0/8 and ::1
 */
export function isLoopback(hostname: string): boolean {
  const host = plain(hostname);
  if (host === 'localhost' || host.endsWith('.localhost')) return true;
  const family = isIP(host);
  return family !== 0 && loopback.check(host, family === 4 ? 'ipv4' : 'ipv6');
}

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8, 'ipv4');
loopback.addAddress('::1', 'ipv6');

/**
 * Tells whether `NO_PROXY` lists a URL's host. There is no standard; this is what curl and most others do:
 * a name stands for itself and all below it, with or without a leading dot.
 *
 * @param list comma-separated names, addresses, networks (`10.0.0.0/8`), each perhaps with a port, or `*`
 * @param url the URL
 * @returns true when it is to be reached without a proxy
 */
export function isListed(list: string, url: URL): boolean {
  const host = plain(url.hostname);
  const port = url.port === '' ? (url.protocol === 'https:' ? '443' : '80') : url.port;
  return list.split(/[\s,]+/).some((entry) => entry !== '' && matches(entry, host, port));
}

function matches(entry: string, host: string, port: string): boolean {
  if (entry === '*') return true;
  if (entry.includes('/')) return isInNetwork(entry, host);
  const { name, onlyPort } = split(entry);
  if (onlyPort !== undefined && onlyPort !== port) return false;
  const family = isIP(name);
  if (family !== 0) {
    return isInNetwork(`${name}/${family === 4 ? 32 : 128}`, host);
  }
  const suffix = plain(name.replace(/^\*?\./, ''));
  // An address has no names below it: `4.5` must not match 10.3.4.5.
  return suffix !== '' && (host === suffix || (isIP(host) === 0 && host.endsWith(`.${suffix}`)));
}

function split(entry: string): { readonly name: string; readonly onlyPort?: string } {
  if (isIP(entry) !== 0) return { name: entry };
  const [, name = '', onlyPort] = /^(.*?)(?::(\d+))?$/.exec(entry) ?? [];
  const bare = name.replace(/^\[|\]$/g, '');
  return onlyPort === undefined ? { name: bare } : { name: bare, onlyPort };
}

function isInNetwork(network: string, host: string): boolean {
  const [address = '', bits = ''] = network.split('/');
  const bare = address.replace(/^\[|\]$/g, '');
  const family = isIP(bare);
  const most = family === 4 ? 32 : 128;
  if (family === 0 || isIP(host) === 0 || !/^\d{1,3}$/.test(bits) || Number(bits) > most) {
    return false;
  }
  const block = new BlockList();
  block.addSubnet(bare, Number(bits), family === 4 ? 'ipv4' : 'ipv6');
  return block.check(host, isIP(host) === 4 ? 'ipv4' : 'ipv6');
}

function plain(hostname: string): string {
  return hostname
    .toLowerCase()
    .replace(/^\[|\]$/g, '')
    .replace(/\.$/, '');
}
