import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createPublicCookie } from '../../../relay/upstream/public-cookie.ts';
import { createPublicLocation } from '../../../relay/upstream/public-location.ts';
import { createPublicPaths } from '../../../relay/upstream/public-path.ts';
import { createPathRewrite, type PathRule } from '../../../relay/upstream/rewrite-path.ts';

const RELAY = 'https://relay.example.com';

function names(
  options: {
    readonly upstreams?: readonly string[];
    readonly stripPath?: boolean;
    readonly rules?: readonly PathRule[];
  } = {},
): {
  readonly location: (value: string, basePath?: string) => string;
  readonly cookie: (value: string, basePath?: string) => string;
} {
  const rewrite = createPathRewrite(options.rules ?? []);
  const api = { path: '/billing', stripPath: options.stripPath ?? true };
  const paths = createPublicPaths(api, rewrite);
  const upstreams = options.upstreams ?? ['https://10.0.0.5:9001/v1', 'https://api.internal/v1'];
  const location = createPublicLocation(upstreams, RELAY, paths);
  const cookie = createPublicCookie(paths, rewrite !== undefined);
  return {
    location: (value, basePath = '/v1') => location(value, basePath),
    cookie: (value, basePath = '/v1') => cookie(value, basePath),
  };
}

test('the upstream’s own names become public ones', () => {
  const { location } = names();
  const cases: readonly [string, string][] = [
    ['https://10.0.0.5:9001/v1/invoices/7?a=%2F#b', `${RELAY}/billing/invoices/7?a=%2F#b`],
    ['https://10.0.0.5:9001/v1', `${RELAY}/billing/`],
    ['https://10.0.0.5:9001/v1?x', `${RELAY}/billing/?x`],
    ['HTTPS://API.internal:443/v1/a', `${RELAY}/billing/a`],
    ['//api.internal/v1/a', `${RELAY}/billing/a`],
    ['/v1/a/', '/billing/a/'],
    ['/v1', '/billing/'],
  ];
  for (const [value, expected] of cases) assert.equal(location(value), expected, value);
});

test('everything else stays as it is', () => {
  const { location } = names();
  for (const value of [
    'https://evil.example/v1/a',
    'http://10.0.0.5:9001/v1/a',
    'https://10.0.0.5:9002/v1/a',
    'https://10.0.0.5:9001.evil.example/v1/a',
    'https://10.0.0.5:9001@evil.example/v1/a',
    'https://user@10.0.0.5:9001/v1/a',
    'https://10.0.0.5:9001/v10/a',
    'https://10.0.0.5:9001/other',
    '//evil.example/v1/a',
    '/v10/a',
    '/other',
    '/v1/../other',
    '/v1/%2e%2e/other',
    '/v1//a',
    '/v1/a\\b',
    '/\\evil.example',
    'invoices/7',
    '../a',
    '?page=2',
    '#b',
    '',
    'mailto:a@b.example',
    'javascript:alert(1)',
  ])
    assert.equal(location(value), value);
});

test('a path without an origin is that of the address that answered', () => {
  const { location } = names({ upstreams: ['http://a.internal', 'http://b.internal/v2'] });
  assert.equal(location('/v2/x', ''), '/billing/v2/x');
  assert.equal(location('/v2/x', '/v2'), '/billing/x');
  assert.equal(location('http://b.internal/v2/x', ''), `${RELAY}/billing/x`);
  assert.equal(location('http://a.internal/v2/x', '/v2'), `${RELAY}/billing/v2/x`);
});

test('an API over a Unix socket knows itself as localhost', () => {
  const { location } = names({ upstreams: ['unix:/run/api.sock'] });
  assert.equal(location('http://localhost/a', ''), `${RELAY}/billing/a`);
});

test('without stripPath only what is below the public path has a public name', () => {
  const { location } = names({ stripPath: false });
  assert.equal(location('/v1/billing/a'), '/billing/a');
  assert.equal(location('/v1/other/a'), '/v1/other/a');
});

test('with rewritten paths only what leads back is renamed', () => {
  const rules = [
    { from: '/users/**', to: '/people/**' },
    { from: '/old/*', to: '/archive' },
  ];
  const { location, cookie } = names({ rules });
  assert.equal(location('/v1/people/7'), '/billing/users/7');
  assert.equal(location('/v1/plain'), '/billing/plain');
  assert.equal(location('/v1/users/7'), '/v1/users/7', 'nothing public leads there');
  assert.equal(cookie('a=1; Path=/v1/people'), 'a=1; Path=/billing');
});

test('cookies get the API’s public path, lose Domain and keep the rest', () => {
  const { cookie } = names();
  const cases: readonly [string, string][] = [
    ['a=1; Path=/; HttpOnly', 'a=1; Path=/billing; HttpOnly'],
    ['a=1; Path=/v1', 'a=1; Path=/billing'],
    ['a=1; Path=/v1/x/', 'a=1; Path=/billing/x/'],
    ['a=1;path=/v1/x;SameSite=Lax', 'a=1; path=/billing/x;SameSite=Lax'],
    ['a=1; Path=/other', 'a=1; Path=/billing'],
    ['a=1; Path=/v1/../x', 'a=1; Path=/billing'],
    ['a=1; Path=', 'a=1; Path='],
    ['a=1; Path=x', 'a=1; Path=x'],
    ['a=1', 'a=1'],
    ['a="x=y"; Domain=api.internal; Secure', 'a="x=y"; Secure'],
    ['a=1; DOMAIN=.example.com', 'a=1'],
    ['a=1; domain; Max-Age=5', 'a=1; Max-Age=5'],
    ['path=/; Path=/', 'path=/; Path=/billing'],
    ['__Host-a=1; Secure; Path=/', '__Host-a=1; Secure; Path=/'],
    ['__Secure-a=1; Secure; Path=/', '__Secure-a=1; Secure; Path=/billing'],
  ];
  for (const [value, expected] of cases) assert.equal(cookie(value), expected, value);
});
