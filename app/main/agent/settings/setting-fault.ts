import type { z } from 'zod';
import type { MemberPath } from './repeated-member.ts';
import { isObject, keys, type SettingKey } from './schema.ts';

/** Nothing that somebody typed into these is repeated: passwords stand in them, in any spelling. */
const secretive: ReadonlySet<SettingKey> = new Set(['relays', 'network.proxy', 'updates.url']);

/** Short enough to be told apart from a secret. */
const quotable = /^(?:[a-z]{1,12}|\d{1,6}|\*)$/iu;

/**
 * Says what is wrong with the value of a setting.
 *
 * @param key the setting
 * @param raw what the file holds
 * @param issue the first thing that the schema found
 * @param held what holds instead
 * @returns where, what was found (no secret), what is allowed, and what holds
 */
export function badValue(
  key: SettingKey,
  raw: unknown,
  issue: z.core.$ZodIssue | undefined,
  held: unknown,
): string {
  const path = issue?.path ?? [];
  const found = foundWords(key, valueAt(raw, path), issue);
  return `${key}${path.map(step).join('')}: ${found}${mustBe(key, path, issue)}; ${heldWords(key, held)}`;
}

/**
 * Says that what should group settings is something else.
 *
 * @param name `signIn`
 * @param raw what the file holds
 * @returns what was found, what is allowed, and what holds
 */
export function badGroup(name: string, raw: unknown): string {
  const members = Object.keys(keys).flatMap((key) =>
    key.startsWith(`${name}.`) ? [key.slice(name.length + 1)] : [],
  );
  return `${name}: is ${kindOf(raw)} and must be an object that may hold ${members.join(', ')}; the safer value of each holds instead`;
}

/**
 * Says that a file sets a member twice.
 *
 * @param path where the second one stands
 * @returns which one, and what to do; a name that is none of a setting is not repeated
 */
export function badRepeat(path: MemberPath): string {
  const isPlain = plainName.test(String(path.at(-1)));
  const place = placeOf(isPlain ? path : path.slice(0, -1));
  const member = isPlain ? place : `a member${place && ` of ${place}`}`;
  return `${member} is there twice, and nobody can know which one was meant: remove one`;
}

function placeOf(path: MemberPath): string {
  return path.map(step).join('').replace(/^\./u, '');
}

function foundWords(key: SettingKey, value: unknown, issue: z.core.$ZodIssue | undefined): string {
  if (issue?.code === 'unrecognized_keys') return 'has a member that does not belong there';
  if (value === undefined) return 'is missing';
  if (typeof value === 'string' && !secretive.has(key) && quotable.test(value)) {
    return `is the text ${JSON.stringify(value)}`;
  }
  return `is ${kindOf(value)}`;
}

function mustBe(
  key: SettingKey,
  path: readonly PropertyKey[],
  issue: z.core.$ZodIssue | undefined,
): string {
  if (issue?.code === 'custom') return ` and must be ${issue.message}`;
  const { allowed } = keys[key];
  return path.length === 0 ? ` and must be ${allowed}` : `; ${key} must be ${allowed}`;
}

function heldWords(key: SettingKey, held: unknown): string {
  if (key === 'network.proxy') return 'nothing is called until it is corrected';
  if (held === undefined) return `${key} counts as not set`;
  if (typeof held === 'object') return `${key} counts as empty`;
  return `${JSON.stringify(held)} holds instead`;
}

function kindOf(value: unknown): string {
  if (typeof value === 'string') return textKind(value);
  if (Array.isArray(value)) return `a list of ${value.length}`;
  return isObject(value) ? 'an object' : JSON.stringify(value);
}

function textKind(text: string): string {
  if (text === '') return 'an empty text';
  const scheme = /^([a-z][a-z+]{1,9}:)\/\//iu.exec(text)?.[1];
  const unit = text.length === 1 ? 'character' : 'characters';
  return scheme === undefined
    ? `a text of ${text.length} ${unit}`
    : `an address that begins with ${scheme}`;
}

const plainName = /^[\w-]{1,63}$/u;

const step = (part: PropertyKey): string => {
  if (typeof part === 'number') return `[${part}]`;
  const name = String(part);
  return plainName.test(name) ? `.${name}` : `[${JSON.stringify(name)}]`;
};

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (held, part) =>
      typeof held === 'object' && held !== null
        ? (held as Readonly<Record<PropertyKey, unknown>>)[part]
        : undefined,
    value,
  );
}
