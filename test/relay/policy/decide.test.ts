import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Principal } from '../../../relay/auth/principal.ts';
import type { RuleConfig } from '../../../relay/config/api-config.ts';
import { decide } from '../../../relay/policy/decide.ts';
import { compileRules } from '../../../relay/policy/rules.ts';
import type { PolicyRequest, Verdict } from '../../../relay/policy/verdict.ts';
import { principal } from '../../support/principal.ts';

const NOW_MS = 1_800_000_000_000;
const request: PolicyRequest = { method: 'GET', path: '/x', ip: '10.1.2.3', nowMs: NOW_MS };

function verdictOf(
  rules: readonly Partial<RuleConfig>[],
  person: Partial<Principal> = {},
  ask: Partial<PolicyRequest> = {},
): Verdict {
  const named = rules.map((rule, at): RuleConfig => ({ name: `r${at}`, effect: 'allow', ...rule }));
  return decide(compileRules(named), principal(person), { ...request, ...ask });
}

function codeOf(...given: Parameters<typeof verdictOf>): string {
  const verdict = verdictOf(...given);
  return verdict.kind === 'allow' ? `allow ${verdict.rule}` : verdict.code;
}

test('no rules, no access', () => {
  assert.deepEqual(verdictOf([]), { kind: 'deny', code: 'no_rule' });
});

test('the first rule that holds decides', () => {
  const deny = { effect: 'deny', roles: ['contractor'] } as const;
  assert.deepEqual(verdictOf([deny, {}], { roles: ['contractor'] }), {
    kind: 'deny',
    code: 'denied',
    rule: 'r0',
  });
  assert.equal(codeOf([deny, {}]), 'allow r1');
  assert.equal(codeOf([{}, deny], { roles: ['contractor'] }), 'allow r0');
});

test('a later rule that holds wins over an earlier one that does not', () => {
  assert.equal(codeOf([{ scopes: ['a'] }, { scopes: ['b'] }], { scopes: ['b'] }), 'allow r1');
});

test('when none holds, the first allow rule about method and path names its failure', () => {
  const rules = [
    { methods: ['POST'], roles: ['x'] },
    { effect: 'deny', groups: ['g'] },
    { scopes: ['a'] },
    { roles: ['r'] },
  ] as const;
  assert.deepEqual(verdictOf(rules), { kind: 'deny', code: 'scope', rule: 'r2', scopes: ['a'] });
  assert.equal(codeOf([{ effect: 'deny', groups: ['g'] }]), 'no_rule');
});

test('failures are named in the order client, network, scope, role, group, claim, step_up', () => {
  const rule = {
    clients: ['c'],
    from: ['192.0.2.0/24'],
    scopes: ['s'],
    roles: ['r'],
    groups: ['g'],
    claims: { department: 'finance' },
    acr: ['mfa'],
  };
  const steps: readonly [string, Partial<Principal>, Partial<PolicyRequest>][] = [
    ['client', { clientId: 'c' }, {}],
    ['network', {}, { ip: '192.0.2.9' }],
    ['scope', { scopes: ['s'] }, {}],
    ['role', { roles: ['r'] }, {}],
    ['group', { groups: ['g'] }, {}],
    ['claim', { claims: { department: 'finance' } }, {}],
    ['step_up', { acr: 'mfa' }, {}],
  ];
  const person: Partial<Principal> = {};
  const ask: Partial<PolicyRequest> = {};
  for (const [code, gained, asked] of steps) {
    assert.equal(codeOf([rule], person, ask), code);
    Object.assign(person, gained);
    Object.assign(ask, asked);
  }
  assert.equal(codeOf([rule], person, ask), 'allow r0');
});

test('methods and elements compare exactly', () => {
  assert.equal(codeOf([{ methods: ['GET'] }], {}, { method: 'get' }), 'no_rule');
  assert.equal(codeOf([{ methods: ['GET'] }], {}, { method: 'HEAD' }), 'no_rule');
  assert.equal(codeOf([{ roles: ['admin'] }], { roles: ['administrator', 'Admin'] }), 'role');
  assert.equal(codeOf([{ scopes: ['a'] }], { scopes: ['a:b'] }), 'scope');
});

test('scopes: all of them; anyScope: one of them; the refusal names what would do', () => {
  assert.equal(codeOf([{ scopes: ['a', 'b'] }], { scopes: ['a'] }), 'scope');
  assert.equal(codeOf([{ scopes: ['a', 'b'] }], { scopes: ['b', 'a'] }), 'allow r0');
  assert.equal(codeOf([{ anyScope: ['a', 'b'] }], { scopes: ['b'] }), 'allow r0');
  const verdict = verdictOf([{ scopes: ['a'], anyScope: ['b', 'c'] }], { scopes: ['x'] });
  assert.deepEqual(verdict.kind === 'deny' && verdict.scopes, ['a', 'b']);
});

