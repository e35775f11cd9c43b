import { isListed } from './no-proxy.ts';
import { parseProxy } from './proxy-setting.ts';
import { direct, type Route } from './route.ts';

/** The environment variables. */
export type Env = Readonly<Record<string, string | undefined>>;

/**
 * Reads the proxy for a URL from the environment, lower-case names first, as curl does.
 *
 * @param env `https_proxy`, `http_proxy`, `all_proxy`, `no_proxy` and their upper-case forms
 * @param url where the call goes
 * @returns the route; one that is refused when the variable makes no sense
 */
export function envRoute(env: Env, url: URL): Route {
  if (isListed(env['no_proxy'] ?? env['NO_PROXY'] ?? '', url)) return direct;
  const name = variable(env, url);
  const value = (name === undefined ? undefined : env[name])?.trim();
  if (name === undefined || value === undefined || value === '') return direct;
  const route = parseProxy(value);
  return route.kind === 'refused'
    ? { kind: 'refused', reason: `the environment variable ${name}: ${route.reason}` }
    : route;
}

function variable(env: Env, url: URL): string | undefined {
  const secure = url.protocol === 'https:';
  // httpoxy, CVE-2016-5385: in a CGI program HTTP_PROXY is a header that anybody may send.
  const upper = secure ? 'HTTPS_PROXY' : env['REQUEST_METHOD'] === undefined ? 'HTTP_PROXY' : '';
  const names = [secure ? 'https_proxy' : 'http_proxy', upper, 'all_proxy', 'ALL_PROXY'];
  return names.find((name) => name !== '' && env[name] !== undefined);
}
