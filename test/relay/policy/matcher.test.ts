import assert from 'node:assert/strict';
import { performance } from 'node:perf_hooks';
import { test } from 'node:test';
import * as fc from 'fast-check';
import type { RuleConfig } from '../../../relay/config/api-config.ts';
import { decide } from '../../../relay/policy/decide.ts';
import { compileMatcher } from '../../../relay/policy/matcher.ts';
import { compilePattern, matchesPattern, pathSegments } from '../../../relay/policy/pattern.ts';
import { compileRules } from '../../../relay/policy/rules.ts';
import { createRoutes } from '../../../relay/upstream/routes.ts';
import { principal } from '../../support/principal.ts';

test('the tree finds what trying each pattern finds, in order', () => {
  const segment = fc.constantFrom('a', 'b', '%40', '*');
  const pattern = fc
    .tuple(fc.array(segment, { maxLength: 4 }), fc.constantFrom('', '/', '/**'))
    .map(([parts, end]) => `/${parts.join('/')}${parts.length === 0 ? end.slice(1) : end}`);
  const path = fc
    .tuple(fc.array(fc.constantFrom('a', 'b', '@', 'c'), { maxLength: 5 }), fc.boolean())
    .map(([parts, slash]) => `/${parts.join('/')}${slash && parts.length > 0 ? '/' : ''}`);
  const patterns = fc.option(fc.array(pattern, { minLength: 1, maxLength: 3 }), { nil: undefined });
  fc.assert(
    fc.property(fc.array(patterns, { maxLength: 8 }), path, (given, path) => {
      const items = given.map((one, at) => ({ at, patterns: one?.map(compilePattern) }));
      const tried = items.filter(
        (item) => item.patterns?.some((one) => matchesPattern(one, pathSegments(path))) ?? true,
      );
      const found = compileMatcher(items)(path);
      assert.deepEqual(
        found.map(({ at }) => at),
        tried.map(({ at }) => at),
      );
    }),
    { numRuns: 5_000 },
  );
});

function rulesOf(api: number): RuleConfig[] {
  return Array.from({ length: 20 }, (_, at) => ({
    name: `rule-${at}`,
    effect: 'allow' as const,
    methods: at % 2 === 0 ? ['GET'] : ['POST', 'PUT'],
    paths: [`/area-${at}/**`, `/items-${api % 7}/*/part-${at}`],
    scopes: [`scope-${at}`],
  }));
}

/** APIs in use at a time, the same in both worlds: caches of the processor are not what is asked for. */
const USED = 300;

const apisOf = (count: number) =>
  Array.from({ length: count }, (_, at) => ({
    path: `/api-${at}`,
    rules: compileRules(rulesOf(at)),
  }));

test('deciding costs the same with 10,000 APIs as with 300', () => {
  const caller = principal({ scopes: ['scope-19'] });
  const worlds = [USED, 10_000].map((count) => createRoutes(apisOf(count)));
  const round = (routes: (typeof worlds)[number], salt: number): number => {
    const startMs = performance.now();
    for (let at = 0; at < 20_000; at++) {
      const api = (at * 7 + salt) % USED;
      const route = routes.find(`/api-${api}/area-19/x/y`);
      assert.ok(route);
      const request = { method: 'POST', path: route.relativePath, ip: '127.0.0.1', nowMs: 0 };
      assert.equal(decide(route.api.rules, caller, request).kind, 'allow');
    }
    return performance.now() - startMs;
  };
  const times: number[][] = [[], []];
  for (let turn = 0; turn < 9; turn++)
    worlds.forEach((world, at) => times[at]?.push(round(world, turn)));
  const [few = 0, many = 0] = times.map((each) => Math.min(...each));
  console.log(`decide: 10,000 APIs cost ${(many / few).toFixed(2)} of ${USED}`);
  // Trying each would take 33 times as long; other work on the machine makes two of one.
  assert.ok(many / few < 10, `${many / few} times as long`);
});
