import type { HeaderList } from './headers.ts';

// oxlint-disable-next-line no-control-regex -- control characters are what it looks for
const NOT_IN_TARGETS = /[^\x21-\x7e]/;
// oxlint-disable-next-line no-control-regex -- control characters are what it looks for
const NOT_IN_FIELDS = /[\0-\x08\x0a-\x1f\x7f]|[^\0-\xff]/;

/**
 * Writes a request's head. What could end a line early must have been refused long before; this is
 * the last place where it can be.
 *
 * @param method an HTTP method
 * @param path path and query
 * @param fields names and values in turn
 * @returns the head, empty line included, to be sent as latin1
 * @throws {Error} a byte that no head may hold
 * @see RFC 9112 §3, §5
 */
export function requestHead(method: string, path: string, fields: HeaderList): string {
  if (NOT_IN_TARGETS.test(path)) throw new Error('a request target with a byte that none may have');
  let head = `${method} ${path} HTTP/1.1\r\n`;
  let values = '';
  for (let at = 0; at < fields.length; at += 2) {
    const value = fields[at + 1] as string;
    values += value;
    head += `${fields[at] as string}: ${value}\r\n`;
  }
  if (NOT_IN_FIELDS.test(values)) throw new Error('a field value with a byte that none may have');
  return `${head}\r\n`;
}
