import type { Principal } from '../auth/principal.ts';
import { type ConditionCode, firstFailure } from './conditions.ts';
import { pathSegments } from './pattern.ts';
import { type CompiledRule, type CompiledRules, concerns } from './rules.ts';
import type { PolicyRequest, Verdict } from './verdict.ts';

/** What one rule says of a request. */
export type RuleOutcome = 'holds' | 'not_concerned' | ConditionCode;

/**
 * Judges one rule by itself.
 *
 * @param rule compiled
 * @param principal who is calling
 * @param request the canonical request, its path relative to the API
 * @returns `holds`, `not_concerned` (another method or path), or the first condition that fails
 */
export function judgeRule(
  rule: CompiledRule,
  principal: Principal,
  request: PolicyRequest,
): RuleOutcome {
  if (!request.path.startsWith('/')) return 'not_concerned';
  if (!concerns(rule, request.method, pathSegments(request.path))) return 'not_concerned';
  return firstFailure(rule, principal, request) ?? 'holds';
}

function sufficientScopes({ rule }: CompiledRule, principal: Principal): readonly string[] {
  const any = rule.anyScope?.some((scope) => principal.scopes.includes(scope)) ?? true;
  return [...new Set([...(rule.scopes ?? []), ...(any ? [] : (rule.anyScope ?? []).slice(0, 1))])];
}

type Denial = Extract<Verdict, { kind: 'deny' }>;

function refusal(compiled: CompiledRule, code: ConditionCode, principal: Principal): Denial {
  const { rule } = compiled;
  return {
    kind: 'deny',
    code,
    rule: rule.name,
    ...(code === 'scope' ? { scopes: sufficientScopes(compiled, principal) } : {}),
    // Both needs are named even where one holds: the next sign-in has to meet them together.
    ...(code === 'step_up' && rule.acr ? { acrValues: rule.acr } : {}),
    ...(code === 'step_up' && rule.maxAgeMs !== undefined
      ? { maxAgeSeconds: Math.floor(rule.maxAgeMs / 1000) }
      : {}),
  };
}

/**
 * Decides on a request: the first rule that holds decides; when none does, the first allow rule
 * about this method and path names its first failing condition.
 *
 * @param rules of the API that the path chose
 * @param principal who is calling
 * @param request the canonical request, its path relative to the API
 * @returns allow by a rule, or deny with a code
 */
export function decide(
  rules: CompiledRules,
  principal: Principal,
  request: PolicyRequest,
): Verdict {
  let nearest: Denial = { kind: 'deny', code: 'no_rule' };
  if (!request.path.startsWith('/')) return nearest;
  for (const compiled of rules.about(request.path)) {
    if (compiled.methods?.has(request.method) === false) continue;
    const outcome = firstFailure(compiled, principal, request) ?? 'holds';
    const { name, effect } = compiled.rule;
    if (outcome === 'holds')
      return effect === 'allow'
        ? { kind: 'allow', rule: name }
        : { kind: 'deny', code: 'denied', rule: name };
    if (effect === 'allow' && nearest.code === 'no_rule')
      nearest = refusal(compiled, outcome, principal);
  }
  return nearest;
}
