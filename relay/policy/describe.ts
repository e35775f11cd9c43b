import type { Principal } from '../auth/principal.ts';
import type { RuleConfig } from '../config/api-config.ts';
import { type ConditionCode, firstPersonalFailure } from './conditions.ts';
import type { CompiledRule, CompiledRules } from './rules.ts';

/** An allow rule as `/.latchkey/apis` shows it to one person. */
export interface DescribedRule {
  readonly name: string;
  /** `*` alone: any. */
  readonly methods: readonly string[];
  /** Patterns relative to the API's path. */
  readonly paths: readonly string[];
  /** The conditions on the person hold; where and when (`from`, `acr`, `maxAge`, `when`) are not judged. */
  readonly allowed: boolean;
  /** Why not: `scope billing.write`, `role accountant`, `denied never-delete`. */
  readonly missing?: string;
}

function missingOf(rule: RuleConfig, code: ConditionCode, principal: Principal): string {
  switch (code) {
    case 'scope': {
      const lacking = (rule.scopes ?? []).filter((scope) => !principal.scopes.includes(scope));
      return `scope ${lacking.length > 0 ? lacking.join(' ') : (rule.anyScope ?? []).join(' or ')}`;
    }
    case 'role':
      return `role ${(rule.roles ?? []).join(' or ')}`;
    case 'group':
      return `group ${(rule.groups ?? []).join(' or ')}`;
    case 'claim':
      return `claim ${Object.keys(rule.claims ?? {}).join(', ')}`;
    default:
      return code;
  }
}

function within(
  inner: readonly string[] | undefined,
  outer: readonly string[] | undefined,
): boolean {
  return outer === undefined || (inner?.every((one) => outer.includes(one)) ?? false);
}

function shadows(deny: CompiledRule, allow: CompiledRule, principal: Principal): boolean {
  const { rule } = deny;
  return (
    rule.effect === 'deny' &&
    rule.from === undefined &&
    rule.acr === undefined &&
    rule.maxAgeMs === undefined &&
    rule.when === undefined &&
    within(allow.rule.methods, rule.methods) &&
    (rule.paths?.includes('/**') === true || within(allow.rule.paths, rule.paths)) &&
    firstPersonalFailure(deny, principal) === undefined
  );
}

/**
 * Describes the allow rules of an API to one person.
 *
 * @param rules compiled, in the file's order
 * @param principal who asks
 * @returns one entry an allow rule; not allowed also where an earlier deny rule covers it whole
 */
export function describeRules(
  rules: CompiledRules,
  principal: Principal,
): readonly DescribedRule[] {
  return rules.all.flatMap((compiled, at) => {
    const { rule } = compiled;
    if (rule.effect === 'deny') return [];
    const shadow = rules.all.slice(0, at).find((earlier) => shadows(earlier, compiled, principal));
    const failure = firstPersonalFailure(compiled, principal);
    const missing = shadow
      ? `denied ${shadow.rule.name}`
      : failure && missingOf(rule, failure, principal);
    return [
      {
        name: rule.name,
        methods: rule.methods ?? ['*'],
        paths: rule.paths ?? ['/**'],
        allowed: missing === undefined,
        ...(missing === undefined ? {} : { missing }),
      },
    ];
  });
}
