import { z } from 'zod';
import { parseAuthority, parseCidr, parseHttpUrl, parseListen } from './addresses.ts';
import { headerNameFault, headerValueFault } from './headers.ts';
import { formatDuration, formatSize, parseDuration, parseSize } from './units.ts';

/**
 * A string that is read into something else.
 *
 * @param expected ends the sentence "must be …"
 * @param parse undefined refuses
 * @returns the schema
 */
export function parsed<T>(expected: string, parse: (text: string) => T | undefined) {
  const message = `must be ${expected}`;
  return z.string(message).transform((text, context): T => {
    const value = parse(text);
    if (value !== undefined) return value;
    context.addIssue({ code: 'custom', message });
    return z.NEVER;
  });
}

/**
 * A string that is kept when a check finds no fault in it.
 *
 * @param fault says what is wrong with a text, or undefined
 * @returns the schema
 */
export function checked(fault: (text: string) => string | undefined) {
  return z.string('must be a string').check((context) => {
    const message = fault(context.value);
    if (message !== undefined)
      context.issues.push({ code: 'custom', message, input: context.value });
  });
}

/** Text with at least one character and no control characters. */
export const text = checked((value) =>
  // oxlint-disable-next-line no-control-regex -- control characters are what it looks for
  value === '' || /[\0-\x1f\x7f]/.test(value)
    ? 'must not be empty and must not hold control characters'
    : undefined,
);

/**
 * A duration within bounds.
 *
 * @param minMs least, milliseconds
 * @param maxMs most, milliseconds
 * @returns the schema; its output is milliseconds
 */
export function duration(minMs: number, maxMs: number) {
  const expected = `a duration such as 30s, 15m or 24h, from ${formatDuration(minMs)} to ${formatDuration(maxMs)}`;
  return parsed(expected, (value) => {
    const valueMs = parseDuration(value);
    return valueMs !== undefined && valueMs >= minMs && valueMs <= maxMs ? valueMs : undefined;
  });
}

/**
 * A size within bounds.
 *
 * @param minBytes least
 * @param maxBytes most
 * @returns the schema; its output is bytes
 */
export function size(minBytes: number, maxBytes: number) {
  const expected = `a size such as 64KB or 10MB, from ${formatSize(minBytes)} to ${formatSize(maxBytes)}`;
  return parsed(expected, (value) => {
    const bytes = parseSize(value);
    return bytes !== undefined && bytes >= minBytes && bytes <= maxBytes ? bytes : undefined;
  });
}

/** A list that says something: an empty one would never match, or always. */
export function some<T extends z.ZodType>(element: T) {
  return z
    .array(element, 'must be a list')
    .min(1, 'must list at least one; leave the key out for no such condition');
}

/**
 * A list that may be written as its one element.
 *
 * @param element of the list
 * @param expected ends the sentence "must be …"
 * @returns the schema; its output is a list with at least one element
 */
export function oneOrMany<T extends z.ZodType>(element: T, expected: string) {
  return z.preprocess(
    (value) => (Array.isArray(value) || value === undefined ? value : [value]),
    z.tuple([element], element, `must be ${expected}`),
  );
}

export const flag = z.boolean('must be true or false');
export const listen = parsed('host:port, [IPv6]:port or unix:/absolute/path', parseListen);
export const authority = parsed('a host name or address, with :port at most', parseAuthority);
export const cidr = parsed(
  'an address or a block such as 10.0.0.0/8 or 2001:db8::/32; IPv4 not in IPv6 form',
  (value) => (parseCidr(value) ? value : undefined),
);
export const httpUrl = parsed(
  'an absolute http or https URL without user, query and fragment',
  (value) => (parseHttpUrl(value) ? value : undefined),
);
export const origin = parsed(
  'an http or https origin such as https://relay.example.com; a path is not supported',
  (value) => {
    const url = parseHttpUrl(value);
    return url?.pathname === '/' ? url.origin : undefined;
  },
);
export const redisUrl = parsed(
  'a Redis address such as rediss://user:password@redis.example.com:6379/0',
  (value) => {
    const url = URL.parse(value);
    const isRedis = url?.protocol === 'redis:' || url?.protocol === 'rediss:';
    return isRedis && url.hostname !== '' && url.search === '' && url.hash === ''
      ? value
      : undefined;
  },
);
export const headerName = checked(headerNameFault);
export const headerValue = checked(headerValueFault);
/** RFC 6749 §3.3 scope-token. */
export const scope = checked((value) =>
  /^[\x21\x23-\x5b\x5d-\x7e]+$/.test(value) ? undefined : 'must be one scope, without spaces',
);
