import { parseProxy } from './proxy-setting.ts';
import { direct, type Route } from './route.ts';

const MAX_ROUTES = 8;

/**
 * Reads the answer of a proxy script or of the operating system.
 *
 * @param answer such as `PROXY a.example.com:3128; HTTPS b.example.com:443; DIRECT`
 * @returns the routes to try in turn; an empty answer is `direct`, as in browsers
 */
export function parseRoutes(answer: string): readonly Route[] {
  const entries = answer
    .split(';')
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '');
  if (entries.length === 0) return [direct];
  return entries.slice(0, MAX_ROUTES).map(parseEntry);
}

function parseEntry(entry: string): Route {
  const [type = '', address = '', ...rest] = entry.split(/\s+/);
  const kind = type.toUpperCase();
  if (kind === 'DIRECT' && address === '') return direct;
  if (kind.startsWith('SOCKS')) {
    return {
      kind: 'refused',
      reason: 'the system or its proxy script names a SOCKS proxy, which is not supported',
    };
  }
  const scheme = kind === 'HTTPS' ? 'https' : kind === 'PROXY' || kind === 'HTTP' ? 'http' : '';
  // Whatever is not host:port could name another host than the one that it seems to.
  const isAddress = /^(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(:\d{1,5})?$/i.test(address);
  if (scheme === '' || !isAddress || rest.length > 0) {
    return {
      kind: 'refused',
      reason: 'the answer of the system or its proxy script is not understood',
    };
  }
  return parseProxy(`${scheme}://${address}`);
}
