import type { Target } from '../../../../wire/target.ts';
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
 * @returns the API
 * @throws {AgentError} `foreign_host`: it goes nowhere by any other way
 */
export function siteOf(host: string, apis: readonly ApiInfo[]): ApiInfo {
  const found = apis.find(({ hosts }) => hosts.some((name) => site(name) === host));
  if (found !== undefined) return found;
  const known = apis.flatMap(({ hosts }) => hosts);
  throw new AgentError(
    'foreign_host',
    known.length === 0
      ? `${host} is not relayed: no API that you may use has a name for the proxy. Set NO_PROXY for other sites.`
      : `${host} is not relayed. As a proxy this port serves ${known.join(', ')}. Set NO_PROXY for other sites.`,
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
  if (api === undefined) throw unknownApi(host.name, apis);
  return api.path;
}

/**
 * Finds the relay's path for a request to the local port: path mode keeps the path, name mode and proxy
 * mode put the named API's path in front. Where paths of APIs nest, the API is the one that the relay takes.
 *
 * @param host how the port was addressed
 * @param target the canonical target
 * @param apis what the signed-in person may use
 * @returns the canonical path to ask the relay for, and the API's name where it is known
 * @throws {AgentError} `unknown_api`, `foreign_host`
 */
export function relayPath(
  host: LocalHost,
  target: Target,
  apis: readonly ApiInfo[],
): { readonly path: string; readonly api: string | undefined } {
  const path = prefixOf(host, apis) + target.path;
  return { path, api: apiOf(path, apis) };
}

function unknownApi(name: string, apis: readonly ApiInfo[]): AgentError {
  const known = apis.map((api) => `${api.name}.localhost`).join(', ');
  return new AgentError(
    'unknown_api',
    known === ''
      ? `There is no API named ${name} that you may use.`
      : `There is no API named ${name} that you may use. There are: ${known}.`,
  );
}
