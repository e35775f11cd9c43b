import type { ToolKeyScope } from '../agent/proxy/tool-key.ts';
import type { AgentSnapshot, ApiInfo, ApiRule } from '../agent/status.ts';
import { scopedApis } from './scoped-apis.ts';

const plain = /^[A-Za-z0-9_\-./:@%+,=~]+$/u;

/**
 * A command line that asks an API for something this person may read.
 *
 * @param api the API as the relay describes it
 * @returns one line, quoted for a POSIX shell
 */
export function curlLine(api: ApiInfo): string {
  return `curl ${quote(addressToTry(api))}`;
}

/**
 * A command line that shows a tool key to the first API that it opens.
 *
 * @param snapshot the agent's own
 * @param key what it may be used for
 * @param secret the key itself
 * @returns one line, quoted for a POSIX shell
 */
export function keyedCurlLine(
  snapshot: AgentSnapshot,
  { apis, methods }: ToolKeyScope,
  secret: string,
): string {
  const opened = scopedApis(snapshot).find(
    ({ scope, profileScope = scope }) =>
      apis === undefined || apis.includes(scope) || apis.includes(profileScope),
  );
  const method = methods === undefined || methods.includes('GET') ? undefined : methods[0];
  return [
    'curl',
    ...(method === undefined ? [] : ['-X', quote(method)]),
    '-H',
    quote(`X-Latchkey-Key: ${secret}`),
    quote(opened === undefined ? addressOf(snapshot, apis?.[0]) : addressToTry(opened.api)),
  ].join(' ');
}

/** Signed out, nobody knows what the API offers. */
const addressOf = ({ localUrl = 'http://localhost:5390' }: AgentSnapshot, api = ''): string =>
  `${localUrl}/${api.replace(/\*$/u, '')}`;

const addressToTry = (api: ApiInfo): string => api.localUrl + readablePath(api.rules);

function readablePath(rules: readonly ApiRule[]): string {
  const readable = rules.filter((rule) => rule.allowed && readsAnything(rule));
  const paths = readable.flatMap((rule) => rule.paths);
  const exact = paths.map(concrete).find((path) => path !== undefined);
  return exact ?? '/';
}

const readsAnything = (rule: ApiRule): boolean =>
  rule.methods.length === 0 || rule.methods.includes('GET') || rule.methods.includes('*');

/** `/invoices/**` also matches `/invoices`; a pattern with `*` inside names no path that surely exists. */
function concrete(pattern: string): string | undefined {
  const base = pattern.endsWith('/**') ? pattern.slice(0, -3) : pattern;
  if (base.includes('*')) return undefined;
  return base === '' ? '/' : base;
}

/** The relay's text ends up in someone's shell, so anything but plain characters is quoted. */
function quote(text: string): string {
  // oxlint-disable-next-line no-control-regex -- a line break or an escape sequence must never reach a terminal
  const visible = text.replaceAll(/[\u0000-\u001f\u007f-\u009f]/gu, '');
  return plain.test(visible) ? visible : `'${visible.replaceAll("'", String.raw`'\''`)}'`;
}
