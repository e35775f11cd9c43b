import type { IncomingMessage } from 'node:http';
import { fieldValues } from '../../../../wire/headers.ts';
import { AgentError } from '../errors.ts';
import type { Entrance, LocalHost } from './entrance.ts';

/** What origins are compared with. */
export interface GuardConfig {
  /** Origins that policy or the person listed, exactly as browsers send them. */
  readonly allowedOrigins: readonly string[];
}

const LABEL = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

function localName(authority: string, port: number): string | undefined {
  const suffix = `:${port}`;
  // Browsers and tools leave out the port that their scheme implies.
  if (port === 80 && !/:[0-9]+$/.test(authority)) return authority;
  return authority.endsWith(suffix) ? authority.slice(0, -suffix.length) : undefined;
}

function isLoopback(name: string | undefined): boolean {
  return name === 'localhost' || name === '127.0.0.1' || name === '[::1]';
}

/** `billing` of `billing.localhost`. */
function underLocalhost(name: string | undefined): string | undefined {
  return name?.endsWith('.localhost') ? name.slice(0, -'.localhost'.length) : undefined;
}

/** `billing`, or `billing.acme` where profiles have names. */
function apiHost(labels: string | undefined, hasProfiles: boolean): LocalHost | undefined {
  if (labels === undefined) return undefined;
  const [name = '', profile, ...more] = labels.split('.');
  if (more.length > 0 || !LABEL.test(name)) return undefined;
  if (profile === undefined) return { kind: 'api', name };
  return hasProfiles && LABEL.test(profile) ? { kind: 'api', name, profile } : undefined;
}

function byName(
  authority: string,
  entrance: Entrance,
  hasProfiles: boolean,
): LocalHost | undefined {
  if (entrance.kind === 'socket') {
    const name = authority.replace(/:[0-9]+$/, '');
    if (isLoopback(name)) return { kind: 'loopback' };
    return apiHost(underLocalhost(name) ?? name, hasProfiles);
  }
  const name = localName(authority, entrance.port);
  const labels = underLocalhost(name);
  if (entrance.kind === 'port') {
    return isLoopback(name) ? { kind: 'loopback' } : apiHost(labels, hasProfiles);
  }
  const { profile } = entrance;
  if (entrance.kind === 'api-port') {
    const isItsOwn = isLoopback(name) || labels === entrance.api;
    return isItsOwn ? { kind: 'api', name: entrance.api, profile } : undefined;
  }
  if (isLoopback(name)) return { kind: 'loopback', profile };
  const host = apiHost(labels, false);
  return host && { ...host, profile };
}

/** Without the port that http implies. */
const plainAuthority = (authority: string): string => authority.replace(/:80$/, '');

/**
 * A request for a proxy names its target by a whole URL, and Host is then ignored. A web page cannot write
 * it so, nor can one under a rebound name: only a client that has this port for its proxy does, for the
 * site that it means.
 *
 * @see RFC 9112 §3.2.2
 */
