import type { ApiInfo } from '../status.ts';
import type { LocalHost } from './entrance.ts';

/** How a tool addressed the local port, and what the relay's names are there. */
export interface LocalNames {
  /** The relay's origin. */
  readonly relayOrigin: string;
  /** As the tool named us: `localhost:5390`, `billing.localhost:5390`. */
  readonly authority: string;
  readonly host: LocalHost;
  readonly apis: readonly Pick<ApiInfo, 'name' | 'path' | 'hosts'>[];
  /** Where the relay's paths begin at the local port, for what has no name of its own. */
  readonly localUrl: string;
  /** Set where the tool's path began with the profile's name. */
  readonly within?: {
    /** `/acme`. */
    readonly prefix: string;
    /** The request's path at the relay. */
    readonly path: string;
  };
}

const isUnder = (path: string, prefix: string): boolean =>
  path.startsWith(prefix) && /^(?:$|[/?#])/.test(path.slice(prefix.length));

/** A path of the relay, from the name of one API: without its prefix, or else from the port's root. */
function fromApi(path: string, own: string | undefined, names: LocalNames): string {
  if (own === undefined || !isUnder(path, own)) return names.localUrl + path;
  const rest = path.slice(own.length);
  return `http://${names.authority}${rest.startsWith('/') ? rest : `/${rest}`}`;
}

function ownPath({ apis, host }: LocalNames): string | undefined {
  if (host.kind === 'api') return apis.find(({ name }) => name === host.name)?.path;
  if (host.kind === 'site') return apis.find(({ hosts }) => hosts.includes(host.host))?.path;
  return undefined;
}

/**
 * Of a path that begins with the profile's name, relative references have to keep it: `../..` must not
 * lead a tool to another relay, with that one's sign-in.
 */
function fromProfile(
  value: string,
  isAbsolute: boolean,
  { prefix, path }: NonNullable<LocalNames['within']>,
  { authority, relayOrigin }: LocalNames,
): string {
  const base = relayOrigin + path;
  const url = URL.canParse(value, base) ? new URL(value, base) : undefined;
  if (url?.origin !== relayOrigin) return value;
  return `${isAbsolute ? `http://${authority}` : ''}${prefix}${url.pathname}${url.search}${url.hash}`;
}

/**
 * Gives a reference to the relay the name under which the tool reaches the same thing, so that it
 * follows redirects with its sign-in. References to others, and relative ones, stay as they are.
 *
 * @param value of Location or Content-Location
 * @param names how the tool addressed the local port
 * @returns the value for the tool
 * @see RFC 9110 §10.2.2
 */
export function localReference(value: string, names: LocalNames): string {
  const { authority, host, relayOrigin, within } = names;
  const isAbsolute = isUnder(value, relayOrigin);
  if (within !== undefined) return fromProfile(value, isAbsolute, within, names);
  if (!isAbsolute && (!value.startsWith('/') || value.startsWith('//'))) return value;
  const rest = isAbsolute ? value.slice(relayOrigin.length) : value;
  const path = rest.startsWith('/') ? rest : `/${rest}`;
  if (host.kind === 'loopback') return isAbsolute ? `http://${authority}${path}` : value;
  return fromApi(path, ownPath(names), names);
}
