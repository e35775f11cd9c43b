const CUT = '[redacted]';
/** More of one text tells nobody anything. */
const MAX_LENGTH = 16 * 1024;

/** What is a secret by its shape, or by what stands before it; each with what is left of it. */
const SECRETS: readonly (readonly [RegExp, string])[] = [
  [/-----BEGIN [A-Z ]{0,20}PRIVATE KEY-----[^-]*(?:-----END [A-Z ]{0,20}PRIVATE KEY-----)?/g, CUT],
  // A JWT: two parts suffice, since the third may be cut off.
  [/eyJ[\w-]+\.[\w-]+(?:\.[\w-]*)*/g, CUT],
  [/\b(Bearer|DPoP|Basic|Negotiate)(\s+)[\w.~+/-]{8,}=*/gi, `$1$2${CUT}`],
  // The user and the password of a URL, then its query.
  [/\b([a-z][a-z0-9+.-]{0,20}:\/\/)(?!\*+@)[^\s/?#"'@]{1,512}@/gi, `$1${CUT}@`],
  [/\b([a-z][a-z0-9+.-]{0,20}:\/\/[^\s?#"']{1,2048})\?[^\s"']*/gi, `$1?${CUT}`],
  [
    /\b(access_token|refresh_token|id_token|subject_token|client_secret|client_assertion|code_verifier|password|api[_-]?key)(["']?\s*[=:]\s*["']?)[^\s"'&,;}]+/gi,
    `$1$2${CUT}`,
  ],
];

const LONG_WORD = /[\w-]{32,}/g;

/** Of all three kinds of characters: as random as tokens are. Hashes in hex are not. */
const isRandom = (word: string): boolean =>
  /[0-9]/.test(word) && /[a-z]/.test(word) && /[A-Z]/.test(word);

/**
 * Cuts out of a text what may be a secret, whoever put it there: tokens, keys, credentials in fields
 * and URLs, and long random words.
 *
 * @param text of a log line
 * @returns the text, or the beginning of a very long one, with `[redacted]` in those places
 */
export function redactSecrets(text: string): string {
  const cut = SECRETS.reduce(
    (rest, [shape, left]) => rest.replace(shape, left),
    text.slice(0, MAX_LENGTH),
  );
  return cut.replace(LONG_WORD, (word) => (isRandom(word) ? CUT : word));
}

const MAX_DEPTH = 6;

/**
 * Does so with every text within a value, names of members excepted.
 *
 * @param value of a log line
 * @param depth of what is around it
 * @returns a copy; what lies too deep is left out
 */
export function redactValue(value: unknown, depth = 0): unknown {
  if (typeof value === 'string') return redactSecrets(value);
  if (typeof value !== 'object' || value === null) return value;
  if (depth >= MAX_DEPTH) return CUT;
  if (Array.isArray(value)) return value.map((element) => redactValue(element, depth + 1));
  if (value instanceof Error) return redactSecrets(`${value.name}: ${value.message}`);
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => [name, redactValue(member, depth + 1)]),
  );
}
