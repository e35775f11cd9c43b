import { RelayError } from '../errors.ts';

/** What the caller showed, as read from the request; nothing of it is verified yet. */
export interface Credential {
  readonly scheme: 'bearer' | 'dpop';
  readonly token: string;
}

/** Twice what the largest real access tokens need, and half of what Node lets a header be. */
const maxTokenBytes = 16 * 1024;
/** RFC 9110 §5.6.2 `token`, as the auth-scheme is one. */
const schemePattern = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+/;
/** RFC 6750 §2.1 `b64token`, which is also the `token68` of RFC 9449 §7.1. */
const tokenPattern = /^[A-Za-z0-9\-._~+/]+=*$/;

function bad(detail: string): RelayError {
  return new RelayError('bad_credentials', detail);
}

function authorizationValues(rawHeaders: readonly string[]): readonly string[] {
  const values: string[] = [];
  for (let index = 0; index + 1 < rawHeaders.length; index += 2)
    if (rawHeaders[index]?.length === 13 && rawHeaders[index]?.toLowerCase() === 'authorization')
      values.push(rawHeaders[index + 1] ?? '');
  return values;
}

function decodedName(field: string): string {
  const equals = field.indexOf('=');
  const name = equals === -1 ? field : field.slice(0, equals);
  return name
    .replaceAll('+', ' ')
    .replaceAll(/%([0-9A-Fa-f]{2})/g, (_, hex: string) =>
      String.fromCodePoint(Number.parseInt(hex, 16)),
    );
}

function hasQueryToken(rawQuery: string | undefined): boolean {
  if (rawQuery === undefined || rawQuery.length < 2) return false;
  // Some upstreams also split at `;`, so a token hidden behind one is refused as well.
  return rawQuery
    .replace(/^\?/, '')
    .split(/[&;]/)
    .some((field) => decodedName(field) === 'access_token');
}

const isSpace = (code: number): boolean => code === 0x20 || code === 0x09;

/** HTTP parsers trim already, so that there is hardly ever something to do. */
function trimmed(value: string): string {
  const isTrim = !isSpace(value.charCodeAt(0)) && !isSpace(value.charCodeAt(value.length - 1));
  return isTrim ? value : value.replaceAll(/^[ \t]+|[ \t]+$/g, '');
}

/** What nearly every request shows; whatever else it may be is looked at closely. */
const BEARER = 'Bearer ';

function parseAuthorization(value: string): Credential {
  if (value.startsWith(BEARER) && value.charCodeAt(BEARER.length) > 0x20)
    return { scheme: 'bearer', token: value.slice(BEARER.length) };
  const name = schemePattern.exec(value)?.[0];
  if (name === undefined)
    throw bad('The Authorization header has no scheme. Send `Authorization: Bearer <token>`.');
  const scheme = name.toLowerCase();
  if (scheme !== 'bearer' && scheme !== 'dpop')
    throw new RelayError(
      'token_missing',
      'The Authorization scheme is not one for access tokens. Send `Authorization: Bearer <token>`.',
    );
  const token = /^ +([^]*)$/.exec(value.slice(name.length))?.[1];
  return { scheme, token: token ?? '' };
}

/**
 * Checks that a token is made of what tokens are made of.
 *
 * @param credential as read from a request
 * @throws {bad_credentials} it is empty, too long, or has other characters
 * @see RFC 6750 §2.1
 */
export function checkToken({ token }: Credential): void {
  if (token.length >= maxTokenBytes)
    throw bad('The access token is longer than 16 KB. Ask the issuer for a smaller one.');
  if (!tokenPattern.test(token))
    throw bad(
      'The access token is empty or has characters that no token has. Send `Authorization: Bearer <token>` once, without quotes or commas.',
    );
}

/**
 * Refuses an access token in the URL, whoever is meant by it.
 *
 * @param rawQuery the query as it stands in the target, with or without `?`; undefined without one
 * @throws {bad_credentials} it holds one
 * @see RFC 9700 §4.3.2
 */
export function refuseQueryToken(rawQuery: string | undefined): void {
  if (hasQueryToken(rawQuery))
    throw bad(
      'An access token in the URL is refused, since URLs are logged. Send it in the Authorization header and treat this one as leaked.',
    );
}

/**
 * Reads the one access token that a request shows. Bodies and cookies are never looked at.
 *
 * @param rawHeaders names and values in turn, as `IncomingMessage.rawHeaders` has them; Node's
 *   `headers` would hide a second Authorization
 * @param rawQuery the query as it stands in the target, with or without `?`; undefined without one
 * @returns the scheme and the token, which is still to be checked unless it is known
 * @throws {token_missing} no Authorization header, or one of another scheme
 * @throws {bad_credentials} two credentials, or a token in the query
 * @see RFC 6750 §2.1, RFC 9449 §7.1
 */
export function readCredential(
  rawHeaders: readonly string[],
  rawQuery: string | undefined,
): Credential {
  refuseQueryToken(rawQuery);
  const values = authorizationValues(rawHeaders);
  if (values.length > 1)
    throw bad('The request has more than one Authorization header. Send exactly one.');
  const value = trimmed(values[0] ?? '');
  if (value === '')
    throw new RelayError(
      'token_missing',
      'Send an access token: `Authorization: Bearer <token>`. The Latchkey app does this for you.',
    );
  return parseAuthorization(value);
}
