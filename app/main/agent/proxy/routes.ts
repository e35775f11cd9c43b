import { AgentError } from '../errors.ts';
import type { ApiInfo } from '../status.ts';
import type { LocalHost } from './entrance.ts';

/** Without the port that http implies. */
const site = (host: string): string => host.toLowerCase().replace(/:80$/, '');

/**
 * Finds the API that has a name inside the company.
 *
 * @param host as a tool wrote it, lower case
 * @param apis what the signed-in person may use
 * @returns the API, or `undefined`
 */
export function findSite(host: string, apis: readonly ApiInfo[]): ApiInfo | undefined {
  return apis.find(({ hosts }) => hosts.some((name) => site(name) === host));
}

/**
 * Finds the API that has a name inside the company.
 *
 * @param host as a tool wrote it, lower case
 * @param apis what the signed-in person may use
 * @returns the API
 * @throws {AgentError} `foreign_host`: it goes nowhere by any other way
 */
export function siteOf(host: string, apis: readonly ApiInfo[]): ApiInfo {
  const found = findSite(host, apis);
  if (found !== undefined) return found;
  throw notRelayed(host, apis, []);
}

/**
 * Says that a site is none of those that are relayed.
 *
 * @param host as a tool wrote it
 * @param apis those that are known
 * @param signedOut titles of the profiles of which none is
 * @returns `foreign_host`
 */
export function notRelayed(
  host: string,
  apis: readonly ApiInfo[],
  signedOut: readonly string[],
): AgentError {
  const known = apis.flatMap(({ hosts }) => hosts);
  const served =
    known.length === 0
      ? 'no API that you may use has a name for the proxy.'
      : `As a proxy this port serves ${known.join(', ')}.`;
  const hidden =
    signedOut.length === 0
      ? ''
      : ` What ${signedOut.join(' and ')} relays is known once you sign in.`;
  return new AgentError(
    'foreign_host',
    `${host} is not relayed${known.length === 0 ? ':' : '.'} ${served}${hidden} Set NO_PROXY for other sites.`,
  );
}

/** As the relay chooses: by the longest prefix that ends at a segment's border. */
function apiOf(path: string, apis: readonly ApiInfo[]): string | undefined {
  let found: ApiInfo | undefined;
  for (const api of apis)
    if (path === api.path || path.startsWith(`${api.path}/`))
      if (found === undefined || api.path.length > found.path.length) found = api;
  return found?.name;
}

/** What stands before a request's path at the relay. */
function prefixOf(host: LocalHost, apis: readonly ApiInfo[]): string {
  if (host.kind === 'loopback') return '';
  if (host.kind === 'site') return siteOf(host.host, apis).path;
  const api = apis.find(({ name }) => name === host.name);
  if (api === undefined) throw unknownApi(host, apis);
  return api.path;
}

/**
 * Finds the relay's path for a request to the local port: path mode keeps the path, name mode and proxy
 * mode put the named API's path in front. Where paths of APIs nest, the API is the one that the relay takes.
 *
 * @param host how the port was addressed
 * @param target the canonical path at the profile
 * @param apis what the signed-in person may use
 * @returns the canonical path to ask the relay for, and the API's name where it is known
 * @throws {AgentError} `unknown_api`, `foreign_host`
 */
export function relayPath(
  host: LocalHost,
  target: { readonly path: string },
  apis: readonly ApiInfo[],
): { readonly path: string; readonly api: string | undefined } {
  const path = prefixOf(host, apis) + target.path;
  return { path, api: apiOf(path, apis) };
}

function unknownApi(
  { name, profile }: Extract<LocalHost, { kind: 'api' }>,
  apis: readonly ApiInfo[],
): AgentError {
  const known = apis.map((api) => (profile === undefined ? `${api.name}.localhost` : api.name));
  const there = known.length === 0 ? '' : ` There are: ${known.join(', ')}.`;
  return new AgentError('unknown_api', `There is no API named ${name} that you may use.${there}`);
}
