import assert from 'node:assert/strict';
import { test } from 'node:test';
import { localReference, type LocalNames } from '../../../app/main/agent/proxy/local-names.ts';

const relayOrigin = 'https://relay.example.com';
const apis = [
  { name: 'billing', path: '/billing', hosts: ['billing.internal.example.com'] },
  { name: 'hr', path: '/people/hr', hosts: [] },
];
const localUrl = 'http://localhost:5390';
const byPath: LocalNames = {
  relayOrigin,
  localUrl,
  apis,
  authority: 'localhost:5390',
  host: { kind: 'loopback' },
};
const bySite: LocalNames = {
  relayOrigin,
  localUrl,
  apis,
  authority: 'billing.internal.example.com',
  host: { kind: 'site', host: 'billing.internal.example.com' },
};
const byName: LocalNames = {
  relayOrigin,
  localUrl,
  apis,
  authority: 'hr.localhost:5390',
  host: { kind: 'api', name: 'hr' },
};

const cases: readonly [LocalNames, string, string][] = [
  [byPath, `${relayOrigin}/billing/a?b#c`, 'http://localhost:5390/billing/a?b#c'],
  [byPath, relayOrigin, 'http://localhost:5390/'],
  [byPath, `${relayOrigin}?x`, 'http://localhost:5390/?x'],
  [byPath, '/billing/a', '/billing/a'],
  [byName, `${relayOrigin}/people/hr/a?b`, 'http://hr.localhost:5390/a?b'],
  [byName, `${relayOrigin}/people/hr`, 'http://hr.localhost:5390/'],
  [byName, `${relayOrigin}/people/hr?x`, 'http://hr.localhost:5390/?x'],
  [byName, '/people/hr/a', 'http://hr.localhost:5390/a'],
  [byName, '/people/hrx/a', 'http://localhost:5390/people/hrx/a'],
  [byName, `${relayOrigin}/billing/a`, 'http://localhost:5390/billing/a'],
  [bySite, `${relayOrigin}/billing/a?b`, 'http://billing.internal.example.com/a?b'],
  [bySite, '/billing/a', 'http://billing.internal.example.com/a'],
  [bySite, `${relayOrigin}/people/hr/a`, 'http://localhost:5390/people/hr/a'],
];

for (const [names, value, expected] of cases)
  test(`by ${names.host.kind}, ${value} is ${expected}`, () => {
    assert.equal(localReference(value, names), expected);
  });

test('references to others, and relative ones, stay as they are', () => {
  for (const names of [byPath, byName, bySite])
    for (const value of [
      'https://relay.example.com.evil.example/billing',
      'https://relay.example.com:444/billing',
      'http://relay.example.com/billing',
      'https://evil.example/',
      '//relay.example.com/billing',
      'a/b',
      '?x',
      '',
    ])
      assert.equal(localReference(value, names), value);
});
