import type { ApiConfig, RuleConfig } from '../config/api-config.ts';
import type { IssuerConfig } from '../config/config.ts';
import { isRelayed } from '../../wire/methods.ts';
import { isImplied, overlap } from './implied.ts';

/** Something in the policy that is allowed, and probably not what was meant. */
export interface PolicyWarning {
  /** Names and positions that lead to it in the file. */
  readonly path: readonly (string | number)[];
  readonly message: string;
}

const ON_THE_CALLER = [
  'scopes',
  'anyScope',
  'roles',
  'groups',
  'clients',
  'claims',
  'from',
  'acr',
  'maxAgeMs',
  'when',
] as const;

function ruleWarnings(rules: readonly RuleConfig[], at: number): readonly string[] {
  const rule = rules[at] as RuleConfig;
  const earlier = rules.slice(0, at);
  const shadow = earlier.find((other) => isImplied(other, rule));
  if (shadow)
    return [`never decides: whatever it holds for, the rule ${shadow.name} above decides already`];
  const warnings: string[] = [];
  if (rule.effect === 'allow' && ON_THE_CALLER.every((name) => rule[name] === undefined))
    warnings.push(
      'has no condition on the caller: everybody with a valid token is let through; name scopes, roles or groups if that is not meant',
    );
  const ahead = earlier.find((other) => other.effect === 'allow' && overlap(other, rule));
  if (rule.effect === 'deny' && ahead)
    warnings.push(
      `comes after ${ahead.name}, which allows some of what this denies: the first rule that holds decides; move this one up if it is to win`,
    );
  return warnings;
}

function methodWarnings({ methods = [] }: RuleConfig): readonly string[] {
  return methods
    .filter((method) => !isRelayed({ method }))
    .map((method) => `names ${method}, which is refused (405) whatever the rules say`);
}

function scopeWarnings(
  rule: RuleConfig,
  granted: ReadonlySet<string> | undefined,
): readonly string[] {
  if (granted === undefined) return [];
  return [...(rule.scopes ?? []), ...(rule.anyScope ?? [])]
    .filter((scope) => !granted.has(scope))
    .map(
      (scope) =>
        `wants the scope ${scope}, which no issuer's desktop.scopes has: people who sign in with the app never get it`,
    );
}

/** Each path that this one lies below, the shortest first. */
function pathsAbove(path: string): readonly string[] {
  const above: string[] = [];
  for (let at = path.indexOf('/', 1); at > 0; at = path.indexOf('/', at + 1))
    above.push(path.slice(0, at));
  return above;
}

function nested(api: ApiConfig, byPath: ReadonlyMap<string, ApiConfig>): readonly string[] {
  return pathsAbove(api.path)
    .flatMap((path) => byPath.get(path) ?? [])
    .map(
      ({ name, path }) =>
        `lies below ${path} of the API ${name}: what begins with ${api.path} goes to ${api.name} alone, by its own rules`,
    );
}

/**
 * Looks for what in a policy is probably not meant: rules that never decide, methods that nobody
 * may use, scopes that nobody gets, paths within paths, rules that let everybody through.
 *
 * @param config the APIs in the file's order, and the issuers
 * @returns a warning each, in the order of the file
 */
export function lintPolicy(config: {
  readonly apis: readonly ApiConfig[];
  readonly issuers: readonly IssuerConfig[];
}): readonly PolicyWarning[] {
  const desktops = config.issuers.flatMap(({ desktop }) => desktop ?? []);
  const granted =
    desktops.length === 0 ? undefined : new Set(desktops.flatMap(({ scopes }) => scopes));
  const byPath = new Map(config.apis.map((api) => [api.path, api]));
  return config.apis.flatMap((api) => {
    const path = ['apis', api.name];
    const own = nested(api, byPath).map((message) => ({ path, message }));
    if (api.rules.length === 0)
      own.push({ path, message: 'has no rules, so that every request is refused' });
    const ofRules = api.rules.flatMap((rule, at) =>
      [
        ...ruleWarnings(api.rules, at),
        ...methodWarnings(rule),
        ...scopeWarnings(rule, granted),
      ].map((message) => ({
        path: [...path, 'rules', at],
        message: `the rule ${rule.name} ${message}`,
      })),
    );
    return [...own, ...ofRules];
  });
}
