import type { ApiInfo } from '../main/agent/status.ts';

/** Names and values for a tool's environment. */
export type Variables = Readonly<Record<string, string>>;

// The relay names APIs and paths: nothing in them may mean anything to any shell.
const PLAIN_URL = /^https?:\/\/[A-Za-z0-9._:[\]-]+(?:\/[A-Za-z0-9._~@:+,=/-]*)?$/;
const OURS = /^LATCHKEY_(?:KEY|(?:[A-Z0-9_]+_)?URL)$/;
const OUR_HOSTS = ['localhost', '127.0.0.1', '::1', '.localhost'];

/**
 * Names the local addresses as tools' environments do.
 *
 * @param localUrl of the local port
 * @param apis those that shall be in it
 * @returns the variables, and the names of those APIs whose address cannot be put in one
 */
export function addressVariables(
  localUrl: string,
  apis: readonly ApiInfo[],
): { readonly variables: Variables; readonly left: readonly string[] } {
  const variables: Record<string, string> = { LATCHKEY_URL: localUrl };
  const taken = new Map<string, number>();
  for (const { name } of apis) taken.set(variableOf(name), (taken.get(variableOf(name)) ?? 0) + 1);
  const left: string[] = [];
  for (const { name, localUrl: url } of apis) {
    const variable = variableOf(name);
    // Two APIs of one variable: a tool must not reach the one when it means the other.
    if (PLAIN_URL.test(url) && taken.get(variable) === 1) variables[variable] = url;
    else left.push(name);
  }
  return { variables, left };
}

/**
 * Names the local port as a proxy; requests to itself go straight to it.
 *
 * @param localUrl of the local port
 * @param env the present environment, of which the exceptions are kept
 * @param key the proxy's user, where it asks for one
 * @returns variables in both spellings: curl reads only `http_proxy`
 */
export function proxyVariables(
  localUrl: string,
  env: Readonly<Record<string, string | undefined>>,
  key?: string,
): Variables {
  const url = new URL(localUrl);
  const proxy = `http://${key === undefined ? '' : `${key}@`}${url.host}`;
  const kept = (env['NO_PROXY'] ?? env['no_proxy'] ?? '').split(',').map((part) => part.trim());
  const except = [...new Set([...kept, ...OUR_HOSTS])].filter(Boolean).join(',');
  return { HTTP_PROXY: proxy, http_proxy: proxy, NO_PROXY: except, no_proxy: except };
}

/**
 * Takes out of an environment what an outer `latchkey run` or `latchkey env` has put into it.
 *
 * @param env any environment
 * @returns the rest of it
 */
export function withoutAddresses(
  env: Readonly<Record<string, string | undefined>>,
): Record<string, string | undefined> {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !OURS.test(name)));
}

function variableOf(name: string): string {
  return `LATCHKEY_${name.toUpperCase().replaceAll(/[^A-Z0-9]/g, '_')}_URL`;
}
