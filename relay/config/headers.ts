const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const OWNED = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'proxy-authenticate',
  'proxy-authorization',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'host',
  'content-length',
  'expect',
  'forwarded',
  'x-forwarded-for',
  'x-forwarded-proto',
  'x-forwarded-host',
  'via',
  'x-request-id',
  'traceparent',
]);

/**
 * Gives the one form of a header name that all its spellings share.
 *
 * @param name a field name
 * @returns lower case, `_` and `.` as `-`
 */
export function headerKey(name: string): string {
  return name.toLowerCase().replaceAll(/[_.]/g, '-');
}

/**
 * Checks the name of a header that the configuration sets or removes.
 *
 * @param name a field name
 * @returns what is wrong; undefined when nothing is
 * @see RFC 9110 §5.1
 */
export function headerNameFault(name: string): string | undefined {
  if (!TOKEN.test(name)) return 'is not a header name; use letters, digits and -';
  const key = headerKey(name);
  return OWNED.has(key) || key.startsWith('x-latchkey-')
    ? 'is a header that the relay itself is in charge of; choose another'
    : undefined;
}

/**
 * Checks a header value, which is sent as it stands.
 *
 * @param value the text
 * @returns what is wrong; undefined when nothing is
 */
export function headerValueFault(value: string): string | undefined {
  return /^[\t\x20-\x7e]*$/.test(value) && value.trim() === value
    ? undefined
    : 'must be visible ASCII without spaces around it';
}

/**
 * Checks a template: text with `{claims.NAME}` in it.
 *
 * @param template the text
 * @returns what is wrong; undefined when nothing is
 */
export function templateFault(template: string): string | undefined {
  const rest = template.replaceAll(/\{claims\.[^{}\s]+\}/g, '');
  if (/[{}]/.test(rest)) return 'has a bad template; write {claims.NAME}, the only kind there is';
  return headerValueFault(template);
}
