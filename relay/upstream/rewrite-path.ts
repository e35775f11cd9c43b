import { canonicalTarget } from '../../wire/target.ts';

/** One line of `request.rewritePaths`. */
export interface PathRule {
  readonly from: string;
  readonly to: string;
}

/** Gives paths the names that an API knows them by. */
export interface PathRewrite {
  /**
   * @param path canonical, relative to the API; what policy has judged
   * @returns a canonical path; the same one where no rule matches
   */
  forward(path: string): string;
  /**
   * @param path as the API names it, without its base path
   * @returns the path that `forward` makes exactly this of; undefined where none is known
   */
  backward(path: string): string | undefined;
}

interface Pattern {
  /** A decoded text to equal, or `null` for any one segment. */
  readonly segments: readonly (string | null)[];
  /** The same, as it is written into a path. */
  readonly written: readonly (string | null)[];
  readonly stars: number;
  readonly rest: boolean;
}

interface Captured {
  readonly stars: readonly string[];
  /** Empty, or begins with `/`. */
  readonly rest: string;
}

interface Compiled {
  readonly from: Pattern;
  readonly to: Pattern;
  /** Whether all that `from` matched is in `to`, too. */
  readonly isWhole: boolean;
}

/** `@` and `%40` are one character to an API, so both spellings have to be rewritten alike. */
function decoded(segment: string): string {
  return segment.includes('%')
    ? segment.replaceAll(/%([0-9A-Fa-f]{2})/g, (_whole, hex: string) =>
        String.fromCharCode(Number.parseInt(hex, 16)),
      )
    : segment;
}

function compilePattern(source: string): Pattern {
  // Held to the same reading as requests: what is written into paths must be canonical itself.
  const { path, query } = canonicalTarget(
    { method: 'GET', url: source, rawHeaders: ['Host', 'api'] },
    { urlBytes: source.length },
  );
  const parts = path.slice(1).split('/');
  const rest = parts.at(-1) === '**';
  if (rest) parts.pop();
  if (query !== '' || parts.includes('**'))
    throw new Error(`the pattern ${source} has a query, or ** before its end`);
  const written = parts.map((part) => (part === '*' ? null : part));
  return {
    written,
    segments: written.map((part) => (part === null ? null : decoded(part))),
    stars: written.filter((part) => part === null).length,
    rest,
  };
}

function compileRule({ from: source, to: target }: PathRule): Compiled {
  const from = compilePattern(source);
  const to = compilePattern(target);
  if (to.stars > from.stars || (to.rest && !from.rest))
    throw new Error(`the pattern ${target} has more wildcards than ${source} gives`);
  return { from, to, isWhole: to.stars === from.stars && to.rest === from.rest };
}

/** `path` cut at each `/`; the empty text before the first one included. */
function match({ segments, rest }: Pattern, path: readonly string[]): Captured | undefined {
  const length = path.length - 1;
  if (rest ? length < segments.length : length !== segments.length) return undefined;
  const stars: string[] = [];
  for (let at = 0; at < segments.length; at++) {
    const wanted = segments[at] as string | null;
    const found = path[at + 1] as string;
    if (wanted === null) {
      if (found === '') return undefined;
      stars.push(found);
    } else if (found !== wanted && decoded(found) !== wanted) return undefined;
  }
  const left = path.slice(segments.length + 1);
  return { stars, rest: rest && left.length > 0 ? `/${left.join('/')}` : '' };
}

/** Whole segments only are put together, so that nothing new can arise across their borders. */
function fill({ written, rest }: Pattern, captured: Captured): string {
  let out = '';
  let star = 0;
  for (const part of written) out += `/${part ?? (captured.stars[star++] as string)}`;
  if (rest) out += captured.rest;
  return out === '' ? '/' : out;
}

/**
 * Compiles an API's rewriting of paths. Each result is a canonical path again: it begins with `/`
 * and has neither empty nor dot segments, so that it stays below the upstream's base path.
 *
 * @param rules the first one whose `from` matches replaces the path by its `to`; `*` and `**` carry
 *   over in order
 * @returns the rewriting; undefined when there is nothing to rewrite
 * @throws {Error} a pattern is not canonical, or `to` has more wildcards than `from`
 */
export function createPathRewrite(rules: readonly PathRule[]): PathRewrite | undefined {
  if (rules.length === 0) return undefined;
  const compiled = rules.map(compileRule);

  function forward(path: string): string {
    const segments = path.split('/');
    for (const { from, to } of compiled) {
      const captured = match(from, segments);
      if (captured !== undefined) return fill(to, captured);
    }
    return path;
  }

  return {
    forward,
    backward(path) {
      const segments = path.split('/');
      for (const { from, to, isWhole } of compiled) {
        const captured = isWhole ? match(to, segments) : undefined;
        const candidate = captured && fill(from, captured);
        // An earlier rule may take that path elsewhere.
        if (candidate !== undefined && forward(candidate) === path) return candidate;
      }
      return forward(path) === path ? path : undefined;
    },
  };
}
