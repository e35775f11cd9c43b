import assert from 'node:assert/strict';
import { test } from 'node:test';
import { whenFault } from '../../relay/policy/when.ts';
import { requestDetails } from '../../relay/request-details.ts';

test('a condition whose time a caller could multiply is refused at load', () => {
  const faults: readonly (readonly [string, RegExp])[] = [
    // 2,000 digits took 9 s, cubic in their number.
    ['duration(request.query.t[0]) < duration("1h")', /duration\(\) on something else/],
    ['duration(claims.t) < duration("1h")', /duration\(\) on something else/],
    [
      'request.query.all(a, request.query.all(b, a != b))',
      /loops by all\(\) inside of a loop over something else than `a`'s own/,
    ],
    ['claims.o.exists(o, o.a.exists(a, o.a.exists(b, a == b)))', /than `a`'s own/],
    ['claims.a.exists(a, claims.b.filter(b, b == a).size() > 0)', /loops by filter/],
    ['cel.bind(a, claims.b, size(a) > 1)', /bind\(\), which is not available/],
    ['claims.a.map(a, a) == ["x"]', /map\(\), which is not available/],
    ['now.getHours(request.headers["x-zone"]) == 1', /time zone written in it/],
  ];
  for (const [text, fault] of faults) assert.match(whenFault(text) ?? 'none', fault, text);
});

test('a condition that would not do what it says is refused at load', () => {
  const faults: readonly (readonly [string, RegExp])[] = [
    // U+212A, the Kelvin sign, would become k.
    ['claims.unit.lowerAscii() == "kiosk"', /folds letters beyond ASCII/],
    ['duration("15 minutes") > duration("1m")', /such as duration\("15m"\)/],
    ['now > timestamp("2027-01-31T08:00:00.0")', /date, time and zone/],
    ['now.getHours("Nowhere/Zone") > 8', /time zone written in it/],
    ['now.getDayOfYear() > 8', /getDayOfYear\(\), which is not available/],
    ['bytes("{}").json() == {}', /json\(\), which is not available/],
  ];
  for (const [text, fault] of faults) assert.match(whenFault(text) ?? 'none', fault, text);
});

test('what is of use stays available', () => {
  for (const text of [
    'claims.orgs.exists(o, o.roles.exists(r, r == "admin"))',
    'claims.groups.exists(g, ["a", "b"].exists(p, g.startsWith(p)))',
    'claims.scopes.split(" ").exists(s, s == "a") && !claims.x.all(x, x > 1)',
    'now - timestamp(int(claims.auth_time)) < duration("1h30m")',
    'now.getHours("Europe/Berlin") in [8, 9] && now < timestamp("2027-01-31T08:00:00+01:00")',
    'has(claims.a) && size(claims.a) == 1 && claims.a.filter(x, x != "b").size() == 1',
  ])
    assert.equal(whenFault(text), undefined, text);
});

test('a field that does not reach the API, or that the relay sets, decides nothing', () => {
  const { headers } = requestDetails(
    [
      'Connection',
      'X-Env, close',
      'X-Env',
      'test',
      'X-Forwarded-For',
      '10.0.0.1',
      'X_Real_IP',
      '10.0.0.1',
      'X-HTTP-Method-Override',
      'DELETE',
      'X-Purpose',
      'audit',
      'X_Purpose',
      'prod',
    ],
    '',
  );
  assert.deepEqual({ ...headers }, { 'x-purpose': 'audit, prod' });
});
