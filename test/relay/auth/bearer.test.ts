import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { checkToken, readCredential, type Credential } from '../../../relay/auth/bearer.ts';
import { RelayError } from '../../../relay/errors.ts';

/** As the pipeline does with a token that it does not know. */
function read(rawHeaders: readonly string[], rawQuery: string | undefined): Credential {
  const credential = readCredential(rawHeaders, rawQuery);
  checkToken(credential);
  return credential;
}

function codeOf(rawHeaders: readonly string[], rawQuery?: string): string {
  try {
    read(rawHeaders, rawQuery);
  } catch (error) {
    assert.ok(error instanceof RelayError);
    return error.code;
  }
  return 'accepted';
}
const withValue = (value: string): readonly string[] => ['Host', 'x', 'Authorization', value];

void test('a bearer token is read, its scheme in any case, its header name in any case', () => {
  for (const scheme of ['Bearer', 'bearer', 'BEARER', 'bEaReR'])
    assert.deepEqual(read(withValue(`${scheme} abc.def-_~+/==`), undefined), {
      scheme: 'bearer',
      token: 'abc.def-_~+/==',
    });
  assert.equal(read(['aUTHORIZATION', 'Bearer a'], 'page=2').token, 'a');
  assert.equal(read(withValue('Bearer   a  '), '').token, 'a');
  assert.deepEqual(read(withValue('dpop abc'), undefined), {
    scheme: 'dpop',
    token: 'abc',
  });
});

void test('no credentials and unknown schemes are token_missing', () => {
  for (const headers of [
    [],
    ['X-Authorization', 'Bearer a'],
    withValue(''),
    withValue('  '),
    withValue('Basic dXNlcjpwYXNz'),
    withValue('Bearertoken'),
    withValue('Token a'),
  ])
    assert.equal(codeOf(headers), 'token_missing', JSON.stringify(headers));
});

void test('two Authorization headers are bad_credentials, whatever their schemes and values', () => {
  for (const second of ['Bearer a', 'Bearer b', 'DPoP a', 'Basic x', ''])
    assert.equal(
      codeOf(['Authorization', 'Bearer a', 'X', 'y', 'authorization', second]),
      'bad_credentials',
      second,
    );
});

void test('a value that is no b64token is bad_credentials', () => {
  for (const value of [
    'Bearer',
    'DPoP',
    'Bearer ',
    'Bearer =',
    'Bearer a b',
    'Bearer "a"',
    'Bearer a,b',
    'Bearer a, Bearer b',
    'Bearer\ta',
    'Bearer,a',
    'Bearer a=b',
    'Bearer a\u00e9',
    'Bearer a\u0000',
    'Bearer a%20',
    'Bearer a:b',
    '"Bearer a',
    ', Bearer a',
  ])
    assert.equal(codeOf(withValue(value)), 'bad_credentials', JSON.stringify(value));
});

void test('a token over 16 KB is bad_credentials, one of 16 KB is read', () => {
  const max = 16 * 1024;
  assert.equal(codeOf(withValue(`Bearer ${'a'.repeat(max)}`)), 'bad_credentials');
  assert.equal(codeOf(withValue(`Bearer ${'a'.repeat(max - 1)}`)), 'accepted');
  assert.equal(codeOf(withValue(`Bearer ${'a'.repeat(1_000_000)}`)), 'bad_credentials');
});

void test('a token in the query is bad_credentials, with and without a header', () => {
  for (const query of [
    'access_token=a',
    '?access_token=a',
    'access_token',
    'access_token=',
    'page=2&access_token=a',
    'page=2;access_token=a',
    '%61ccess_token=a',
    'access%5Ftoken=a',
    'access%5ftoken=a',
    '%61%63%63%65%73%73%5f%74%6f%6b%65%6e=a',
    'bad=%zz&access_token=a',
    '&&access_token=a',
  ]) {
    assert.equal(codeOf([], query), 'bad_credentials', query);
    assert.equal(codeOf(withValue('Bearer a'), query), 'bad_credentials', query);
    assert.equal(codeOf(withValue('Basic a'), query), 'bad_credentials', query);
  }
});

void test('a query that only resembles a token is left alone', () => {
  for (const query of [
    'token=a',
    'access_tokens=a',
    'x=access_token',
    'my_access_token=a',
    '%2561ccess_token=a',
    'Access_Token=a',
  ])
    assert.equal(codeOf(withValue('Bearer a'), query), 'accepted', query);
});

void test('no refusal repeats what the caller sent', () => {
  const secret = 's3cr3t-token-value';
  for (const [headers, query] of [
    [withValue(`Bearer ${secret} x`), undefined],
    [withValue(`Basic ${secret}`), undefined],
    [withValue(secret), undefined],
    [[], `access_token=${secret}`],
    [['Authorization', `Bearer ${secret}`, 'Authorization', `Bearer ${secret}`], undefined],
  ] as const)
    assert.throws(
      () => read(headers, query),
      (error) => error instanceof RelayError && !error.message.includes(secret),
    );
});

void test('any header value is either read exactly or refused with one of the two codes', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 60 }), (text) => {
      const code = codeOf(withValue(`Bearer ${text}`));
      const exact = /^ *[A-Za-z0-9\-._~+/]+=* *$/.test(text.replaceAll(/^[ \t]+|[ \t]+$/g, ''));
      if (code === 'accepted') assert.ok(exact, JSON.stringify(text));
      else assert.equal(code, 'bad_credentials');
    }),
  );
});
