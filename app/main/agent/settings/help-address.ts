/** More of a mail than its recipients is asked for by nothing but these: some programs attach files otherwise. */
const mailFields: ReadonlySet<string> = new Set(['subject', 'body']);

/**
 * Reads where to ask as something that can be opened.
 *
 * @param help `managedBy.help`
 * @returns a page by https or a new mail, normalised; `undefined` for any other text
 * @see RFC 6068 section 2
 */
export function helpAddress(help: string): string | undefined {
  if (/\s/u.test(help) || !URL.canParse(help) || hasCredentials(help)) return undefined;
  const url = new URL(help);
  const isPage = url.protocol === 'https:';
  return isPage || isMail(url) ? url.href : undefined;
}

/**
 * Tells whether an address carries a name or password.
 *
 * @param text any text
 * @returns false for what is no address
 */
export function hasCredentials(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { username, password } = new URL(text);
  return username !== '' || password !== '';
}

function isMail({ protocol, pathname, searchParams }: URL): boolean {
  const fields = [...searchParams.keys()];
  return (
    protocol === 'mailto:' &&
    pathname !== '' &&
    fields.every((field) => mailFields.has(field.toLowerCase()))
  );
}
