import { BlockList, isIP } from 'node:net';

/** Says whether an address is in the blocks; undefined when it is no address at all. */
export type Network = (ip: string) => boolean | undefined;

/**
 * Compiles blocks of addresses.
 *
 * @param cidrs checked ones; a lone address is a block of one
 * @returns a test for addresses; IPv4 written as IPv6 counts as IPv4
 */
export function compileNetwork(cidrs: readonly string[]): Network {
  const list = new BlockList();
  for (const cidr of cidrs) {
    const [address = '', prefix] = cidr.split('/');
    const version = isIP(address);
    list.addSubnet(
      address,
      prefix === undefined ? (version === 4 ? 32 : 128) : Number(prefix),
      version === 4 ? 'ipv4' : 'ipv6',
    );
  }
  return (ip) => {
    const bare = ip.replace(/^::ffff:(?=[0-9.]+$)/i, '').replace(/%.*$/, '');
    const version = isIP(bare);
    return version === 0 ? undefined : list.check(bare, version === 4 ? 'ipv4' : 'ipv6');
  };
}
