import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RuleConfig } from '../../../relay/config/api-config.ts';
import { loadConfig } from '../../../relay/config/load.ts';
import { lintPolicy } from '../../../relay/policy/lint.ts';
import { directory, put } from '../../support/relay-yaml.ts';

async function warnings(
  t: Parameters<typeof directory>[0],
  apis: string,
  desktop = '',
): Promise<readonly string[]> {
  const file = await put(
    await directory(t),
    'relay.yaml',
    `publicUrl: https://relay.example.com\nissuers:\n  - issuer: https://idp.example.com\n${desktop}apis:\n${apis}`,
  );
  const config = await loadConfig(file, { env: {} });
  return lintPolicy(config).map(({ path, message }) => `${path.join('.')}: ${message}`);
}

const api = (name: string, rules: readonly string[], path = `/${name}`): string =>
  `  ${name}:\n    path: ${path}\n    upstream: https://10.0.0.5\n    rules:${rules.length === 0 ? ' []' : ''}\n${rules.map((rule) => `      - ${rule}\n`).join('')}`;

test('a policy without faults gives no warning', async (t) => {
  const rules = [
    '{ name: no, deny: { methods: [DELETE] } }',
    '{ name: read, allow: { methods: [GET], paths: [/a, "/a/**"], scopes: [read] } }',
    '{ name: write, allow: { methods: [POST], paths: [/a], scopes: [write] } }',
  ];
  assert.deepEqual(await warnings(t, api('a', rules)), []);
});

test('methods that go to no API are found', async (t) => {
  const rules = ['{ name: read, allow: { methods: [GET, TRACE, CONNECT], scopes: [read] } }'];
  assert.deepEqual(
    await warnings(t, api('a', rules)),
    ['TRACE', 'CONNECT'].map(
      (method) =>
        `apis.a.rules.0: the rule read names ${method}, which is refused (405) whatever the rules say`,
    ),
  );
});

test('rules that never decide are found', async (t) => {
  const unreachable = async (first: string, second: string): Promise<boolean> => {
    const rules = [`{ name: one, ${first} }`, `{ name: two, ${second} }`];
    return (await warnings(t, api('a', rules))).some((line) =>
      line.startsWith(
        'apis.a.rules.1: the rule two never decides: whatever it holds for, the rule one',
      ),
    );
  };
  const yes: readonly (readonly [string, string])[] = [
    ['allow: { scopes: [a] }', 'allow: { scopes: [a] }'],
    ['allow: { scopes: [a] }', 'deny: { scopes: [a, b], paths: [/x] }'],
    ['deny: { paths: ["/x/**"] }', 'allow: { paths: [/x, "/x/*/y"], roles: [r] }'],
    ['allow: { roles: [a, b] }', 'allow: { roles: [a], methods: [GET] }'],
    ['allow: { roles: [a], maxAge: 15m }', 'allow: { roles: [a], maxAge: 5m }'],
  ];
  const no: readonly (readonly [string, string])[] = [
    ['allow: { scopes: [a, b] }', 'allow: { scopes: [a] }'],
    ['allow: { roles: [a] }', 'allow: { roles: [a, b] }'],
    ['allow: { paths: [/x], roles: [a] }', 'allow: { paths: ["/x/**"], roles: [a] }'],
    ['allow: { paths: ["/*"], roles: [a] }', 'allow: { paths: [/], roles: [a] }'],
    ['allow: { roles: [a], maxAge: 5m }', 'allow: { roles: [a], maxAge: 15m }'],
    ['allow: { roles: [a], when: "claims.x == 1" }', 'allow: { roles: [a] }'],
  ];
  for (const [first, second] of yes)
    assert.ok(await unreachable(first, second), `${first} / ${second}`);
  for (const [first, second] of no)
    assert.ok(!(await unreachable(first, second)), `${first} / ${second}`);
});

test('what lets everybody through, what comes too late, what nobody can get', async (t) => {
  const desktop = '    desktop: { clientId: app, scopes: [openid, read] }\n';
  const rules = [
    '{ name: open, allow: { methods: [GET] } }',
    '{ name: late, deny: { paths: [/secret] } }',
    '{ name: rare, allow: { methods: [POST], scopes: [write] } }',
  ];
  const lines = await warnings(t, api('a', rules), desktop);
  assert.equal(lines.length, 3, lines.join('\n'));
  assert.match(lines[0] ?? '', /^apis\.a\.rules\.0: the rule open has no condition on the caller/);
  assert.match(lines[1] ?? '', /^apis\.a\.rules\.1: the rule late comes after open/);
  assert.match(lines[2] ?? '', /^apis\.a\.rules\.2: the rule rare wants the scope write/);
});

test('paths within paths, and an API without rules', async (t) => {
  const lines = await warnings(
    t,
    api('a', ['{ name: r, allow: { scopes: [s] } }']) +
      api('b', [], '/a/b') +
      api('ab', ['{ name: r, allow: { scopes: [s] } }']),
  );
  assert.deepEqual(
    lines.map((line) => line.split(':')[0]),
    ['apis.b', 'apis.b'],
  );
  assert.match(lines[0] ?? '', /lies below \/a of the API a/);
  assert.match(lines[1] ?? '', /has no rules/);
});

/** A rule said to be covered must never decide: tried on requests, not on the text. */
test('what is called unreachable does not decide', async () => {
  const { isImplied } = await import('../../../relay/policy/implied.ts');
  const { matchesPattern, compilePattern, pathSegments } =
    await import('../../../relay/policy/pattern.ts');
  const patterns = [
    '/',
    '/a',
    '/a/',
    '/*',
    '/*/',
    '/**',
    '/a/**',
    '/a/*',
    '/*/b',
    '/*/**',
    '/a/*/**',
  ];
  const paths = ['/', '/a', '/a/', '/b', '/a/b', '/b/b', '/a/b/', '/a/b/c', '/b/', '/a/c'];
  const matches = (pattern: string, path: string): boolean =>
    matchesPattern(compilePattern(pattern), pathSegments(path));
  for (const outer of patterns)
    for (const inner of patterns) {
      const of = (paths: string): RuleConfig => ({ name: 'r', effect: 'allow', paths: [paths] });
      if (!isImplied(of(outer), of(inner))) continue;
      for (const path of paths)
        if (matches(inner, path))
          assert.ok(matches(outer, path), `${outer} covers ${inner}: ${path}`);
    }
});
