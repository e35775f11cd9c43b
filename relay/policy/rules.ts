import type { RuleConfig } from '../config/api-config.ts';
import type { Conditions } from './conditions.ts';
import { compileNetwork } from './network.ts';
import { type Matcher, compileMatcher } from './matcher.ts';
import { type PathPattern, compilePattern, matchesPattern } from './pattern.ts';
import { compileWhen } from './when.ts';

/** A rule ready to be judged. */
export interface CompiledRule extends Conditions {
  /** Undefined: any method. */
  readonly methods: ReadonlySet<string> | undefined;
  /** Undefined: any path. */
  readonly patterns: readonly PathPattern[] | undefined;
}

/** The rules of one API. */
export interface CompiledRules {
  /** In the file's order. */
  readonly all: readonly CompiledRule[];
  /** Those whose paths match, in the file's order. */
  readonly about: Matcher<CompiledRule>;
}

/**
 * Compiles the rules of one API once, at load.
 *
 * @param rules checked ones, in the file's order
 * @returns what {@link decide} judges by
 */
export function compileRules(rules: readonly RuleConfig[]): CompiledRules {
  const all = rules.map((rule) => ({
    rule,
    methods: rule.methods && new Set(rule.methods),
    patterns: rule.paths?.map(compilePattern),
    network: rule.from && compileNetwork(rule.from),
    when: rule.when === undefined ? undefined : compileWhen(rule.when),
  }));
  return { all, about: compileMatcher(all) };
}

/**
 * Tells whether a rule is about a method and path at all.
 *
 * @param rule compiled
 * @param method exact, as sent
 * @param path cut by `pathSegments`
 * @returns true when both match
 */
export function concerns(rule: CompiledRule, method: string, path: readonly string[]): boolean {
  return (
    (rule.methods === undefined || rule.methods.has(method)) &&
    (rule.patterns === undefined || rule.patterns.some((pattern) => matchesPattern(pattern, path)))
  );
}
