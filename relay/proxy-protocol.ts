import type { BlockList, Socket } from 'node:net';
import { isIP } from 'node:net';
import { plainAddress } from '../wire/forwarded.ts';

/** What the first bytes of a connection say. */
export type ProxyHeader =
  | { readonly kind: 'more' }
  | { readonly kind: 'bad' }
  /** `address` is absent where the proxy speaks for itself, or of no address. */
  | { readonly kind: 'header'; readonly bytes: number; readonly address?: string };

const SIGNATURE = Buffer.from('0d0a0d0a000d0a515549540a', 'hex');
const V1 = Buffer.from('PROXY ');
/** With both addresses in full and CRLF. */
const MAX_V1_BYTES = 107;
/** Far above any honest list of TLVs. */
const MAX_V2_BYTES = 4096;
const PORT = /^(?:0|[1-9][0-9]{0,4})$/;
const BAD: ProxyHeader = { kind: 'bad' };
const MORE: ProxyHeader = { kind: 'more' };

function startsAlike(bytes: Buffer, pattern: Buffer): boolean {
  const length = Math.min(bytes.length, pattern.length);
  return bytes.subarray(0, length).equals(pattern.subarray(0, length));
}

function readV1(bytes: Buffer): ProxyHeader {
  const end = bytes.indexOf('\r\n', 0, 'latin1');
  if (end > MAX_V1_BYTES - 2 || (end < 0 && bytes.length >= MAX_V1_BYTES)) return BAD;
  if (end < 0) return MORE;
  const [, family, from, to, fromPort, toPort, ...more] = bytes
    .toString('latin1', 0, end)
    .split(' ');
  if (family === 'UNKNOWN') return { kind: 'header', bytes: end + 2 };
  const version = family === 'TCP4' ? 4 : family === 'TCP6' ? 6 : 0;
  const isWhole =
    version !== 0 &&
    more.length === 0 &&
    isIP(from ?? '') === version &&
    isIP(to ?? '') === version &&
    [fromPort, toPort].every((port) => PORT.test(port ?? '') && Number(port) < 65_536);
  return isWhole ? { kind: 'header', bytes: end + 2, address: plainAddress(from) } : BAD;
}

function addressV2(bytes: Buffer, family: number): string {
  if (family === 1) return bytes.subarray(16, 20).join('.');
  const groups = Array.from({ length: 8 }, (_, at) => bytes.readUInt16BE(16 + 2 * at).toString(16));
  // The URL parser knows the one short form of an address.
  const short = new URL(`http://[${groups.join(':')}]`).hostname.slice(1, -1);
  return mapped(short);
}

/** IPv4 in IPv6 form is the IPv4 client that it is. */
function mapped(address: string): string {
  const [, high, low] = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(address) ?? [];
  if (high === undefined || low === undefined) return address;
  const value = Number.parseInt(high, 16) * 65_536 + Number.parseInt(low, 16);
  return [24, 16, 8, 0].map((shift) => (value >>> shift) & 255).join('.');
}

function withAddress(
  header: Extract<ProxyHeader, { kind: 'header' }>,
  bytes: Buffer,
  family: number,
  length: number,
): ProxyHeader {
  const kind = family >> 4;
  // UNSPEC and Unix sockets have no address to tell.
  if (kind === 0 || kind === 3) return header;
  if (kind > 3 || (family & 15) !== 1 || length < (kind === 1 ? 12 : 36)) return BAD;
  return { ...header, address: addressV2(bytes, kind) };
}

function readV2(bytes: Buffer): ProxyHeader {
  if (bytes.length < 16) return MORE;
  const [versionAndCommand = 0, family = 0] = [bytes[12], bytes[13]];
  const command = versionAndCommand & 15;
  const length = bytes.readUInt16BE(14);
  if (versionAndCommand >> 4 !== 2 || command > 1 || length > MAX_V2_BYTES) return BAD;
  if (bytes.length < 16 + length) return MORE;
  const header = { kind: 'header', bytes: 16 + length } as const;
  // LOCAL: a health check of the proxy itself.
  return command === 0 ? header : withAddress(header, bytes, family, length);
}

/**
 * Reads a PROXY protocol header.
 *
 * @param bytes all that came of the connection so far
 * @returns the header, that more is needed, or that this is none
 * @see The PROXY protocol, versions 1 and 2 (HAProxy), §2
 */
export function readProxyHeader(bytes: Buffer): ProxyHeader {
  if (startsAlike(bytes, SIGNATURE)) return readV2(bytes);
  if (startsAlike(bytes, V1)) return bytes.length < V1.length ? MORE : readV1(bytes);
  return BAD;
}

/** The clients behind the connections of proxies. */
export interface ProxiedPeers {
  /**
   * Reads the header off a connection.
   *
   * @param socket unread
   * @param proceed gets the socket, what follows the header unread; not called where it is refused
   */
  admit(socket: Socket, proceed: (socket: Socket) => void): void;
  /** Whose connection it is: what the header said, else the socket's own other end. */
  of(socket: Pick<Socket, 'remoteAddress' | 'remotePort'>): string;
}

/** An https socket is another object than the one that it wraps: both have the same other end. */
const keyOf = ({ remoteAddress, remotePort }: Pick<Socket, 'remoteAddress' | 'remotePort'>) =>
  `${remoteAddress} ${remotePort}`;

/** Without the protocol: everybody speaks for themselves. */
export const directPeers: ProxiedPeers = {
  admit: (socket, proceed) => proceed(socket),
  of: ({ remoteAddress }) => plainAddress(remoteAddress),
};

/**
 * Takes connections that must begin with a PROXY protocol header, from trusted proxies alone.
 *
 * @param trusted their addresses
 * @param timeoutMs how long a header may take
 * @param refused told of each connection that was closed
 * @returns reads headers, and knows whom they told of
 */
export function createProxiedPeers(
  trusted: () => BlockList | undefined,
  timeoutMs: number,
  refused: () => void,
): ProxiedPeers {
  const peers = new Map<string, string>();

  function isTrusted(address: string): boolean {
    // A Unix socket's other end is this machine, whose file modes decide.
    if (address === '') return true;
    return trusted()?.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4') === true;
  }

  return {
    admit(socket, proceed) {
      const refuse = (): void => {
        clearTimeout(timer);
        refused();
        socket.destroy();
      };
      const timer = setTimeout(refuse, timeoutMs);
      socket.on('error', () => {});
      if (!isTrusted(plainAddress(socket.remoteAddress))) return refuse();
      let bytes = Buffer.alloc(0);
      const onData = (chunk: Buffer): void => {
        bytes = Buffer.concat([bytes, chunk]);
        const header = readProxyHeader(bytes);
        if (header.kind === 'more') return;
        socket.off('data', onData);
        socket.off('end', refuse);
        if (header.kind === 'bad') return refuse();
        clearTimeout(timer);
        socket.pause();
        const key = keyOf(socket);
        if (header.address !== undefined && socket.remoteAddress !== undefined) {
          peers.set(key, header.address);
          socket.on('close', () => peers.delete(key));
        }
        if (bytes.length > header.bytes) socket.unshift(bytes.subarray(header.bytes));
        proceed(socket);
        socket.resume();
        return undefined;
      };
      socket.on('data', onData);
      socket.on('end', refuse);
      socket.on('close', () => clearTimeout(timer));
      socket.resume();
      return undefined;
    },
    of: (socket) => peers.get(keyOf(socket)) ?? plainAddress(socket.remoteAddress),
  };
}
