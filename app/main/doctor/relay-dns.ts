import type { Check, CheckContext, Found } from './check.ts';
import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';

/** Does the relay's name lead to addresses? */
export const relayDnsCheck: Check = {
  name: 'relay-dns',
  needs: ['relay-address'],
  todo: 'Check the address for typing errors and the network (or VPN, if your company’s names need one).',
  run: checkRelayDns,
};

async function checkRelayDns({ facts: { relay }, network }: CheckContext): Promise<Found> {
  if (!relay) return { outcome: 'skip', detail: 'no relay' };
  const host = relay.hostname.replace(/^\[|\]$/g, '');
  if (isIP(host)) return { outcome: 'ok', detail: `${host} is an address, not a name` };
  const way = network.relayPath.way(relay);
  if (way.startsWith('refused')) {
    return { outcome: 'fail', detail: `the proxy is ${way}`, todo: 'Correct network.proxy.' };
  }
  if (way !== 'direct' && way !== 'unknown') {
    return { outcome: 'ok', detail: `${host} is looked up by the proxy (${way})` };
  }
  try {
    const addresses = await lookup(host, { all: true });
    const list = addresses.map(({ address }) => address).join(', ');
    return { outcome: 'ok', detail: `${host} is ${list}` };
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    const reason =
      code === 'ENOTFOUND' ? 'there is no such name' : 'the name service does not answer';
    // A proxy script has yet to say whether this computer needs the name at all.
    const outcome = way === 'direct' ? 'fail' : 'warn';
    return { outcome, detail: `${host}: ${reason} (${String(code)})` };
  }
}
