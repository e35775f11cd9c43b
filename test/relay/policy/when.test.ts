import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RuleConfig } from '../../../relay/config/api-config.ts';
import { decide } from '../../../relay/policy/decide.ts';
import { compileRules } from '../../../relay/policy/rules.ts';
import { compileWhen, whenFault } from '../../../relay/policy/when.ts';
import { requestDetails } from '../../../relay/request-details.ts';
import { principal } from '../../support/principal.ts';

const claims = {
  sub: 'u',
  department: 'finance',
  level: 3,
  ratio: 2.5,
  roles: ['a', 'b'],
  'https://example.com/unit': 'north',
};
const raw = [
  'Host',
  'x',
  'X-Purpose',
  'audit',
  'x-purpose',
  'year end',
  'Authorization',
  'Bearer s',
];
const request = {
  method: 'POST',
  path: '/invoices/7',
  ip: '127.0.0.1',
  nowMs: Date.UTC(2026, 10, 23, 12),
  details: () => requestDetails(raw, '?page=1&page=2&__proto__=x'),
};
const outcome = (expression: string): string => {
  assert.equal(whenFault(expression), undefined, expression);
  return compileWhen(expression)(claims, request);
};

test('attack: a claim, parameter or field called `constructor` decides nothing else', () => {
  const hostile = { level: 3, constructor: 'x', nested: [{ constructor: { name: 'y' } }] };
  const details = () => requestDetails(['Constructor', 'z', 'X-A', 'b'], '?page=1&constructor=2');
  for (const holds of [
    'claims.level >= 3.0',
    'has(claims.constructor) && claims.constructor == "x"',
    'claims.nested.exists(it, it.constructor.name == "y")',
    'request.query.page == ["1"] && request.query.constructor == ["2"]',
    'request.headers["x-a"] == "b" && request.headers["constructor"] == "z"',
  ])
    assert.equal(compileWhen(holds)(hostile, { ...request, details }), 'holds', holds);
  assert.equal(compileWhen('claims.constructor == "x"')(claims, request), 'absent');
  assert.equal(compileWhen('claims.nope == "x"')(hostile, request), 'absent');
});

test('conditions see claims, the canonical request and the time', () => {
  for (const holds of [
    'claims.department == "finance"',
    'claims.level >= 3 && claims.level in [1, 2, 3] && claims.ratio > 2',
    '"a" in claims.roles && claims.roles.exists(r, r.startsWith("b"))',
    'claims["https://example.com/unit"] == "north"',
    'request.method == "POST" && request.path.startsWith("/invoices/")',
    'request.headers["x-purpose"] == "audit, year end"',
    'request.query.page == ["1", "2"]',
    'now > timestamp("2026-11-23T00:00:00Z") && now.getHours() == 12',
    'has(claims.department) && !has(claims.nope)',
  ])
    assert.equal(outcome(holds), 'holds', holds);
  assert.equal(outcome('claims.department == "sales"'), 'fails');
});

test('secrets of the request are not there', () => {
  for (const name of ['authorization', 'cookie', 'dpop', 'x-latchkey-authorization'])
    assert.equal(outcome(`"${name}" in request.headers`), 'fails', name);
  assert.equal(outcome('"host" in request.headers'), 'holds');
});

test('nothing is found on the way to a prototype', () => {
  for (const expression of [
    'claims.constructor == 1',
    'claims.__proto__ == 1',
    'claims.toString == "x"',
    'request.headers["constructor"] == "x"',
    'request.query["toString"] == ["x"]',
  ])
    assert.equal(outcome(expression), 'absent', expression);
});

test('what is no condition is refused at load, with the reason', () => {
  const faults: readonly (readonly [string, RegExp])[] = [
    ['claims.', /is no CEL condition/],
    ['nope == 1', /Unknown variable: nope/],
    ['request.nope == "a"', /No such key: nope/],
    ['request.method > 3', /is no CEL condition/],
    ['1 + 1', /gives int/],
    ['claims.admin', /gives dyn/],
    ['claims.name.matches("(a+)+$")', /matches\(\)/],
    ['claims.list.all(x, x.matches("a"))', /matches\(\)/],
    ['fetch("https://evil.example") == "a"', /is no CEL condition/],
    [`"${'a'.repeat(2100)}" == "b"`, /at most 2000 characters/],
    [`${'('.repeat(300)}true${')'.repeat(300)}`, /is no CEL condition/],
    ['', /is no CEL condition/],
  ];
  for (const [expression, fault] of faults) assert.match(whenFault(expression) ?? 'none', fault);
});

const rule = (effect: RuleConfig['effect'], when: string): RuleConfig => ({
  name: effect,
  effect,
  when,
});
const verdict = (...rules: readonly RuleConfig[]) =>
  decide(compileRules(rules), principal({ claims }), request);

test('a claim that is absent makes the rule not hold, whatever its effect', () => {
  assert.deepEqual(verdict(rule('allow', 'claims.nope == 1')), {
    kind: 'deny',
    code: 'condition',
    rule: 'allow',
  });
  const denied = verdict(rule('deny', 'claims.nope == 1'), { name: 'all', effect: 'allow' });
  assert.equal(denied.kind, 'allow');
});

test('a condition that breaks on a value neither lets through nor past a deny rule', () => {
  const broken = 'claims.department > 3';
  assert.equal(verdict(rule('allow', broken)).kind, 'deny');
  const denied = verdict(rule('deny', broken), { name: 'all', effect: 'allow' });
  assert.deepEqual(denied, { kind: 'deny', code: 'denied', rule: 'deny' });
});

test('a condition is named before step-up, and after the claims', () => {
  const both = { ...rule('allow', 'false'), acr: ['mfa'] };
  assert.equal((verdict(both) as { code?: string }).code, 'condition');
  const earlier = { ...both, claims: { department: 'sales' } };
  assert.equal((verdict(earlier) as { code?: string }).code, 'claim');
});
