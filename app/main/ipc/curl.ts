import type { ApiInfo, ApiRule } from '../agent/status.ts';

const plain = /^[A-Za-z0-9_\-./:@%+,=~]+$/u;

/**
 * A command line that asks an API for something this person may read.
 *
 * @param api the API as the relay describes it
 * @returns one line, quoted for a POSIX shell
 */
export function curlLine(api: ApiInfo): string {
  return `curl ${quote(api.localUrl + readablePath(api.rules))}`;
}

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