test('claims: equal or one of, by type, own members only', () => {
  const holds = (wanted: NonNullable<RuleConfig['claims']>, claims: object): boolean =>
    codeOf([{ claims: wanted }], { claims: { ...claims } }) === 'allow r0';
  assert.ok(holds({ d: 'a' }, { d: 'a' }));
  assert.ok(holds({ d: ['a', 'b'] }, { d: 'b' }));
  assert.ok(holds({ d: 'a' }, { d: ['z', 'a'] }));
  assert.ok(holds({ 'org.id': 7 }, { org: { id: 7 } }));
  assert.ok(holds({ 'https://x.example/d': 'a' }, { 'https://x.example/d': 'a' }));
  assert.ok(!holds({ level: 1 }, { level: '1' }));
  assert.ok(!holds({ admin: true }, { admin: 'true' }));
  assert.ok(!holds({ d: 'a' }, {}));
  assert.ok(!holds({ d: 'a', e: 'b' }, { d: 'a' }));
  assert.ok(!holds({ 'constructor.name': 'Object' }, {}));
  assert.ok(!holds({ d: 'a' }, { d: 'a b' }));
});

test('network: IPv4, IPv6, IPv4 in IPv6 form; an unknown address is refused either way', () => {
  const from = ['10.0.0.0/8', '2001:db8::/32', '192.0.2.7'];
  const at = (ip: string): string => codeOf([{ from }], {}, { ip });
  for (const ip of ['10.255.0.1', '::ffff:10.0.0.1', '2001:db8::5', '192.0.2.7'])
    assert.equal(at(ip), 'allow r0', ip);
  for (const ip of ['11.0.0.1', '2001:db9::1', '192.0.2.8', '', 'localhost'])
    assert.equal(at(ip), 'network', ip);
  assert.equal(codeOf([{ effect: 'deny', from }, {}], {}, { ip: '' }), 'denied');
  assert.equal(codeOf([{ effect: 'deny', from }, {}], {}, { ip: '11.0.0.1' }), 'allow r1');
});

test('maxAge: fresh enough, too old, missing and in the future', () => {
  const rule = { maxAgeMs: 900_000, acr: ['mfa', 'hwk'] };
  const at = (authTime?: number): string =>
    codeOf([rule], { acr: 'hwk', ...(authTime === undefined ? {} : { authTime }) });
  const nowS = NOW_MS / 1000;
  assert.equal(at(nowS), 'allow r0');
  assert.equal(at(nowS - 900), 'allow r0');
  assert.equal(at(nowS - 901), 'step_up');
  assert.equal(at(nowS + 1), 'step_up');
  assert.equal(at(), 'step_up');
  assert.equal(at(Number.NaN), 'step_up');
  assert.deepEqual(verdictOf([rule], { authTime: nowS }), {
    kind: 'deny',
    code: 'step_up',
    rule: 'r0',
    acrValues: ['mfa', 'hwk'],
    maxAgeSeconds: 900,
  });
});

test('path patterns', () => {
  const cases: readonly [pattern: string, path: string, matches: boolean][] = [
    ['/x/**', '/x', true],
    ['/x/**', '/x/', true],
    ['/x/**', '/x/y/z', true],
    ['/x/**', '/xy', false],
    ['/**', '/', true],
    ['/**', '/a/b', true],
    ['/x', '/x/', false],
    ['/x/', '/x', false],
    ['/x', '/X', false],
    ['/', '/', true],
    ['/', '/a', false],
    ['/*', '/', false],
    ['/*', '/a', true],
    ['/*', '/a/', false],
    ['/a/*/c', '/a/b/c', true],
    ['/a/*/c', '/a/c', false],
    ['/a/*/c', '/a/b/b/c', false],
    ['/a/*/c', '/a//c', false],
    ['/a/*/**', '/a', false],
    ['/a/*/**', '/a/b', true],
    ['/a@b', '/a%40b', true],
    ['/a%20b', '/a%20b', true],
    ['/x', 'x', false],
    ['/**', '', false],
  ];
  for (const [pattern, path, matches] of cases)
    assert.equal(
      codeOf([{ paths: [pattern] }], {}, { path }),
      matches ? 'allow r0' : 'no_rule',
      `${pattern} ${path}`,
    );
});
