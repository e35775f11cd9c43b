import type { PathRewrite } from './rewrite-path.ts';

/** How one API's paths are named in public. */
export interface PublicPaths {
  /**
   * @param path on the upstream
   * @param basePath the upstream's own prefix, without a trailing slash
   * @returns the path under which the relay offers it; undefined where it offers none
   */
  of(path: string, basePath: string): string | undefined;
  /** The API's own public path; `/` at least. */
  readonly root: string;
}

/** What a client would resolve before it asks, so that it would not be the path compared here. */
const UNSETTLED = /\/\.{0,2}(?=\/)|\/\.{1,2}$|%2[ef]|%5c|\\/i;

/**
 * Tells whether a path is or lies below another one, on a segment boundary.
 *
 * @param path to look at
 * @param prefix without a trailing slash
 * @returns true when it does
 */
export function isUnder(path: string, prefix: string): boolean {
  return path.startsWith(prefix) && (path.length === prefix.length || path[prefix.length] === '/');
}

/**
 * Prepares the naming of an API's paths.
 *
 * @param api where it is public, and whether that is removed before forwarding
 * @param rewrite the API's rewriting of paths, if any
 * @returns the naming
 */
export function createPublicPaths(
  api: { readonly path: string; readonly stripPath: boolean },
  rewrite: PathRewrite | undefined,
): PublicPaths {
  return {
    root: api.path === '' ? '/' : api.path,
    of(path, basePath) {
      if (!isUnder(path, basePath) || UNSETTLED.test(path)) return undefined;
      const own = path.slice(basePath.length) || '/';
      const inner = rewrite === undefined ? own : rewrite.backward(own);
      if (inner === undefined) return undefined;
      if (api.stripPath) return api.path + inner;
      return isUnder(inner, api.path) ? inner : undefined;
    },
  };
}
