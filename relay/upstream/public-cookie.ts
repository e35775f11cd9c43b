import { isUnder, type PublicPaths } from './public-path.ts';

/**
 * Gives a cookie its public scope.
 *
 * @param value of Set-Cookie
 * @param basePath of the upstream that answered, without a trailing slash
 * @returns the value to send
 */
export type PublicCookie = (value: string, basePath: string) => string;

const ATTRIBUTE = /^\s*(path|domain)\s*(?:=(.*))?$/is;

/**
 * Prepares the rewriting of cookies: `Path` becomes the API's public one, so that no API gets or
 * replaces another one's cookies, and `Domain` goes, since an upstream speaks for its own name and
 * the cookie is now the relay's. Everything else is kept. `__Host-` cookies stay as they are: they
 * must have `Path=/` and reach every API of the relay.
 *
 * @param paths how the API's paths are named in public
 * @param rewritten whether the API's paths are rewritten: a prefix of paths then has no public name
 *   of its own, and the whole API stands for it
 * @returns the rewriting
 * @see RFC 6265 §4.1.2, §5.3; RFC 6265bis on cookie name prefixes
 */
export function createPublicCookie(paths: PublicPaths, rewritten: boolean): PublicCookie {
  function publicScope(path: string, basePath: string): string {
    const prefix = path.endsWith('/') ? path.slice(0, -1) : path;
    if (rewritten || isUnder(basePath, prefix)) return paths.root;
    return paths.of(path, basePath) ?? paths.root;
  }

  return (value, basePath) => {
    const [pair = '', ...attributes] = value.split(';');
    if (/^\s*__host-/i.test(pair)) return value;
    let out = pair;
    for (const attribute of attributes) {
      const [, name, text = ''] = ATTRIBUTE.exec(attribute) ?? [];
      if (name?.toLowerCase() === 'domain') continue;
      const path = text.trim();
      // Without a slash at its beginning clients ignore it (RFC 6265 §5.2.4).
      out +=
        name === undefined || !path.startsWith('/')
          ? `;${attribute}`
          : `; ${name}=${publicScope(path, basePath)}`;
    }
    return out;
  };
}
