import { fieldValues, type HeaderList } from '../../../../wire/headers.ts';

const BASIC = /^basic +([a-z0-9+/]+={0,2}) *$/i;
/** Stands for a credential that cannot be read: it is shown, and no key. */
const UNREADABLE = '';

/**
 * Reads the keys that a request shows: in `X-Latchkey-Key`, and as the user of a proxy's address, as
 * in `HTTP_PROXY=http://lk_…@localhost:5390`.
 *
 * @param raw the request's fields
 * @returns each different one once; one that cannot be read counts, too, so that it is refused
 * @see RFC 7617 §2, RFC 9110 §11.7.1
 */
export function presentedKeys(raw: HeaderList): readonly string[] {
  const shown = new Set(fieldValues(raw, 'x-latchkey-key').map((value) => value.trim()));
  for (const value of fieldValues(raw, 'proxy-authorization'))
    for (const key of basicKeys(value)) shown.add(key);
  return [...shown];
}

function basicKeys(value: string): readonly string[] {
  const encoded = BASIC.exec(value)?.[1];
  if (encoded === undefined) return [UNREADABLE];
  const credentials = Buffer.from(encoded, 'base64').toString('utf8');
  const colon = credentials.indexOf(':');
  const user = colon < 0 ? credentials : credentials.slice(0, colon);
  const password = colon < 0 ? '' : credentials.slice(colon + 1);
  // Some tools insist on a user's name of their own, and some fill in a password.
  const keys = [user, password].filter((part) => part.startsWith('lk_'));
  return keys.length > 0 ? keys : [user];
}
