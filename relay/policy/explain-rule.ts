import type { Principal } from '../auth/principal.ts';
import type { RuleConfig } from '../config/api-config.ts';
import { claimAt } from './conditions.ts';
import { judgeRule, type RuleOutcome } from './decide.ts';
import type { CompiledRule } from './rules.ts';
import type { PolicyRequest } from './verdict.ts';

/** One rule's verdict on one request, in words for people. */
export interface ExplainedRule {
  readonly name: string;
  /** `no`: it does not hold, and the next one is asked. */
  readonly verdict: 'allow' | 'deny' | 'no';
  readonly why: string;
}

type Reason = (rule: RuleConfig, principal: Principal, request: PolicyRequest) => string;

function joined(words: readonly string[], last: 'and' | 'or'): string {
  if (words.length < 2) return words[0] ?? 'none';
  return `${words.slice(0, -1).join(', ')} ${last} ${words.at(-1)}`;
}

function span(ms: number): string {
  const minutes = Math.round(ms / 60_000);
  if (minutes < 2) return `${Math.round(ms / 1000)} seconds`;
  return minutes < 120 ? `${minutes} minutes` : `${Math.round(minutes / 60)} hours`;
}

const shown = (value: unknown): string =>
  value === undefined ? 'absent' : JSON.stringify(value).slice(0, 200);

function scopeReason(rule: RuleConfig, { scopes }: Principal): string {
  const has = scopes.length === 0 ? 'the token has none' : `the token has ${joined(scopes, 'and')}`;
  const lacking = (rule.scopes ?? []).filter((scope) => !scopes.includes(scope));
  if (lacking.length > 0) return `It wants the scope ${joined(lacking, 'and')}; ${has}.`;
  return `It wants one of the scopes ${joined(rule.anyScope ?? [], 'or')}; ${has}.`;
}

function claimReason(rule: RuleConfig, { claims }: Principal): string {
  const wanted = Object.entries(rule.claims ?? {}).map(
    ([path, value]) =>
      `the claim ${path} to be ${joined([value].flat().map(shown), 'or')}, and it is ${shown(claimAt(claims, path))}`,
  );
  return `It wants ${wanted.join('; and ')}.`;
}

function signInReason(rule: RuleConfig, principal: Principal, { nowMs }: PolicyRequest): string {
  const reasons: string[] = [];
  if (rule.acr && !rule.acr.includes(principal.acr ?? ''))
    reasons.push(
      `It wants a sign-in of strength ${joined(rule.acr, 'or')}; this one is ${principal.acr ?? 'of unknown strength'}.`,
    );
  if (rule.maxAgeMs !== undefined) {
    const ageMs = principal.authTime === undefined ? undefined : nowMs - principal.authTime * 1000;
    const age =
      ageMs === undefined || ageMs < 0
        ? 'it is not known when this was'
        : `this was ${span(ageMs)} ago`;
    if (ageMs === undefined || ageMs < 0 || ageMs > rule.maxAgeMs)
      reasons.push(`It wants a sign-in at most ${span(rule.maxAgeMs)} old; ${age}.`);
  }
  return reasons.join(' ');
}

const reasons: Readonly<Record<Exclude<RuleOutcome, 'holds' | 'not_concerned'>, Reason>> = {
  client: (rule, { clientId }) =>
    `It is for the application ${joined(rule.clients ?? [], 'or')}; this token was issued to ${clientId ?? 'an unknown one'}.`,
  network: (rule, _principal, { ip }) =>
    `It is for requests from ${joined(rule.from ?? [], 'or')}; this one comes from ${ip}.`,
  scope: scopeReason,
  role: (rule, { roles }) =>
    `It wants the role ${joined(rule.roles ?? [], 'or')}; this person has ${joined(roles, 'and')}.`,
  group: (rule, { groups }) =>
    `It wants a member of ${joined(rule.groups ?? [], 'or')}; this person is in ${joined(groups, 'and')}.`,
  claim: claimReason,
  condition: (rule) => `Its condition does not hold: ${rule.when ?? ''}`,
  step_up: signInReason,
};

function elsewhere({ rule }: CompiledRule, { method, path }: PolicyRequest): string {
  if (rule.methods && !rule.methods.includes(method))
    return `It is about ${joined(rule.methods, 'and')}; this is ${method}.`;
  return `It is about ${joined(rule.paths ?? [], 'and')}; this is ${path}.`;
}

/**
 * Says in plain words what one rule makes of a request, and why.
 *
 * @param compiled the rule
 * @param principal who is calling
 * @param request the canonical request, its path relative to the API
 * @returns the verdict and its reason
 */
export function explainRule(
  compiled: CompiledRule,
  principal: Principal,
  request: PolicyRequest,
): ExplainedRule {
  const { name, effect } = compiled.rule;
  const outcome = judgeRule(compiled, principal, request);
  if (outcome === 'holds') {
    const why = 'It is about this method and path, and every condition of it holds.';
    return { name, verdict: effect, why };
  }
  const why =
    outcome === 'not_concerned'
      ? elsewhere(compiled, request)
      : reasons[outcome](compiled.rule, principal, request);
  return { name, verdict: 'no', why };
}
