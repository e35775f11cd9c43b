/** A way into the file's values: names of members and positions in lists. */
export type ValuePath = readonly (string | number)[];

/** A value and where it stands. */
export interface Found {
  readonly path: ValuePath;
  readonly value: unknown;
}

function children(value: unknown): [string | number, unknown][] {
  if (Array.isArray(value)) return value.map((element: unknown, at) => [at, element]);
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value);
}

/** One by name, without a look at the others: a file may have thousands of APIs. */
function child(value: unknown, step: string | number): [string | number, unknown][] {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, step)) return [];
  const name = Array.isArray(value) ? Number(step) : step;
  if (Number.isNaN(name)) return [];
  return [[name, (value as Record<string | number, unknown>)[step]]];
}

/**
 * Finds values in an unchecked tree, so that checks across keys work even where others failed.
 *
 * @param root the tree
 * @param pattern names joined by dots; `*` is every member or element: `apis.*.path`
 * @returns each value that exists, with its path
 */
export function select(root: unknown, pattern: string): readonly Found[] {
  let found: Found[] = [{ path: [], value: root }];
  for (const step of pattern.split('.')) {
    found = found.flatMap(({ path, value }) =>
      (step === '*' ? children(value) : child(value, step)).map(([name, below]) => ({
        path: [...path, name],
        value: below,
      })),
    );
  }
  return found;
}

/**
 * Finds the strings among what a pattern selects.
 *
 * @param root the tree
 * @param pattern as for {@link select}
 * @returns each string that exists, with its path
 */
export function selectText(
  root: unknown,
  pattern: string,
): readonly { readonly path: ValuePath; readonly value: string }[] {
  return select(root, pattern).flatMap(({ path, value }) =>
    typeof value === 'string' ? [{ path, value }] : [],
  );
}

/**
 * Tells whether a path leads anywhere.
 *
 * @param root the tree
 * @param path names and positions
 * @returns true when every step is there
 */
export function exists(root: unknown, path: ValuePath): boolean {
  let value = root;
  for (const step of path) {
    const next = child(value, step)[0];
    if (next?.[0] !== step) return false;
    value = next[1];
  }
  return true;
}
