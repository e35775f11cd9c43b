/** What `parseArgs` tells of a command line, with `tokens: true`. */
export type Tokens = readonly { readonly kind: string; readonly name?: string }[];

/** Options as `parseArgs` takes them. */
export type Options = Readonly<
  Record<string, { readonly type: string; readonly multiple?: boolean }>
>;

/**
 * Finds an option that a command line gives again: only the last would count, and nobody would hear of the others.
 *
 * @param tokens of `parseArgs`
 * @param options those declared `multiple` may be repeated
 * @returns what is wrong, for people; `undefined` when nothing is
 */
export function givenTwice(tokens: Tokens, options: Options): string | undefined {
  const seen = new Set<string>();
  for (const { kind, name } of tokens) {
    if (kind !== 'option' || name === undefined || options[name]?.multiple === true) continue;
    if (seen.has(name)) return `--${name} is given twice`;
    seen.add(name);
  }
  return undefined;
}
