/** What the writer of a record put into its `detail`. */
export type Members = Readonly<Record<string, unknown>>;

/**
 * Reads a `detail` that is JSON.
 *
 * @param detail of a record
 * @returns its members; undefined where it is a text
 */
export function membersOf(detail: string | undefined): Members | undefined {
  if (detail?.startsWith('{') !== true) return undefined;
  try {
    return JSON.parse(detail) as Members;
  } catch {
    return undefined;
  }
}

/**
 * Reads one text.
 *
 * @param members of a `detail`
 * @param name the member's
 * @returns the text; undefined where there is none
 */
export function textOf(members: Members | undefined, name: string): string | undefined {
  const value = members?.[name];
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/**
 * Reads a list of texts.
 *
 * @param members of a `detail`
 * @param name the member's
 * @returns the texts; none where there is no list
 */
export function textsOf(members: Members | undefined, name: string): readonly string[] {
  const value = members?.[name];
  return Array.isArray(value) ? value.filter((each) => typeof each === 'string') : [];
}
