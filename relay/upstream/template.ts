/** A text with claims in it, ready to be rendered for one caller. */
export interface Template {
  /**
   * @param claims the caller's verified claims
   * @returns the value; undefined when a claim in it is absent or cannot be told exactly, so that
   *   what it is for is left out
   */
  render(claims: Readonly<Record<string, unknown>>): string | undefined;
}

/** Makes a claim's text safe where it is to stand. */
export type Encode = (text: string) => string;

const PLACEHOLDER = /\{claims\.([^{}]+)\}/g;
/** What a header takes as it is; `%` is not among it, so that decoding gives the claim back. */
const PLAIN_FIELD = /^[\x21-\x24\x26-\x7e]*$/;
const PLAIN_QUERY = /^[A-Za-z0-9\-._~]*$/;

/** Reads a claim by its literal name or by a dotted path. */
export type ClaimAt = (claims: Readonly<Record<string, unknown>>, path: string) => unknown;

function encodeBytes(text: string, plain: RegExp): string {
  if (plain.test(text)) return text;
  let out = '';
  for (const byte of Buffer.from(text, 'utf8')) {
    const character = String.fromCharCode(byte);
    out += plain.test(character)
      ? character
      : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  }
  return out;
}

/**
 * Makes a text safe to stand in a header: whatever is outside visible ASCII is percent-encoded as
 * UTF-8, so that neither CR, LF nor NUL is ever sent and no server misreads the encoding.
 *
 * @param text any well-formed text
 * @returns visible ASCII; `%` is encoded too
 * @see RFC 9110 §5.5
 */
function encodeForField(text: string): string {
  return encodeBytes(text, PLAIN_FIELD);
}

/**
 * Makes a text safe to stand in a query, as a name or a value of its own.
 *
 * @param text any well-formed text
 * @returns unreserved characters and escapes of UTF-8
 * @see RFC 3986 §2.3
 */
export function encodeForQuery(text: string): string {
  return encodeBytes(text, PLAIN_QUERY);
}

/**
 * What cannot be told exactly is as good as absent: two people must never look like one to an API.
 * JSON numbers beyond 2^53 have lost digits, and unpaired surrogates would all become U+FFFD.
 */
function scalarText(value: unknown): string | undefined {
  if (typeof value === 'string') return /\p{Surrogate}/u.test(value) ? undefined : value;
  if (typeof value === 'boolean') return String(value);
  if (typeof value !== 'number') return undefined;
  return Number.isInteger(value) && !Number.isSafeInteger(value) ? undefined : String(value);
}

/** An element's own comma is encoded: it must not make two elements of one. */
function claimText(value: unknown, encode: Encode): string | undefined {
  if (!Array.isArray(value)) {
    const text = scalarText(value);
    return text === undefined ? undefined : encode(text);
  }
  const texts: string[] = [];
  for (const element of value) {
    const text = scalarText(element);
    // A list read in part would say something else.
    if (text === undefined) return undefined;
    texts.push(encode(text).replaceAll(',', '%2C'));
  }
  return texts.join(',');
}

/**
 * Compiles a value such as `{claims.email}` or `user {claims.sub}`.
 *
 * @param source the text of relay.yaml, already checked
 * @param claimAt the one way in which claims are looked up
 * @param encode makes claims safe where they are to stand; the rest stands as configured
 * @returns the template
 */
export function compileTemplate(
  source: string,
  claimAt: ClaimAt,
  encode: Encode = encodeForField,
): Template {
  const [first = '', ...parts] = source.split(PLACEHOLDER);
  return {
    render(claims) {
      let out = first;
      for (let at = 0; at + 1 < parts.length; at += 2) {
        const text = claimText(claimAt(claims, parts[at] as string), encode);
        if (text === undefined) return undefined;
        out += text + (parts[at + 1] as string);
      }
      return out;
    },
  };
}
