import { isObject } from './schema.ts';

/** Where a member stands: names, and places in lists. */
export type MemberPath = readonly (string | number)[];

/**
 * Finds a member that a file of settings sets twice. `JSON.parse` would keep the last one, and a slip of the hand
 * would open what the first one closes.
 *
 * @param text JSON that `JSON.parse` takes
 * @param values what it makes of it
 * @returns where the second one stands; `guard.otherUsers` beside a section `guard` that holds it counts, too
 * @see RFC 8259 §4
 */
export function repeatedMember(
  text: string,
  values: Readonly<Record<string, unknown>>,
): MemberPath | undefined {
  return repeatedName(text) ?? repeatedSetting(values);
}

/** Of valid JSON only strings and punctuation tell where a name stands. */
const tokens = /("[^"\\]*(?:\\.[^"\\]*)*")(\s*:)?|[[\]{},]/gu;

interface Level {
  readonly names: Set<string>;
  /** The member or the place in the list that is being read. */
  at: string | number;
}

function repeatedName(text: string): MemberPath | undefined {
  const levels: Level[] = [];
  for (const [token, quoted = '', colon] of text.matchAll(tokens)) {
    const level = levels.at(-1);
    if (token === '{' || token === '[') levels.push({ names: new Set(), at: 0 });
    else if (token === '}' || token === ']') levels.pop();
    else if (level && colon !== undefined) {
      // Escapes spell the same name in other ways.
      const name = JSON.parse(quoted) as string;
      level.at = name;
      if (level.names.has(name)) return levels.map(({ at }) => at);
      level.names.add(name);
    } else if (level && token === ',' && typeof level.at === 'number') level.at += 1;
  }
  return undefined;
}

function repeatedSetting(values: Readonly<Record<string, unknown>>): MemberPath | undefined {
  for (const key of Object.keys(values)) {
    const dot = key.indexOf('.');
    const path = [key.slice(0, dot), key.slice(dot + 1)] as const;
    const section = dot < 0 ? undefined : values[path[0]];
    if (isObject(section) && Object.hasOwn(section, path[1])) return path;
  }
  return undefined;
}
