import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { canonicalTarget } from '../../wire/target.ts';

const read = (url: string, host = 'relay.example.com', urlBytes = 8192) =>
  canonicalTarget({ method: 'GET', url, rawHeaders: ['Host', host] }, { urlBytes });

const codeOf = (url: string): string => {
  try {
    read(url);
    return 'accepted';
  } catch (error) {
    return (error as { code: string }).code;
  }
};

test('unreserved characters are decoded once, other escapes kept in upper case', () => {
  assert.equal(read('/a%62c/%7e/%2d').path, '/abc/~/-');
  assert.equal(read('/%c3%a9/%20/%3f/%23').path, '/%C3%A9/%20/%3F/%23');
  assert.equal(read('/100%25').path, '/100%25');
});

test('the query is kept byte for byte', () => {
  assert.equal(read('/a?x=%2e%2e/&y=;\\//').query, '?x=%2e%2e/&y=;\\//');
  assert.equal(read('/a?').query, '?');
  assert.equal(read('/a').query, '');
});

test('an absolute target gives the authority; Host is then ignored', () => {
  const target = read('http://Relay.Example.com:8443/a?b', 'other.example');
  assert.equal(target.authority, 'relay.example.com:8443');
  assert.equal(target.path, '/a');
  assert.equal(read('https://relay.example.com').path, '/');
  assert.equal(read('https://relay.example.com?q').query, '?q');
});

test('a URL over the limit is refused', () => {
  assert.throws(() => read(`/${'a'.repeat(100)}`, 'h', 50), { code: 'url_too_long' });
});

test('Host is one well-formed name or address', () => {
  for (const host of ['a b', 'a@b', 'a/b', 'a:1:2', '', ':80', 'a:', '[::1', 'a\tb']) {
    assert.throws(() => read('/', host), { code: 'bad_request' }, host);
  }
  for (const host of ['a', 'A.b', '127.0.0.1:1', '[::1]:8080', 'x_y.example']) read('/', host);
});

test('what is accepted is a fixed point: reading it again changes nothing', () => {
  const pieces = fc.constantFrom(
    'a',
    '.',
    '..',
    '/',
    '%2e',
    '%2F',
    '%25',
    '%41',
    '%',
    ';',
    '\\',
    '-',
    '%c3',
    ' ',
    '?',
    '#',
    '//',
    '%00',
    'é',
  );
  fc.assert(
    fc.property(fc.array(pieces, { maxLength: 12 }), (parts) => {
      const url = `/${parts.join('')}`;
      if (codeOf(url) !== 'accepted') return;
      const { path, query } = read(url);
      assert.equal(read(path + query).path, path);
      assert.doesNotMatch(path, /\/\/|\\|;|(^|\/)\.{1,2}(\/|$)|%2F|%5C|%2E|%00/i);
    }),
    { numRuns: 5_000 },
  );
});
