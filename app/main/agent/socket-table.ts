import { isIPv4, isIPv6 } from 'node:net';
import { endianness } from 'node:os';

/** The kernel's two tables of TCP sockets, under `/proc/net`. */
export const SOCKET_TABLES = ['tcp', 'tcp6'] as const;

/** A table's name. */
export type SocketTable = (typeof SOCKET_TABLES)[number];

/** One socket, as the kernel lists it. */
export interface SocketRow {
  /** Local and remote end, each `ADDRESS:PORT` in the table's hexadecimal form. */
  readonly ends: string;
  /** The TCP state, two hexadecimal digits. */
  readonly state: string;
  readonly uid: number;
  /** `0` once no process holds the socket. */
  readonly inode: string;
}

/**
 * Finds the ends in a row, at a fraction of the cost of {@link readRow}.
 *
 * @param line a line of a table
 * @returns `local remote`, empty when the line is no row
 */
export function endsOf(line: string): string {
  const from = line.indexOf(': ') + 2;
  const middle = line.indexOf(' ', from);
  return from < 2 || middle < 0 ? '' : line.slice(from, line.indexOf(' ', middle + 1));
}

/**
 * Reads a row: `sl local remote st queues timer retransmits uid timeout inode …`.
 *
 * @param line a line of a table
 * @returns the socket, or `undefined` when the line is no row
 */
export function readRow(line: string): SocketRow | undefined {
  const [sl, local, remote, state, , , , uid, , inode] = line.trim().split(/\s+/);
  if (!sl?.endsWith(':') || state === undefined || inode === undefined) return undefined;
  if (!/^\d+$/.test(inode) || !/^\d+$/.test(uid ?? '')) return undefined;
  return { ends: `${local} ${remote}`, state, uid: Number(uid), inode };
}

/**
 * Writes an end of a connection as a table has it. A socket of the IPv6 family that speaks IPv4 stands
 * in `tcp6`, with its address mapped.
 *
 * @param address an IP address
 * @param port the port
 * @param table which table's form
 * @returns `ADDRESS:PORT`, or `undefined` where such an address has no place in the table
 * @see RFC 4291 §2.5.5.2
 */
export function endIn(address: string, port: number, table: SocketTable): string | undefined {
  const six = bytesOf(address);
  const isMapped = six?.slice(0, 12).join() === MAPPED.join();
  if (six === undefined || (table === 'tcp' && !isMapped)) return undefined;
  return `${words(table === 'tcp' ? six.slice(12) : six)}:${hex(port, 4)}`;
}

const MAPPED = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255];

const hex = (value: number, digits: number): string =>
  value.toString(16).toUpperCase().padStart(digits, '0');

/** The kernel prints each 32 bits as a number of this machine's. */
function words(bytes: readonly number[]): string {
  let text = '';
  for (let at = 0; at < bytes.length; at += 4) {
    const word = bytes.slice(at, at + 4);
    text += (endianness() === 'LE' ? word.toReversed() : word).map((byte) => hex(byte, 2)).join('');
  }
  return text;
}

/** The 16 bytes of an address, one of IPv4 mapped. */
function bytesOf(address: string): number[] | undefined {
  if (isIPv4(address)) return [...MAPPED, ...address.split('.').map(Number)];
  if (!isIPv6(address)) return undefined;
  const [plain = ''] = address.split('%');
  const tail = plain.slice(plain.lastIndexOf(':') + 1);
  const groups = isIPv4(tail) ? plain.slice(0, -tail.length) + asGroups(tail) : plain;
  const [head = '', rest] = groups.split('::');
  const before = groupBytes(head);
  const after = groupBytes(rest ?? '');
  return [...before, ...Array<number>(16 - before.length - after.length).fill(0), ...after];
}

function asGroups(dotted: string): string {
  const [a = 0, b = 0, c = 0, d = 0] = dotted.split('.').map(Number);
  return `${hex(a * 256 + b, 1)}:${hex(c * 256 + d, 1)}`;
}

function groupBytes(groups: string): number[] {
  if (groups === '') return [];
  return groups.split(':').flatMap((group) => {
    const value = Number.parseInt(group, 16);
    return [Math.floor(value / 256), value % 256];
  });
}
