import { isAscii, isUtf8 } from 'node:buffer';

/** What became of bytes that should be a JSON object. */
export type JsonObjectResult =
  | { readonly kind: 'object'; readonly value: Readonly<Record<string, unknown>> }
  | { readonly kind: 'not_json' }
  | { readonly kind: 'refused'; readonly why: string };

const maxDepth = 32;

/** Where the string that begins at `at` ends: behind its closing quote. */
function behindString(text: string, at: number): number {
  let end = at + 1;
  for (;;) {
    end = text.indexOf('"', end);
    let slashes = 0;
    while (text.charCodeAt(end - 1 - slashes) === 0x5c) slashes += 1;
    end += 1;
    if (slashes % 2 === 0) return end;
  }
}

/** How many members stand in the text, and how deep; only for text that JSON.parse took. */
function survey(text: string): { readonly members: number; readonly depth: number } {
  let members = 0;
  let depth = 0;
  let deepest = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === 0x22) at = behindString(text, at) - 1;
    // Outside of strings, a colon stands behind a member's name and nowhere else.
    else if (code === 0x3a) members += 1;
    else if (code === 0x7b || code === 0x5b) deepest = Math.max(deepest, ++depth);
    else if (code === 0x7d || code === 0x5d) depth -= 1;
  }
  return { members, depth: deepest };
}

function membersOf(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  const isList = Array.isArray(value);
  const parts: readonly unknown[] = isList ? value : Object.values(value);
  let members = isList ? 0 : parts.length;
  for (const part of parts) members += membersOf(part);
  return members;
}

/** Of a member that occurs twice the parser keeps one: then the value has fewer than the text. */
function structuralFault(text: string, value: unknown): string | undefined {
  const { members, depth } = survey(text);
  if (depth > maxDepth) return 'it is nested too deeply';
  return membersOf(value) === members ? undefined : 'a member occurs twice';
}

function parse(bytes: Buffer): { readonly text: string; readonly value: unknown } | undefined {
  if (!isUtf8(bytes)) return undefined;
  try {
    const text = bytes.toString(isAscii(bytes) ? 'latin1' : 'utf8');
    return { text, value: JSON.parse(text) };
  } catch {
    return undefined;
  }
}

/**
 * Tells whether a value is a JSON object, neither null nor a list.
 *
 * @param value anything that JSON.parse may return
 * @returns true for an object
 */
export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * Parses one JSON object strictly: valid UTF-8, no member twice at any level, bounded depth.
 * Two readers that pick different duplicates would judge different tokens.
 *
 * @param bytes the text, UTF-8
 * @returns the object, or why it is refused
 * @see RFC 7519 §4
 */
export function parseJsonObject(bytes: Buffer): JsonObjectResult {
  const parsed = parse(bytes);
  if (parsed === undefined) return { kind: 'not_json' };
  if (!isObject(parsed.value)) return { kind: 'refused', why: 'it is not a JSON object' };
  const why = structuralFault(parsed.text, parsed.value);
  return why === undefined ? { kind: 'object', value: parsed.value } : { kind: 'refused', why };
}
