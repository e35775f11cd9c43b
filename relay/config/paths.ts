const LITERAL = /^(?:[A-Za-z0-9\-._~!$&'()+,=:@]|%[0-9A-F]{2})+$/;

function segmentFault(segment: string): string | undefined {
  if (segment === '.' || segment === '..')
    return 'has a dot segment, which no accepted request has';
  if (segment.includes('*') && segment !== '*')
    return 'has `*` beside other characters; `*` stands for one whole segment';
  if (segment === '*' || LITERAL.test(segment)) {
    return /%(?:2F|5C|00|0[0-9A-F]|1[0-9A-F]|7F)/.test(segment)
      ? 'has an escape that no accepted request has (slash, backslash or control character)'
      : undefined;
  }
  return 'has characters that a path cannot hold; percent-encode them with upper-case hex digits';
}

/**
 * Checks a rule's path pattern.
 *
 * @param pattern relative to the API's path
 * @returns what is wrong; undefined when nothing is
 */
export function patternFault(pattern: string): string | undefined {
  if (!pattern.startsWith('/')) return 'must begin with /';
  const segments = pattern.slice(1).split('/');
  if (segments.at(-1) === '**') segments.pop();
  if (segments.includes('**')) return 'has `**` before its end; it stands for any rest';
  if (segments.slice(0, -1).includes('') || (pattern.endsWith('/**') && segments.at(-1) === ''))
    return 'has an empty segment (//), which no accepted request has';
  return segments
    .filter((segment) => segment !== '')
    .map(segmentFault)
    .find((fault) => fault !== undefined);
}

/**
 * Checks an API's public path.
 *
 * @param path `/billing`
 * @returns what is wrong; undefined when nothing is
 */
export function apiPathFault(path: string): string | undefined {
  if (path === '/' || path.endsWith('/'))
    return 'must have at least one segment and no slash at its end, such as /billing';
  if (path.includes('*')) return 'must be a plain path; `*` belongs into rules';
  if (path.includes('%')) return 'must not hold escapes; use letters, digits, - . _ ~';
  return patternFault(path) ?? reservedFault(path);
}

function reservedFault(path: string): string | undefined {
  const first = path.split('/')[1];
  return first === '.latchkey' || first === '.well-known'
    ? 'must not be /.latchkey or /.well-known or below: the relay answers there itself'
    : undefined;
}
