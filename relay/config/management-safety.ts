import { isLoopbackHost, parseHttpUrl, parseListen } from './addresses.ts';
import type { RawFault } from './document.ts';
import { select, selectText } from './select.ts';

/**
 * Checks that people can sign in to the console where the file says so: a browser keeps the session's
 * cookie for https and for this machine only, and must be led back to an address that is known.
 *
 * @param values the unchecked tree
 * @returns a fault each
 */
export function managementFaults(values: unknown): readonly RawFault[] {
  const [signIn] = select(values, 'management.signIn');
  const [publicUrl] = selectText(values, 'management.publicUrl');
  const [listen] = selectText(values, 'management.listen');
  const faults: RawFault[] = [];
  const url = publicUrl && parseHttpUrl(publicUrl.value);
  if (publicUrl && url?.protocol === 'http:' && !isLoopbackHost(url.hostname))
    faults.push({
      path: publicUrl.path,
      message: 'is plain http beyond this machine, over which no session is safe; use https',
    });
  if (publicUrl && signIn === undefined)
    faults.push({
      path: publicUrl.path,
      message: 'needs `management.signIn`: whoever comes by this name must be known',
    });
  const address = listen && parseListen(listen.value);
  const isReachable = address?.kind === 'tcp' && isLoopbackHost(address.host);
  if (signIn && publicUrl === undefined && !isReachable)
    faults.push({
      path: signIn.path,
      message:
        'needs `management.publicUrl`, the origin under which people open the console: the provider sends them back there',
    });
  return faults;
}
