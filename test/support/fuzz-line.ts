import * as fc from 'fast-check';
import { mostly } from './fuzz-mostly.ts';

/** Methods, and what is none. */
export const method = mostly(
  fc.constantFrom('GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'),
  fc.constantFrom(
    'get',
    'TRACE',
    'CONNECT',
    'PROPFIND',
    'GE\tT',
    '',
    'GET ',
    ' GET',
    'QUERY',
    'PRI',
  ),
);

const plainSegment = fc.constantFrom(
  'a',
  'invoices',
  '7',
  'A-b_c~d',
  'a@b:c',
  '%C3%A9',
  'a%20b',
  '(x)',
);
const oddSegment = fc.constantFrom(
  ...'.. . %2e%2e %2E .%2e %2e. ..%2f %2f %2F %5c \\ ..\\ %00 %0d%0a %25 %252e %25%32%65'.split(
    ' ',
  ),
  ...';x=1 a;b %3b %3B %3f %23 # %c3%a9 %C3%28 % %zz %2 + * ~ %7e ... .. adm. adm%20 ADM'.split(
    ' ',
  ),
  ...'%61dm adm %61%64%6d a%40b [x] {} " < | ^ ` http: @ %09 %7f %80 %ff'.split(' '),
  'a b',
  '\t',
  '\x01',
  '\x7f',
  '\xe9',
  '',
);
const prefix = mostly(
  fc.constant('/x/'),
  fc.constantFrom(
    '/x',
    '//x/',
    '/./x/',
    '/x/../x/',
    '/%78/',
    '/X/',
    '/y/',
    '/.latchkey/',
    '*',
    '',
    'x/',
    '/x;a/',
    '/x%2f',
    '/x/adm/../',
  ),
  8,
);
const query = mostly(
  fc.constantFrom('', '', '', '?a=1', '?a=1&b=%2f%2e%2e;c'),
  fc.constantFrom(
    '?',
    '??',
    '?/../adm',
    '?a=%',
    '?access_token=x',
    '?a#b',
    '?a b',
    '?\xe9',
    '?a=\t',
    '?%0d%0aX:1',
  ),
  6,
);
/**
 * Request targets: paths with dots, encodings and parameters, some of them absolute.
 *
 * @param host the relay's authority
 * @returns targets
 */
export const target = (host: string): fc.Arbitrary<string> =>
  fc
    .tuple(
      mostly(
        fc.constant(''),
        fc.constantFrom(
          `http://${host}`,
          `HTTP://${host}`,
          'http://evil.example',
          `http://a@${host}`,
          'ftp://x',
          `https://${host}:1`,
        ),
      ),
      prefix,
      fc.array(mostly(plainSegment, oddSegment, 6), { maxLength: 4 }),
      query,
    )
    .map(([origin, begin, segments, end]) => origin + begin + segments.join('/') + end);
