import { compileTemplate, encodeForQuery, type ClaimAt } from './template.ts';

/**
 * Changes a query.
 *
 * @param query empty, or `?` and the query as the client sent it
 * @param claims the caller's verified claims
 * @returns the same, without what is removed and with what is set
 */
export type QueryRewrite = (query: string, claims: Readonly<Record<string, unknown>>) => string;

/**
 * Folds the spellings that servers treat as one parameter: escapes and `+`, case (ASP.NET), `.` and
 * space for `_`, spaces before (PHP), `name[]`, `name[x]`, `[name]` (PHP, Rails, qs), all after a NUL.
 *
 * @param name as it stands in a query
 * @returns the folded name
 */
function foldParameter(name: string): string {
  const plain = name
    .replaceAll('+', ' ')
    .replaceAll(/%([0-9A-Fa-f]{2})/g, (_whole, hex: string) =>
      String.fromCharCode(Number.parseInt(hex, 16)),
    )
    .replace(/\0.*$/s, '')
    .trim()
    .replace(/^\[([^\]]*)\].*$/s, '$1')
    .replace(/\[.*$/s, '');
  // Bytes once more: escapes gave one character a byte, names of relay.yaml are text.
  return Buffer.from(plain, 'latin1').toString('utf8').toLowerCase().replaceAll(/[. ]/g, '_');
}

/** Both separators count: a server that splits at `;` must find nothing that another one hides. */
const PIECES = /([&;]?)([^&;]*)/g;

function isRemoved(piece: string, removed: ReadonlySet<string>): boolean {
  const equals = piece.indexOf('=');
  const name = equals < 0 ? piece : piece.slice(0, equals);
  return name !== '' && removed.has(foldParameter(name));
}

/** The query without its `?`, else byte for byte. */
function without(query: string, removed: ReadonlySet<string>): string {
  let out = '';
  let isFirst = true;
  for (const [whole, , piece = ''] of query.slice(1).matchAll(PIECES)) {
    if (isRemoved(piece, removed)) continue;
    out += isFirst ? piece : whole;
    isFirst = false;
  }
  return out;
}

/**
 * Compiles `request.setQuery` and `request.removeQuery`.
 *
 * @param set the value of each parameter, a template; where a claim in it is absent, the parameter
 *   is left out, and the client's of that name is removed all the same
 * @param remove names of parameters that go no further
 * @param claimAt the one way in which claims are looked up
 * @returns the change; undefined when there is nothing to change
 */
export function createQueryRewrite(
  set: Readonly<Record<string, string>>,
  remove: readonly string[],
  claimAt: ClaimAt,
): QueryRewrite | undefined {
  const names = [...remove, ...Object.keys(set)];
  if (names.length === 0) return undefined;
  const removed = new Set(names.map((name) => foldParameter(encodeForQuery(name))));
  const added = Object.entries(set).map(([name, source]) => ({
    name: encodeForQuery(name),
    // What is configured is text like the claims, so it is encoded as well.
    template: compileTemplate(encodeLiterals(source), claimAt, encodeForQuery),
  }));
  return (query, claims) => {
    let out = query === '' ? '' : without(query, removed);
    for (const { name, template } of added) {
      const value = template.render(claims);
      if (value === undefined) continue;
      out += `${out === '' ? '' : '&'}${name}=${value}`;
    }
    return out === '' ? '' : `?${out}`;
  };
}

function encodeLiterals(source: string): string {
  return source
    .split(/(\{claims\.[^{}]+\})/)
    .map((part, at) => (at % 2 === 0 ? encodeForQuery(part) : part))
    .join('');
}
