import type { Check } from './check.ts';
import { networkInterfaces } from 'node:os';

/** Has this computer an IPv6 loopback address? */
export const ipv6LoopbackCheck: Check = {
  name: 'ipv6-loopback',
  todo: 'Nothing, unless a tool asks for [::1]: let it use 127.0.0.1.',
  run() {
    const addresses = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
    if (addresses.some(({ address }) => address === '::1')) {
      return { outcome: 'ok', detail: '::1 is there' };
    }
    return {
      outcome: 'warn',
      detail: 'this computer has no ::1; Latchkey listens on 127.0.0.1 alone',
    };
  },
};
