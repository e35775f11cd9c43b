/** A path pattern cut into segments once, so that matching is one pass without backtracking. */
export interface PathPattern {
  /** A text to equal, or `null` for any one segment. */
  readonly segments: readonly (string | null)[];
  /** Ended in `**`: anything may follow. */
  readonly rest: boolean;
}

/**
 * `@` and `%40` reach an API as the same character, so a rule must not tell them apart. Slashes
 * cannot appear: the canonical target refuses them encoded.
 */
function decodeSegment(segment: string): string {
  return segment.includes('%')
    ? segment.replaceAll(/%([0-9A-Fa-f]{2})/g, (_whole, hex: string) =>
        String.fromCharCode(Number.parseInt(hex, 16)),
      )
    : segment;
}

/**
 * Compiles a checked pattern.
 *
 * @param pattern begins with `/`; `*` is one segment, a last `**` any rest
 * @returns the compiled pattern
 */
export function compilePattern(pattern: string): PathPattern {
  const parts = pattern.slice(1).split('/');
  const rest = parts.at(-1) === '**';
  if (rest) parts.pop();
  return { segments: parts.map((part) => (part === '*' ? null : decodeSegment(part))), rest };
}

/**
 * Cuts a canonical path as {@link matchesPattern} wants it.
 *
 * @param path begins with `/`
 * @returns its segments
 */
export function pathSegments(path: string): readonly string[] {
  return path.slice(1).split('/').map(decodeSegment);
}

/**
 * Tells whether a path matches: `/x/**` matches `/x`, `/x/` and all below; `/x` and `/x/` differ.
 *
 * @param pattern compiled
 * @param path cut by {@link pathSegments}
 * @returns true when it matches
 */
export function matchesPattern(pattern: PathPattern, path: readonly string[]): boolean {
  const { segments, rest } = pattern;
  if (rest ? path.length < segments.length : path.length !== segments.length) return false;
  return segments.every((segment, at) =>
    segment === null ? path[at] !== '' : segment === path[at],
  );
}
