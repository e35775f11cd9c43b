import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import type { RuleConfig } from '../../../relay/config/api-config.ts';
import { decide } from '../../../relay/policy/decide.ts';
import { compileRules } from '../../../relay/policy/rules.ts';
import { principal } from '../../support/principal.ts';

const TRIPLES = Number(process.env['LATCHKEY_TRIPLES'] ?? 10_000);
const NOW_MS = Date.UTC(2026, 10, 23, 12);
const CODES = 'allow denied no_rule client network scope role group claim condition step_up'.split(
  ' ',
);
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
/** A small grammar of conditions, which the model evaluates by itself. */
type Condition =
  | { readonly kind: 'unit' | 'method' | 'purpose'; readonly is: string }
  | { readonly kind: 'level'; readonly least: number }
  | { readonly kind: 'not'; readonly of: Condition }
  | { readonly kind: 'and' | 'or'; readonly of: readonly [Condition, Condition] };

const { condition } = fc.letrec<{ condition: Condition }>((tie) => ({
  condition: fc.oneof(
    { maxDepth: 2, withCrossShrink: true },
    fc.record({
      kind: fc.constantFrom('unit' as const, 'method' as const, 'purpose' as const),
      is: fc.constantFrom('n', 's', 'GET'),
    }),
    fc.record({ kind: fc.constant('level' as const), least: fc.integer({ min: 0, max: 3 }) }),
    fc.record({ kind: fc.constant('not' as const), of: tie('condition') }),
    fc.record({
      kind: fc.constantFrom('and' as const, 'or' as const),
      of: fc.tuple(tie('condition'), tie('condition')),
    }),
  ),
}));

const written = new Map<string, Condition>();

function writeCondition(given: Condition): string {
  const text = ((): string => {
    switch (given.kind) {
      case 'unit':
        return `claims.unit == '${given.is}'`;
      case 'method':
        return `request.method == '${given.is}'`;
      case 'purpose':
        return `request.headers['x-purpose'] == '${given.is}'`;
      case 'level':
        return `claims.level >= ${given.least}`;
      case 'not':
        return `!(${writeCondition(given.of)})`;
      default: {
        const [one, other] = given.of.map(writeCondition);
        return `(${one}) ${given.kind === 'and' ? '&&' : '||'} (${other})`;
      }
    }
  })();
  written.set(text, given);
  return text;
}

/** CEL's three values: a side that is unknown leaves the other to decide. */
function naiveCondition(given: Condition, person: Person, method: string): boolean | undefined {
  switch (given.kind) {
    case 'unit':
      return person.unit === undefined ? undefined : person.unit === given.is;
    case 'method':
      return method === given.is;
    case 'purpose':
      return person.purpose === undefined ? undefined : person.purpose === given.is;
    case 'level':
      return person.level === undefined ? undefined : person.level >= given.least;
    case 'not': {
      const inner = naiveCondition(given.of, person, method);
      return inner === undefined ? undefined : !inner;
    }
    default: {
      const sides = new Set(given.of.map((side) => naiveCondition(side, person, method)));
      const decisive = given.kind === 'or';
      if (sides.has(decisive)) return decisive;
      return sides.has(undefined) ? undefined : !decisive;
    }
  }
}

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
    claims: fc.record({ unit: fc.oneof(fc.constantFrom('n', 's'), fc.constant(['n', 's'])) }),
    from: fc.constantFrom(['10.0.0.0/8'], ['192.0.2.7', '2001:db8::/32']),
    acr: fc.constantFrom(['mfa'], ['mfa', 'pwd']),
    maxAgeMs: fc.constantFrom(60_000, 3_600_000),
    when: condition.map(writeCondition),
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
  ip: string;
  acr: string | undefined;
  authTime: number | undefined;
  unit: string | undefined;
  level: number | undefined;
  purpose: string | undefined;
  clientId: string;
  scopes: string[];
  roles: string[];
  groups: string[];
}

function naiveNetwork(from: readonly string[] | undefined, ip: string): boolean {
  if (from === undefined) return true;
  if (from[0] === '10.0.0.0/8') return ip.startsWith('10.');
  return ip === '192.0.2.7' || ip.startsWith('2001:db8:');
}

