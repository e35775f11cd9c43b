import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import type { RuleConfig } from '../../../relay/config/config.ts';
import { decide } from '../../../relay/policy/decide.ts';
import { compileRules } from '../../../relay/policy/rules.ts';
import { principal } from '../../support/principal.ts';

const segment = fc.constantFrom('a', 'b', 'ab');
const path = fc
  .tuple(fc.array(segment, { maxLength: 4 }), fc.boolean())
  .map(([parts, slash]) => `/${parts.join('/')}${slash && parts.length > 0 ? '/' : ''}`);
const pattern = fc
  .tuple(
    fc.array(fc.oneof(segment, fc.constant('*')), { maxLength: 3 }),
    fc.constantFrom('', '/', '/**'),
  )
  .map(([parts, end]) => (parts.length === 0 ? end || '/' : `/${parts.join('/')}${end}`));
const names = fc.uniqueArray(fc.constantFrom('p', 'q', 'r'), { minLength: 1 });
const some = { requiredKeys: ['effect'] as ['effect'] };
const rule = fc.record(
  {
    effect: fc.constantFrom('allow' as const, 'deny' as const),
    methods: fc.uniqueArray(fc.constantFrom('GET', 'POST'), { minLength: 1 }),
    paths: fc.array(pattern, { minLength: 1, maxLength: 2 }),
    clients: names,
    scopes: names,
    anyScope: names,
    roles: names,
    groups: names,
  },
  some,
);

/** The pattern's meaning as a regular expression, written apart from the product's matcher. */
function naiveMatch(pattern: string, path: string): boolean {
  const rest = pattern.endsWith('/**');
  const stem = rest ? pattern.slice(0, -3) : pattern;
  const source = stem.replaceAll('*', '[^/]+');
  return new RegExp(`^${source}${rest ? '(/.*)?' : ''}$`).test(path);
}

interface Person {
  clientId: string;
  scopes: string[];
  roles: string[];
  groups: string[];
}

function naiveFailure(rule: Omit<RuleConfig, 'name'>, person: Person): string | undefined {
  const meets = (wanted: readonly string[] | undefined, has: string[]): boolean =>
    wanted === undefined || new Set([...wanted, ...has]).size < wanted.length + has.length;
  if (!meets(rule.clients, [person.clientId])) return 'client';
  if (rule.scopes?.some((one) => !person.scopes.includes(one))) return 'scope';
  if (!meets(rule.anyScope, person.scopes)) return 'scope';
  if (!meets(rule.roles, person.roles)) return 'role';
  if (!meets(rule.groups, person.groups)) return 'group';
  return undefined;
}

test('decide agrees with a naive model', () => {
  const has = fc.uniqueArray(fc.constantFrom('p', 'q', 'r'));
  const person = fc.record({
    clientId: fc.constantFrom('p', 'q', 'z'),
    scopes: has,
    roles: has,
    groups: has,
  });
  const seen = new Set<string>();
  fc.assert(
    fc.property(
      fc.array(rule, { maxLength: 5 }),
      person,
      fc.constantFrom('GET', 'POST', 'PUT'),
      path,
      (given, person, method, path) => {
        const rules = given.map((one, at): RuleConfig => ({ ...one, name: `r${at}` }));
        const about = rules.filter(
          (one) =>
            (one.methods?.includes(method) ?? true) &&
            (one.paths?.some((each) => naiveMatch(each, path)) ?? true),
        );
        const first = about.find((one) => naiveFailure(one, person) === undefined);
        const nearest = about.find((one) => one.effect === 'allow');
        const expected = first
          ? `${first.effect === 'allow' ? 'allow' : 'denied'} ${first.name}`
          : nearest
            ? `${String(naiveFailure(nearest, person))} ${nearest.name}`
            : 'no_rule undefined';
        const verdict = decide(compileRules(rules), principal(person), {
          method,
          path,
          ip: '127.0.0.1',
          nowMs: 0,
        });
        const code = verdict.kind === 'allow' ? 'allow' : verdict.code;
        seen.add(code);
        assert.equal(`${code} ${verdict.rule}`, expected);
      },
    ),
    { numRuns: 2000 },
  );
  for (const code of ['allow', 'denied', 'no_rule', 'scope', 'role', 'group', 'client'])
    assert.ok(seen.has(code), `the generator never led to ${code}`);
});

test('a long path against many stars takes one pass', () => {
  const rules = compileRules([{ name: 'r', effect: 'allow', paths: [`${'/*'.repeat(2000)}/end`] }]);
  const request = { method: 'GET', ip: '127.0.0.1', nowMs: 0 };
  const verdict = decide(rules, principal(), { ...request, path: `${'/a'.repeat(2000)}/no` });
  assert.equal(verdict.kind, 'deny');
});
