/** What became of bytes that should be a JSON object. */
export type JsonObjectResult =
  | { readonly kind: 'object'; readonly value: Readonly<Record<string, unknown>> }
  | { readonly kind: 'not_json' }
  | { readonly kind: 'refused'; readonly why: string };

const maxDepth = 32;
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
/** Only for text that JSON.parse took: there, a string before a colon is always a member's name. */
const structure = /"(?:[^"\\]|\\.)*"(\s*:)?|[[\]{}]/g;

function structuralFault(text: string): string | undefined {
  const open: (Set<string> | undefined)[] = [];
  for (const match of text.matchAll(structure)) {
    const token = match[0];
    if (token === '{' || token === '[') {
      open.push(token === '{' ? new Set() : undefined);
      if (open.length > maxDepth) return 'it is nested too deeply';
    } else if (token === '}' || token === ']') {
      open.pop();
    } else if (match[1] !== undefined) {
      // Names are compared unescaped: "sub" and "s\u0075b" are the same member.
      const name: unknown = JSON.parse(token.slice(0, token.length - match[1].length));
      const names = open.at(-1);
      if (names?.has(String(name))) return 'a member occurs twice';
      names?.add(String(name));
    }
  }
  return undefined;
}

function parse(bytes: Uint8Array): { readonly text: string; readonly value: unknown } | undefined {
  try {
    const text = decoder.decode(bytes);
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
export function parseJsonObject(bytes: Uint8Array): JsonObjectResult {
  const parsed = parse(bytes);
  if (parsed === undefined) return { kind: 'not_json' };
  if (!isObject(parsed.value)) return { kind: 'refused', why: 'it is not a JSON object' };
  const why = structuralFault(parsed.text);
  return why === undefined ? { kind: 'object', value: parsed.value } : { kind: 'refused', why };
}
