import assert from 'node:assert/strict';
import { test } from 'node:test';
import { describeRules } from '../../../relay/policy/describe.ts';
import { compileRules } from '../../../relay/policy/rules.ts';
import { principal } from '../../support/principal.ts';

test('shows allow rules only, each with what this person lacks', () => {
  const rules = compileRules([
    { name: 'never', effect: 'deny', methods: ['DELETE'] },
    { name: 'read', effect: 'allow', methods: ['GET'], paths: ['/a/**'], scopes: ['a.read'] },
    { name: 'write', effect: 'allow', methods: ['POST'], scopes: ['a.read', 'a.write'] },
    { name: 'delete', effect: 'allow', methods: ['DELETE'] },
    { name: 'approve', effect: 'allow', methods: ['PUT'], roles: ['boss', 'owner'] },
    { name: 'any', effect: 'allow', from: ['10.0.0.0/8'], maxAgeMs: 1000, acr: ['mfa'] },
  ]);
  assert.deepEqual(describeRules(rules, principal({ scopes: ['a.read'] })), [
    { name: 'read', methods: ['GET'], paths: ['/a/**'], allowed: true },
    {
      name: 'write',
      methods: ['POST'],
      paths: ['/**'],
      allowed: false,
      missing: 'scope a.write',
    },
    {
      name: 'delete',
      methods: ['DELETE'],
      paths: ['/**'],
      allowed: false,
      missing: 'denied never',
    },
    {
      name: 'approve',
      methods: ['PUT'],
      paths: ['/**'],
      allowed: false,
      missing: 'role boss or owner',
    },
    { name: 'any', methods: ['*'], paths: ['/**'], allowed: true },
  ]);
});

test('a deny rule that covers only a part, or other people, hides nothing', () => {
  const [only] = describeRules(
    compileRules([
      { name: 'part', effect: 'deny', paths: ['/secret/**'] },
      { name: 'others', effect: 'deny', roles: ['contractor'] },
      { name: 'all', effect: 'allow' },
    ]),
    principal(),
  );
  assert.equal(only?.allowed, true);
});
