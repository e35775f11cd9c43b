// With the `u` flag a surrogate that is half of a pair does not match: only lone ones do.
const loneSurrogate = /[\uD800-\uDFFF]/u;

/**
 * Serializes a JSON value so that equal values give equal bytes.
 *
 * @param value null, booleans, finite numbers, strings, arrays and plain objects of these; members
 *   that are `undefined` are left out
 * @returns the canonical JSON text
 * @throws {TypeError} for what I-JSON can't hold: NaN, infinities, lone surrogates, other types
 * @see RFC 8785 §3.2
 */
export function canonicalJson(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return text(value);
    case 'number':
      // RFC 8785 §3.2.2.3 prescribes ECMAScript's own number format, `-0` as `0`.
      if (Number.isFinite(value)) return JSON.stringify(value);
      break;
    case 'boolean':
      return value ? 'true' : 'false';
    case 'object':
      if (value === null) return 'null';
      return Array.isArray(value) ? array(value) : object(value);
    default:
  }
  throw new TypeError(`canonical JSON can't hold ${String(value)} (${typeof value})`);
}

function text(value: string): string {
  if (loneSurrogate.test(value)) throw new TypeError("canonical JSON can't hold a lone surrogate");
  return JSON.stringify(value);
}

function array(values: readonly unknown[]): string {
  const parts: string[] = [];
  for (const value of values) parts.push(canonicalJson(value));
  return `[${parts.join(',')}]`;
}

function object(value: object): string {
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) {
    throw new TypeError("canonical JSON can't hold an object that is not a plain one");
  }
  const members = value as Record<string, unknown>;
  let json = '';
  // The default order is by UTF-16 code units, which is what RFC 8785 §3.2.3 asks for.
  for (const name of Object.keys(members).sort()) {
    const member = members[name];
    if (member === undefined) continue;
    json += `${json === '' ? '{' : ','}${text(name)}:${canonicalJson(member)}`;
  }
  return json === '' ? '{}' : `${json}}`;
}