function naiveLaterFailure(
  rule: Omit<RuleConfig, 'name'>,
  person: Person,
  method: string,
): string | undefined {
  const unit = rule.claims?.['unit'];
  if (unit !== undefined && (person.unit === undefined || ![unit].flat().includes(person.unit)))
    return 'claim';
  const condition = rule.when === undefined ? undefined : written.get(rule.when);
  if (condition && naiveCondition(condition, person, method) !== true) return 'condition';
  const ageMs = person.authTime === undefined ? Infinity : NOW_MS - person.authTime * 1000;
  if (rule.maxAgeMs !== undefined && !(ageMs >= 0 && ageMs <= rule.maxAgeMs)) return 'step_up';
  if (rule.acr && !(person.acr !== undefined && rule.acr.includes(person.acr))) return 'step_up';
  return undefined;
}

function naiveFailure(
  rule: Omit<RuleConfig, 'name'>,
  person: Person,
  method: string,
): string | undefined {
  const meets = (wanted: readonly string[] | undefined, has: string[]): boolean =>
    wanted === undefined || new Set([...wanted, ...has]).size < wanted.length + has.length;
  if (!meets(rule.clients, [person.clientId])) return 'client';
  if (!naiveNetwork(rule.from, person.ip)) return 'network';
  if (rule.scopes?.some((one) => !person.scopes.includes(one))) return 'scope';
  if (!meets(rule.anyScope, person.scopes)) return 'scope';
  if (!meets(rule.roles, person.roles)) return 'role';
  if (!meets(rule.groups, person.groups)) return 'group';
  return naiveLaterFailure(rule, person, method);
}

test('decide agrees with a naive model', () => {
  const has = fc.uniqueArray(fc.constantFrom('p', 'q', 'r'));
  const person = fc.record({
    ip: fc.constantFrom('10.1.2.3', '192.0.2.7', '198.51.100.1', '2001:db8::1', '2001:db9::1'),
    acr: fc.constantFrom(undefined, 'pwd', 'mfa'),
    authTime: fc.constantFrom(
      undefined,
      NOW_MS / 1000 - 30,
      NOW_MS / 1000 - 600,
      NOW_MS / 1000 + 9,
    ),
    unit: fc.constantFrom(undefined, 'n', 's'),
    level: fc.constantFrom(undefined, 0, 2),
    purpose: fc.constantFrom(undefined, 'n'),
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
        const first = about.find((one) => naiveFailure(one, person, method) === undefined);
        const nearest = about.find((one) => one.effect === 'allow');
        const expected = first
          ? `${first.effect === 'allow' ? 'allow' : 'denied'} ${first.name}`
          : nearest
            ? `${String(naiveFailure(nearest, person, method))} ${nearest.name}`
            : 'no_rule undefined';
        const { ip, acr, authTime, unit, level, purpose, ...lists } = person;
        const caller = principal({
          ...lists,
          ...(acr === undefined ? {} : { acr }),
          ...(authTime === undefined ? {} : { authTime }),
          claims: { ...(unit && { unit }), ...(level === undefined ? {} : { level }) },
        });
        const headers = { ...(purpose && { 'x-purpose': purpose }) };
        const details = () => ({ query: {}, headers });
        const request = { method, path, ip, nowMs: NOW_MS, details };
        const verdict = decide(compileRules(rules), caller, request);
        const code = verdict.kind === 'allow' ? 'allow' : verdict.code;
        seen.add(code);
        assert.equal(`${code} ${verdict.rule}`, expected);
      },
    ),
    { numRuns: TRIPLES },
  );
  for (const code of CODES) assert.ok(seen.has(code), `the generator never led to ${code}`);
});

test('a long path against many stars takes one pass', () => {
  const rules = compileRules([{ name: 'r', effect: 'allow', paths: [`${'/*'.repeat(2000)}/end`] }]);
  const request = { method: 'GET', ip: '127.0.0.1', nowMs: 0 };
  const verdict = decide(rules, principal(), { ...request, path: `${'/a'.repeat(2000)}/no` });
  assert.equal(verdict.kind, 'deny');
});
