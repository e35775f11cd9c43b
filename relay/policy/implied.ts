import type { RuleConfig } from '../config/api-config.ts';
import { type PathPattern, compilePattern } from './pattern.ts';

const pairs = (
  inner: PathPattern,
  outer: PathPattern,
): (readonly [string | null, string | null])[] =>
  outer.segments.map((segment, at) => [segment, inner.segments[at] ?? null] as const);

function patternCovers(outer: PathPattern, inner: PathPattern): boolean {
  if (inner.rest && !outer.rest) return false;
  const enough = outer.rest
    ? inner.segments.length >= outer.segments.length
    : inner.segments.length === outer.segments.length;
  return (
    enough &&
    pairs(inner, outer).every(([wide, narrow]) => (wide === null ? narrow !== '' : wide === narrow))
  );
}

function patternsMeet(one: PathPattern, other: PathPattern): boolean {
  const [short, long] = one.segments.length <= other.segments.length ? [one, other] : [other, one];
  if (!short.rest && short.segments.length !== long.segments.length) return false;
  return pairs(long, short).every(
    ([a, b]) => a === b || (a === null && b !== '') || (b === null && a !== ''),
  );
}

const patternsOf = ({ paths }: RuleConfig): readonly PathPattern[] =>
  (paths ?? ['/**']).map(compilePattern);

const subset = (inner: readonly unknown[], outer: readonly unknown[]): boolean =>
  inner.every((one) => outer.includes(one));

/** Any one is enough: who has one of the inner list has one of the outer. */
const anyImplied = (outer: readonly unknown[] | undefined, inner: readonly unknown[] | undefined) =>
  outer === undefined || (inner !== undefined && subset(inner, outer));

/** All are needed: who has all of the inner list has all of the outer. */
const allImplied = (outer: readonly unknown[] | undefined, inner: readonly unknown[] | undefined) =>
  outer === undefined || (inner !== undefined && subset(outer, inner));

const same = (outer: unknown, inner: unknown): boolean =>
  outer === undefined || JSON.stringify(outer) === JSON.stringify(inner);

/**
 * Tells whether whatever one rule holds for, another holds for as well; by what is written, so a
 * false answer may be one that only thinking would find to be true.
 *
 * @param outer the rule that may be wider
 * @param inner the rule that may be narrower
 * @returns true when it surely is
 */
export function isImplied(outer: RuleConfig, inner: RuleConfig): boolean {
  return (
    anyImplied(outer.methods, inner.methods) &&
    patternsOf(inner).every((narrow) =>
      patternsOf(outer).some((wide) => patternCovers(wide, narrow)),
    ) &&
    allImplied(outer.scopes, inner.scopes) &&
    anyImplied(outer.anyScope, inner.anyScope) &&
    anyImplied(outer.roles, inner.roles) &&
    anyImplied(outer.groups, inner.groups) &&
    anyImplied(outer.clients, inner.clients) &&
    anyImplied(outer.acr, inner.acr) &&
    same(outer.claims, inner.claims) &&
    same(outer.from, inner.from) &&
    same(outer.when, inner.when) &&
    (outer.maxAgeMs ?? Infinity) >= (inner.maxAgeMs ?? Infinity)
  );
}

/**
 * Tells whether some method and path concern both rules.
 *
 * @param one a rule
 * @param other another
 * @returns true when there are such
 */
export function overlap(one: RuleConfig, other: RuleConfig): boolean {
  const methods =
    one.methods === undefined ||
    other.methods === undefined ||
    one.methods.some((method) => other.methods?.includes(method));
  return (
    methods &&
    patternsOf(one).some((pattern) => patternsOf(other).some((each) => patternsMeet(pattern, each)))
  );
}
