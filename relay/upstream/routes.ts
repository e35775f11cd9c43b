/** An API found for a path. */
export interface Route<T> {
  readonly api: T;
  /** Relative to the API's path, beginning with `/`: what policy sees. */
  readonly relativePath: string;
}

/** Finds the API that a canonical path belongs to. */
export interface Routes<T> {
  /**
   * @param path the canonical path of the request
   * @returns the API with the longest prefix that ends on a segment boundary, if any
   */
  find(path: string): Route<T> | undefined;
}

/**
 * Prepares the look-up of APIs by path; its cost depends on the path's length, not on their number.
 *
 * @param apis each with its public prefix, without a trailing slash
 * @returns the look-up
 */
export function createRoutes<T extends { readonly path: string }>(apis: readonly T[]): Routes<T> {
  const byPrefix = new Map(apis.map((api) => [api.path, api]));
  return {
    find(path) {
      for (let end = path.length; end > 0; end = path.lastIndexOf('/', end - 1)) {
        const api = byPrefix.get(path.slice(0, end));
        if (api !== undefined) return { api, relativePath: path.slice(end) || '/' };
      }
      return undefined;
    },
  };
}
