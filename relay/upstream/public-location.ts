import { isUnder, type PublicPaths } from './public-path.ts';

/**
 * Gives a reference its public name.
 *
 * @param value of Location or Content-Location
 * @param basePath of the upstream that answered, without a trailing slash
 * @returns the value to send; the same one where it names something else
 */
export type PublicLocation = (value: string, basePath: string) => string;

const ABSOLUTE = /^(?:(https?):)?\/\/([^/?#\\]*)([^?#]*)(.*)$/is;
const PATH = /^(\/[^?#]*)(.*)$/s;
const DEFAULT_PORTS: Readonly<Record<string, string>> = { http: ':80', https: ':443' };

function originOf(scheme: string, authority: string): string {
  const port = DEFAULT_PORTS[scheme] as string;
  const host = authority.toLowerCase();
  return `${scheme}://${host.endsWith(port) ? host.slice(0, -port.length) : host}`;
}

/** The names that an API's addresses have for themselves, each with the paths below which it is. */
function ownNames(upstreams: readonly string[]): ReadonlyMap<string, readonly string[]> {
  const names = new Map<string, string[]>();
  for (const upstream of upstreams) {
    // Over a Unix socket, the API is told that its host is `localhost`.
    const url = new URL(upstream.startsWith('unix:') ? 'http://localhost' : upstream);
    const origin = originOf(url.protocol.slice(0, -1), url.host);
    names.set(origin, [...(names.get(origin) ?? []), url.pathname.replace(/\/$/, '')]);
  }
  return names;
}

/**
 * Prepares the renaming of references to an API: its own origins and base paths become the relay's
 * origin and the API's public path. References to others, and relative ones, stay as they are.
 *
 * @param upstreams the API's addresses, as configured
 * @param resource the relay's own origin
 * @param paths how the API's paths are named in public
 * @returns the renaming
 * @see RFC 9110 §10.2.2, §8.7
 */
export function createPublicLocation(
  upstreams: readonly string[],
  resource: string,
  paths: PublicPaths,
): PublicLocation {
  const names = ownNames(upstreams);
  // What a reference without a scheme takes over from the request that it answers.
  const scheme = upstreams[0]?.startsWith('https:') === true ? 'https' : 'http';

  function absolute(value: string, basePath: string): string {
    const parts = ABSOLUTE.exec(value);
    if (parts === null) return value;
    const [, named, authority = '', path, tail = ''] = parts;
    const bases = names.get(originOf(named?.toLowerCase() ?? scheme, authority));
    if (bases === undefined) return value;
    const from = path || '/';
    const base = bases.includes(basePath) ? basePath : bases.find((one) => isUnder(from, one));
    const found = base === undefined ? undefined : paths.of(from, base);
    return found === undefined ? value : resource + found + tail;
  }

  return (value, basePath) => {
    if (!value.startsWith('/') || value.startsWith('//')) return absolute(value, basePath);
    const [, path = '', tail = ''] = PATH.exec(value) ?? [];
    const found = paths.of(path, basePath);
    return found === undefined ? value : found + tail;
  };
}
