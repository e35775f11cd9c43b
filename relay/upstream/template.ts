/** A header value with claims in it, ready to be rendered for one caller. */
export interface Template {
  /**
   * @param claims the caller's verified claims
   * @returns the value; undefined when a claim in it is absent, so that the header is left out
   */
  render(claims: Readonly<Record<string, unknown>>): string | undefined;
}

const PLACEHOLDER = /\{claims\.([^{}]+)\}/g;

/** Reads a claim by its literal name or by a dotted path. */
export type ClaimAt = (claims: Readonly<Record<string, unknown>>, path: string) => unknown;

function claimText(value: unknown): string | undefined {
  if (Array.isArray(value)) return value.map((item) => claimText(item) ?? '').join(',');
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  return undefined;
}

/**
 * Makes a claim safe to stand in a header: whatever is outside visible ASCII is percent-encoded as
 * UTF-8, so that neither CR, LF nor NUL is ever sent and no server misreads the encoding.
 *
 * @param text the claim as text
 * @returns visible ASCII; `%` is encoded too, so that decoding gives the claim back
 */
function encodeForHeader(text: string): string {
  return Array.from(text, (character) =>
    /^[\x21-\x24\x26-\x7e]$/.test(character)
      ? character
      : Array.from(
          Buffer.from(character, 'utf8'),
          (byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`,
        ).join(''),
  ).join('');
}

/**
 * Compiles a header value such as `{claims.email}` or `user {claims.sub}`.
 *
 * @param source the text of relay.yaml, already checked
 * @param claimAt the one way in which claims are looked up
 * @returns the template
 */
export function compileTemplate(source: string, claimAt: ClaimAt): Template {
  const parts = source.split(PLACEHOLDER);
  return {
    render(claims) {
      let out = '';
      for (const [at, part] of parts.entries()) {
        const text = at % 2 === 0 ? part : claimText(claimAt(claims, part));
        if (text === undefined) return undefined;
        out += at % 2 === 0 ? text : encodeForHeader(text);
      }
      return out;
    },
  };
}