function bySite({ url = '' }: Asked, authority: string, entrance: Entrance): LocalHost | undefined {
  if (!/^https?:\/\//i.test(url)) return undefined;
  const host = plainAuthority(authority);
  return { kind: 'site', host, ...('profile' in entrance && { profile: entrance.profile }) };
}

function waysIn(entrance: Entrance, hasProfiles: boolean): string {
  const api = hasProfiles ? '<api>.<profile>' : '<api>';
  if (entrance.kind === 'socket') return `localhost, or the name of an API, ${api}`;
  const { port } = entrance;
  const own = `localhost:${port}, 127.0.0.1:${port}, [::1]:${port}`;
  if (entrance.kind === 'api-port') return own;
  return `${own} and ${entrance.kind === 'port' ? api : '<api>'}.localhost:${port}`;
}

/** What the guard looks at. */
type Asked = Pick<IncomingMessage, 'rawHeaders' | 'url'>;

/**
 * Reads the authority of a request. A rebound DNS name carries its own name here, and often no
 * Origin and no Sec-Fetch field: this check carries that case alone, so it comes first.
 *
 * @param request the request as received
 * @param authority lower case, from the canonical target
 * @param entrance where it came in
 * @param hasProfiles whether names of APIs end with their profile's
 * @returns how we are addressed; whether a site is one of ours is for the catalogue to say
 * @throws {AgentError} `foreign_host`
 * @see CVE-2022-41925, CVE-2018-14505
 */
export function readLocalHost(
  request: Asked,
  authority: string,
  entrance: Entrance,
  hasProfiles: boolean,
): LocalHost {
  const host = byName(authority, entrance, hasProfiles) ?? bySite(request, authority, entrance);
  if (host !== undefined) return host;
  throw new AgentError(
    'foreign_host',
    `This is answered only as ${waysIn(entrance, hasProfiles)}. Use one of them.`,
  );
}

/**
 * Tells which listed origin a request names.
 *
 * @param request the request as received
 * @param config the origins that may use the port
 * @returns the origin, or `undefined`: none, another, or more than one
 */
export function listedOrigin(
  { rawHeaders }: Pick<IncomingMessage, 'rawHeaders'>,
  config: GuardConfig,
): string | undefined {
  const [origin, ...more] = fieldValues(rawHeaders, 'origin');
  if (origin === undefined || more.length > 0) return undefined;
  return config.allowedOrigins.includes(origin) ? origin : undefined;
}

function foreign(detail: string): AgentError {
  return new AgentError('foreign_origin', detail);
}

function checkOrigin(origin: string, own: string, config: GuardConfig): void {
  if (origin === own || config.allowedOrigins.includes(origin)) return;
  throw foreign(
    'A web page of another origin may not use this port. List its origin under guard.allowedOrigins if it should.',
  );
}

/**
 * Refuses requests that a web page of somebody else's made in this person's browser, whatever the
 * method: simple GETs and WebSockets are not covered by CORS.
 *
 * @param request the request as received
 * @param authority lower case, from the canonical target
 * @param config what to compare with
 * @param page whether this is one of our own pages, which may be navigated to
 * @throws {AgentError} `foreign_origin`
 * @see Fetch Metadata Request Headers §2
 */
export function checkOrigins(
  request: Pick<IncomingMessage, 'rawHeaders'>,
  authority: string,
  config: GuardConfig,
  page: boolean,
): void {
  const own = `http://${authority}`;
  const [origin, ...more] = fieldValues(request.rawHeaders, 'origin');
  if (more.length > 0) throw foreign('The request has two Origin fields.');
  if (origin !== undefined) checkOrigin(origin, own, config);
  const listed = listedOrigin(request, config) !== undefined;

  const site = fieldValues(request.rawHeaders, 'sec-fetch-site');
  if (!listed && site.some((value) => value !== 'same-origin' && value !== 'none')) {
    throw foreign('A web page of another site may not use this port.');
  }
  const mode = fieldValues(request.rawHeaders, 'sec-fetch-mode');
  if (!page && mode.includes('navigate')) {
    throw foreign('This address is for tools. Open the port itself in a browser, or use curl.');
  }
  for (const referer of fieldValues(request.rawHeaders, 'referer')) {
    if (listed || referer === own || referer.startsWith(`${own}/`)) continue;
    throw foreign('A web page of another site may not use this port.');
  }
}

/** As every browser begins; PowerShell does, too, and says that it is no browser. */
const BROWSER = /^Mozilla\/[0-9](?!.*\bPowerShell\/)/;
const OF_BROWSERS = ['sec-ch-ua', 'upgrade-insecure-requests'];

/**
 * Refuses browsers that have this port for their proxy. To sites with plain http they send neither
 * Sec-Fetch fields nor, from a page that wants it so, an Origin or a Referer: nothing would tell a
 * page of somebody else's from a tool. A page cannot change what is looked at here without a preflight.
 *
 * @param request a request for a site, by its inside name
 * @param config the origins that may
 * @throws {AgentError} `foreign_origin`
 */
export function checkNoBrowser(
  { rawHeaders }: Pick<IncomingMessage, 'rawHeaders'>,
  config: GuardConfig,
): void {
  if (listedOrigin({ rawHeaders }, config) !== undefined) return;
  const isBrowser =
    fieldValues(rawHeaders, 'user-agent').some((value) => BROWSER.test(value)) ||
    OF_BROWSERS.some((name) => fieldValues(rawHeaders, name).length > 0);
  if (isBrowser) {
    throw foreign('As a proxy this port serves tools, not browsers. Use http://localhost instead.');
  }
}
