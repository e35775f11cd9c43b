import { BlockList, isIP } from 'node:net';
import type { ListenAddress } from './config.ts';

const HOST_NAME =
  /^(?=.{1,253}$)[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9])?(?:\.[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9])?)*$/;

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8, 'ipv4');
loopback.addAddress('::1', 'ipv6');

/**
 * Tells whether a host is this machine only.
 *
 * @param host a name or an address, IPv6 with or without brackets
 * @returns true for 127.0.0.0/8, ::1, localhost and names below it
 */
export function isLoopbackHost(host: string): boolean {
  const bare = host.replace(/^\[(.*)\]$/, '$1').toLowerCase();
  const family = isIP(bare);
  if (family !== 0) return loopback.check(bare, family === 4 ? 'ipv4' : 'ipv6');
  return bare === 'localhost' || bare.endsWith('.localhost');
}

/**
 * Tells whether a text is a host name (RFC 1123) or an address.
 *
 * @param host lower case; IPv6 in brackets
 * @returns true when it is
 */
export function isHost(host: string): boolean {
  const bracketed = /^\[(.*)\]$/.exec(host);
  if (bracketed) return isIP(bracketed[1] as string) === 6;
  // All digits and dots but no address: a mistyped one.
  return isIP(host) === 4 || (HOST_NAME.test(host) && !/^[0-9.]+$/.test(host));
}

function splitHostPort(text: string): { host: string; port: number } | undefined {
  const [, host, digits] = /^(\[[^\]]*\]|[^:]*):([0-9]{1,5})$/.exec(text) ?? [];
  if (host === undefined || digits === undefined || !isHost(host.toLowerCase())) return undefined;
  const port = Number(digits);
  return port > 65_535 ? undefined : { host: host.toLowerCase(), port };
}

/**
 * Reads where to listen.
 *
 * @param text `host:port`, `[::1]:port` or `unix:/absolute/path`
 * @returns the address, IPv6 without brackets; undefined when it is none
 */
export function parseListen(text: string): ListenAddress | undefined {
  if (text.startsWith('unix:')) {
    const path = text.slice('unix:'.length);
    return /^\/[^\0]+$/.test(path) ? { kind: 'unix', path } : undefined;
  }
  const parts = splitHostPort(text);
  if (!parts) return undefined;
  return { kind: 'tcp', host: parts.host.replace(/^\[(.*)\]$/, '$1'), port: parts.port };
}

/**
 * Reads an authority that a Host field may carry.
 *
 * @param text `host` or `host:port`
 * @returns it in lower case; undefined when it is none
 */
export function parseAuthority(text: string): string | undefined {
  const lower = text.toLowerCase();
  return isHost(lower) || splitHostPort(lower) ? lower : undefined;
}

/** A checked block of addresses. */
export interface Cidr {
  readonly address: string;
  readonly prefix: number;
  readonly family: 'ipv4' | 'ipv6';
}

/**
 * Reads a block of addresses; a lone address is a block of one.
 *
 * @param text `10.0.0.0/8`, `2001:db8::/32`, `192.0.2.7`
 * @returns the block; undefined when it is none, or is IPv4 written as IPv6
 */
export function parseCidr(text: string): Cidr | undefined {
  const [, address, digits] = /^([0-9a-fA-F.:]+)(?:\/([0-9]{1,3}))?$/.exec(text) ?? [];
  const version = address === undefined ? 0 : isIP(address);
  if (address === undefined || version === 0) return undefined;
  // Callers are compared in their IPv4 form, so such a block would never match.
  if (version === 6 && /^(?:0*:){2,}.*ffff:/i.test(address)) return undefined;
  const bits = version === 4 ? 32 : 128;
  const prefix = digits === undefined ? bits : Number(digits);
  return prefix > bits ? undefined : { address, prefix, family: version === 4 ? 'ipv4' : 'ipv6' };
}

/**
 * Reads an absolute http or https URL without userinfo, query and fragment.
 *
 * @param text the URL
 * @returns it parsed; undefined when it is none or holds more
 */
export function parseHttpUrl(text: string): URL | undefined {
  // The URL parser strips or repairs these; what is compared and what is used must be the same text.
  if (!/^https?:\/\/[^\s\\?#@]+$/.test(text) || !URL.canParse(text)) return undefined;
  const url = new URL(text);
  // Nothing listens there.
  return url.port === '0' ? undefined : url;
}
