import type { IncomingMessage } from 'node:http';
import { WireError } from './errors.ts';

/** The one reading of a request's target: policy, audit and upstream all use this value. */
export interface Target {
  readonly method: string;
  /** Lower case `host` or `host:port`, from the absolute-form target or else from Host. */
  readonly authority: string;
  /** Canonical: begins with `/`, unreserved characters decoded, other escapes in upper case. */
  readonly path: string;
  /** Empty, or `?` and the query byte for byte. */
  readonly query: string;
}

const VISIBLE_ASCII = /^[\x21-\x7e]+$/;
const HOST = /^(?:\[[0-9a-f:.]+\]|[a-z0-9](?:[a-z0-9._-]*[a-z0-9])?\.?)(?::[0-9]{1,5})?$/;
const UNRESERVED = /[A-Za-z0-9\-._~]/;
// The bulk of requests have nothing to decode and nothing to suspect: one scan tells.
const PLAIN_PATH = /^(?:\/[A-Za-z0-9\-_~!$&'()*+,=:@][A-Za-z0-9\-._~!$&'()*+,=:@]*)+$/;

const ambiguous = (detail: string): WireError => new WireError('ambiguous_target', detail);

function decodeEscape(hex: string): string {
  const code = Number.parseInt(hex, 16);
  if (code < 0x20 || code === 0x7f) {
    throw ambiguous('The path holds an encoded control character; remove it.');
  }
  const character = String.fromCharCode(code);
  if (character === '/' || character === '\\') {
    throw ambiguous('The path holds an encoded slash or backslash; servers disagree on it.');
  }
  // Servers that decode first cut off what follows, and see `/adm` where rules saw `/adm%3Bx`.
  if (character === ';') {
    throw ambiguous('The path holds an encoded semicolon; servers disagree on it.');
  }
  return UNRESERVED.test(character) ? character : `%${hex.toUpperCase()}`;
}

function decodePath(path: string): string {
  let out = '';
  for (let at = 0; at < path.length; at++) {
    const character = path[at] as string;
    if (character !== '%') {
      out += character;
      continue;
    }
    const hex = path.slice(at + 1, at + 3);
    if (!/^[0-9a-fA-F]{2}$/.test(hex)) {
      throw ambiguous(
        'The path holds a % that is not followed by two hex digits; write it as %25.',
      );
    }
    out += decodeEscape(hex);
    at += 2;
  }
  return out;
}

function canonicalPath(path: string): string {
  if (PLAIN_PATH.test(path) || path === '/') return path;
  if (path.includes('\\')) throw ambiguous('The path holds a backslash; use /.');
  if (path.includes(';')) throw ambiguous('The path holds a semicolon; servers disagree on it.');
  const decoded = decodePath(path);
  // Looked for in the result: decoding `%25%41` would make a second encoding of its own.
  if (/%25[0-9a-fA-F]{2}/.test(decoded)) {
    throw ambiguous('The path is percent-encoded twice; encode it once.');
  }
  if (decoded.includes('//')) throw ambiguous('The path holds an empty segment (//).');
  if (decoded.split('/').some((segment) => segment === '.' || segment === '..')) {
    throw ambiguous('The path holds a dot segment (. or ..); send the resolved path.');
  }
  return decoded;
}

interface SplitTarget {
  readonly authority?: string;
  readonly pathAndQuery: string;
}

function splitTarget(raw: string): SplitTarget {
  if (raw.startsWith('/')) return { pathAndQuery: raw };
  const absolute = /^https?:\/\/([^/?#]*)(.*)$/i.exec(raw);
  if (!absolute)
    throw ambiguous('The request target must begin with / or be an absolute http URL.');
  const rest = absolute[2] as string;
  return {
    authority: absolute[1] as string,
    pathAndQuery: rest.startsWith('/') ? rest : `/${rest}`,
  };
}

/**
 * Reads Host: exactly one field with a well-formed value.
 *
 * @param rawHeaders the request's fields as received, flat name-value list
 * @returns the value in lower case
 * @throws {WireError} `bad_request`
 * @see RFC 9112 §3.2
 */
function readHost(rawHeaders: readonly string[]): string {
  let host: string | undefined;
  for (let at = 0; at < rawHeaders.length; at += 2) {
    if ((rawHeaders[at] as string).toLowerCase() !== 'host') continue;
    if (host !== undefined) throw new WireError('bad_request', 'The request has two Host fields.');
    host = rawHeaders[at + 1] as string;
  }
  if (host === undefined) throw new WireError('bad_request', 'The request has no Host field.');
  return checkAuthority(host);
}

function checkAuthority(authority: string): string {
  const lower = authority.toLowerCase();
  if (!HOST.test(lower)) {
    throw new WireError('bad_request', 'Host must be a name or address, with a port at most.');
  }
  return lower;
}

/**
 * Parses a request's target once and refuses whatever two parsers could read in two ways.
 *
 * @param request the message as node:http parsed it
 * @param limits `urlBytes`: the longest target accepted
 * @returns the canonical target
 * @throws {WireError} `ambiguous_target`, `bad_request`, `url_too_long`
 * @see RFC 9112 §3.2, RFC 3986 §6.2.2
 */
export function canonicalTarget(
  request: Pick<IncomingMessage, 'method' | 'url' | 'rawHeaders'>,
  limits: { readonly urlBytes: number },
): Target {
  const raw = request.url ?? '';
  if (raw.length > limits.urlBytes) {
    throw new WireError('url_too_long', `The URL is longer than ${limits.urlBytes} bytes.`);
  }
  const host = readHost(request.rawHeaders);
  if (!VISIBLE_ASCII.test(raw)) {
    throw ambiguous('The URL holds bytes outside visible ASCII; percent-encode them.');
  }
  if (raw.includes('#')) throw ambiguous('The URL holds a fragment (#); leave it out.');
  const { authority, pathAndQuery } = splitTarget(raw);
  if (authority?.includes('@')) throw ambiguous('The URL holds userinfo (@); leave it out.');
  const question = pathAndQuery.indexOf('?');
  const path = question < 0 ? pathAndQuery : pathAndQuery.slice(0, question);
  return {
    method: request.method ?? '',
    authority: authority === undefined ? host : checkAuthority(authority),
    path: canonicalPath(path),
    query: question < 0 ? '' : pathAndQuery.slice(question),
  };
}
