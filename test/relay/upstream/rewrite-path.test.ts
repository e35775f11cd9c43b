import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createPathRewrite, type PathRule } from '../../../relay/upstream/rewrite-path.ts';
import { canonicalTarget } from '../../../wire/target.ts';

const forward = (path: string, ...rules: PathRule[]): string =>
  createPathRewrite(rules)?.forward(path) ?? path;

test('nothing to rewrite costs nothing', () => {
  assert.equal(createPathRewrite([]), undefined);
});

test('the first rule that matches replaces the path; stars carry over in order', () => {
  const rules = [
    { from: '/users/*/orders/*', to: '/v2/orders/*/of/*' },
    { from: '/users/**', to: '/v2/people/**' },
    { from: '/', to: '/start' },
    { from: '/gone/**', to: '/archive' },
  ];
  const cases: readonly [string, string][] = [
    ['/users/7/orders/9', '/v2/orders/7/of/9'],
    ['/users/7', '/v2/people/7'],
    ['/users', '/v2/people'],
    ['/users/', '/v2/people/'],
    ['/users/7/', '/v2/people/7/'],
    ['/', '/start'],
    ['/gone/a/b', '/archive'],
    ['/usersX', '/usersX'],
    ['/other/users/7', '/other/users/7'],
  ];
  for (const [path, expected] of cases) assert.equal(forward(path, ...rules), expected, path);
});

test('a rest of nothing still leaves a path', () => {
  assert.equal(forward('/api', { from: '/api/**', to: '/**' }), '/');
  assert.equal(forward('/api/', { from: '/api/**', to: '/**' }), '/');
  assert.equal(forward('/', { from: '/**', to: '/v1/**' }), '/v1/');
});

test('a star is one segment that is not empty', () => {
  assert.equal(forward('/a/', { from: '/a/*', to: '/b/*' }), '/a/');
  assert.equal(forward('/a/x/y', { from: '/a/*', to: '/b/*' }), '/a/x/y');
});

test('spellings that an API takes for the same are rewritten alike, captures byte for byte', () => {
  const rule = { from: '/mail/@me/*', to: '/box/*' };
  assert.equal(forward('/mail/%40me/a%40b', rule), '/box/a%40b');
  assert.equal(forward('/mail/@me/a@b', rule), '/box/a@b');
});

test('what is configured is made canonical, too', () => {
  assert.equal(forward('/a', { from: '/%61', to: '/%7euser/%c3%a9' }), '/~user/%C3%A9');
});

test('patterns that could lead astray are refused', () => {
  const bad: readonly PathRule[] = [
    { from: '/a', to: '/../b' },
    { from: '/a', to: '/%2e%2e/b' },
    { from: '/a', to: '//b' },
    { from: '/a', to: 'b' },
    { from: '/a', to: 'http://evil.example/b' },
    { from: '/a', to: '/b?x=1' },
    { from: '/a', to: '/b;x' },
    { from: '/a', to: '/b#x' },
    { from: '/a', to: '/%2541' },
    { from: '/a', to: '/é' },
    { from: '/a', to: '/*' },
    { from: '/a/*', to: '/**' },
    { from: '/**/a', to: '/b' },
  ];
  for (const rule of bad)
    if (rule.to.startsWith('http')) assert.ok(!forward('/a', rule).includes('evil'), rule.to);
    else assert.throws(() => createPathRewrite([rule]), rule.to);
});

test('the way back is known where it leads to the very same path', () => {
  const rewrite = createPathRewrite([
    { from: '/users/**', to: '/v2/people/**' },
    { from: '/old/*', to: '/archive' },
    { from: '/shadow/**', to: '/hidden/**' },
    { from: '/people/**', to: '/v2/people/**' },
  ]);
  assert.equal(rewrite?.backward('/v2/people/7'), '/users/7');
  assert.equal(rewrite?.backward('/v2/people'), '/users');
  assert.equal(rewrite?.backward('/plain'), '/plain', 'what no rule touches is its own name');
  assert.equal(rewrite?.backward('/archive'), '/archive');
  assert.equal(rewrite?.backward('/users/7'), undefined, 'no public path leads there');
});

const segment = fc.oneof(
  fc.constantFrom(
    'a',
    'b',
    'users',
    '.a',
    '..a',
    'a..',
    '...',
    '%2e%2e',
    '%40',
    '@',
    '%25',
    '%C3%A9',
  ),
  fc.string({ maxLength: 4 }),
);
const literal = fc.constantFrom('a', 'b', 'users', '@', '%C3%A9', '...', 'x.y', '~');
const pattern = fc.record({
  parts: fc.array(fc.oneof(literal, fc.constant('*')), { minLength: 1, maxLength: 4 }),
  rest: fc.boolean(),
});
const written = ({ parts, rest }: { readonly parts: readonly string[]; readonly rest: boolean }) =>
  `/${[...parts, ...(rest ? ['**'] : [])].join('/')}`;

const unescaped = (text: string): string =>
  text.replaceAll(/%([0-9A-F]{2})/g, (_whole, hex: string) =>
    String.fromCharCode(parseInt(hex, 16)),
  );

/** What a client may have sent, as far as the relay takes it. */
function canonical(path: string): string | undefined {
  try {
    const request = { method: 'GET', url: path, rawHeaders: ['Host', 'x'] };
    const target = canonicalTarget(request, { urlBytes: 10_000 });
    return target.query === '' ? target.path : undefined;
  } catch {
    return undefined;
  }
}

test('no rewriting makes //, a dot segment or a second reading, or leaves the base path', () => {
  let rewritten = 0;
  fc.assert(
    fc.property(
      fc.array(fc.tuple(pattern, pattern), { minLength: 1, maxLength: 4 }),
      fc.array(segment, { maxLength: 5 }),
      fc.constantFrom('', '/base', '/base/v1'),
      (pairs, segments, basePath) => {
        const rules = pairs
          .map(([from, to]) => ({ from: written(from), to: written(to) }))
          .filter(({ from, to }) => {
            const stars = (text: string) => text.split('/').filter((part) => part === '*').length;
            return stars(to) <= stars(from) && (!to.endsWith('/**') || from.endsWith('/**'));
          });
        const path = canonical(`/${segments.join('/')}`);
        if (path === undefined) return;
        const rewrite = createPathRewrite(rules);
        const result = rewrite?.forward(path) ?? path;
        if (result !== path) rewritten += 1;
        assert.equal(canonical(result), result, 'the result reads as itself');
        assert.doesNotMatch(result, /\/\/|\/\.{1,2}(?:\/|$)|[\\;?#]|^[^/]/);
        const seen = new URL(`http://api${basePath}${result}`).pathname;
        // It escapes a few more characters, which changes no segment.
        assert.equal(unescaped(seen), unescaped(basePath + result));
        const back = rewrite?.backward(path);
        if (back !== undefined) assert.equal(rewrite?.forward(back), path);
      },
    ),
    { numRuns: 20_000 },
  );
  assert.ok(rewritten > 100, `only ${rewritten} paths were rewritten at all`);
});
