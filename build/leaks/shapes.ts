/** What token material is recognised by. */
export type SecretKind =
  | 'JWT'
  | 'private key'
  | 'tool key'
  | 'authorization field'
  | 'named secret'
  | 'authorization code'
  | 'issued secret';

/** A piece of token material in a line. */
export interface FoundSecret {
  readonly kind: SecretKind;
  readonly text: string;
}

const SHAPES: readonly (readonly [kind: SecretKind, shape: RegExp])[] = [
  // A DPoP proof and an ID token are JWTs, too. The third part of one without a signature is empty.
  ['JWT', /eyJ[\w-]{8,}\.eyJ?[\w-]{8,}\.[\w-]*/],
  ['private key', /-----BEGIN [A-Z ]{0,20}PRIVATE KEY-----/],
  ['private key', /"d"\s*:\s*"[\w-]{32,}"/],
  ['tool key', /\blk_[\w-]{43}/],
  [
    'authorization field',
    /\bauthorization["']?\s*[:=]\s*["']?(?:Bearer|DPoP|Basic)\s+[\w.~+/=-]{12,}/i,
  ],
  [
    'named secret',
    /\b(?:access_token|refresh_token|id_token|client_secret|client_assertion|code_verifier|subject_token)["']?\s*[=:]\s*["']?[\w.~+/%-]{16,}/i,
  ],
  ['authorization code', /[?&]code=[\w.~%-]{16,}/],
];

const WORD = /[\w-]{20,}/g;

/**
 * Finds the token material in a line.
 *
 * @param line of some output
 * @param issued secrets that look like any other word, known since they were issued here
 * @returns each kind at most once
 */
export function findSecrets(line: string, issued: ReadonlySet<string>): readonly FoundSecret[] {
  const found = SHAPES.flatMap(([kind, shape]) => {
    const [text] = shape.exec(line) ?? [];
    return text === undefined ? [] : [{ kind, text }];
  });
  if (issued.size === 0) return found;
  const word = line.match(WORD)?.find((each) => issued.has(each));
  return word === undefined ? found : [...found, { kind: 'issued secret', text: word }];
}
