import { readFile } from 'node:fs/promises';
import type { Principal } from '../auth/principal.ts';
import { principalFromClaims } from '../auth/claims.ts';
import type { IssuerConfig, RelayConfig } from '../config/config.ts';
import { loadConfig } from '../config/load.ts';
import { decide, judgeRule } from '../policy/decide.ts';
import { type CompiledRule, compileRules } from '../policy/rules.ts';
import type { PolicyRequest } from '../policy/verdict.ts';
import { createRoutes } from '../upstream/routes.ts';
import { ProblemError } from '../../wire/problem.ts';
import { canonicalTarget } from '../../wire/target.ts';
import type { CommandIo } from './io.ts';
import { type Options, readOptions, reportConfigError, reportUsage } from './options.ts';

const USAGE =
  'latchkey-relay explain --config relay.yaml --claims claims.json --method GET --path /api/path [--from IP] [--json]';
const HOUR_S = 3600;

type Claims = Readonly<Record<string, unknown>>;

interface Explanation {
  readonly decision: 'allow' | 'deny';
  readonly code: string | null;
  readonly api: string | null;
  readonly rule: string | null;
  readonly rules: readonly {
    readonly name: string;
    readonly verdict: 'allow' | 'deny' | 'no';
    readonly why: string;
  }[];
}

const refusedWith = (code: string, api: string | null = null): Explanation => ({
  decision: 'deny',
  code,
  api,
  rule: null,
  rules: [],
});

function issuerOf(config: RelayConfig, claims: Claims): IssuerConfig | undefined {
  const { iss } = claims;
  if (iss === undefined && config.issuers.length === 1) return config.issuers[0];
  return config.issuers.find(({ issuer }) => issuer === iss);
}

function isForUs(claims: Claims, issuer: IssuerConfig): boolean {
  const aud: readonly unknown[] = Array.isArray(claims['aud']) ? claims['aud'] : [claims['aud']];
  return claims['aud'] === undefined || issuer.audience.some((one) => aud.includes(one));
}

function explainRule(rule: CompiledRule, principal: Principal, request: PolicyRequest) {
  const { name, effect } = rule.rule;
  const outcome = judgeRule(rule, principal, request);
  if (outcome === 'holds') return { name, verdict: effect, why: 'every condition holds' };
  const why =
    outcome === 'not_concerned'
      ? 'it is about another method or path'
      : `its condition on ${outcome} does not hold`;
  return { name, verdict: 'no' as const, why };
}

function explainRequest(config: RelayConfig, given: Claims, request: PolicyRequest): Explanation {
  const issuer = issuerOf(config, given);
  if (!issuer) return refusedWith('token_issuer');
  const nowS = Math.floor(request.nowMs / 1000);
  const claims = { iss: issuer.issuer, exp: nowS + HOUR_S, ...given };
  if (!isForUs(claims, issuer)) return refusedWith('token_audience');
  const principal = principalFromClaims(claims, issuer, 'explain');
  if (principal.expiresAtMs + issuer.clockToleranceMs <= request.nowMs)
    return refusedWith('token_expired');
  const { path } = canonicalTarget(
    { method: request.method, url: request.path, rawHeaders: ['Host', 'localhost'] },
    config.limits,
  );
  const route = createRoutes(config.apis).find(path);
  if (!route) return refusedWith('unknown_api');
  const { api, relativePath } = route;
  const rules = compileRules(api.rules);
  const relative = { ...request, path: relativePath };
  const verdict = decide(rules, principal, relative);
  return {
    decision: verdict.kind,
    code: verdict.kind === 'deny' ? verdict.code : null,
    api: api.name,
    rule: verdict.rule ?? null,
    rules: rules.map((rule) => explainRule(rule, principal, relative)),
  };
}

function asText(explanation: Explanation): string {
  const { decision, code, api, rule, rules } = explanation;
  const head = [
    decision,
    code === null ? '' : ` (${code})`,
    api === null ? '' : `, API ${api}`,
    rule === null ? '' : `, rule ${rule}`,
  ].join('');
  return [head, ...rules.map(({ name, verdict, why }) => `  ${name}: ${verdict}, ${why}`), ''].join(
    '\n',
  );
}

async function readClaims(file: string): Promise<Claims> {
  const value: unknown = JSON.parse(await readFile(file, 'utf8'));
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new TypeError('not a JSON object');
  return value as Claims;
}

function missingOption({ values }: Options): string | undefined {
  const name = ['config', 'claims', 'method', 'path'].find((one) => values[one] === undefined);
  return name === undefined ? undefined : `--${name} is missing`;
}

function readUsage(argv: readonly string[]): Options | string {
  try {
    const names = ['config', 'claims', 'token-file', 'method', 'path', 'from'];
    const options = readOptions(argv, { values: names, flags: ['json'] });
    if (options.values['token-file'] !== undefined)
      return '--token-file is not available in this version; give the claims with --claims';
    return missingOption(options) ?? options;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function answer(config: RelayConfig, claims: Claims, request: PolicyRequest): Explanation {
  try {
    return explainRequest(config, claims, request);
  } catch (error) {
    if (error instanceof ProblemError) return refusedWith(error.code);
    throw error;
  }
}

/**
 * The command `explain`: what the relay would decide, and why, without any network.
 *
 * @param argv what follows the command's name
 * @param io where to write, and the environment; `now` in epoch ms
 * @returns exit code: 0 allow, 1 deny, 2 bad usage or configuration
 */
export async function explain(
  argv: readonly string[],
  io: CommandIo & { readonly now?: () => number },
): Promise<number> {
  const options = readUsage(argv);
  if (typeof options === 'string') return reportUsage(options, USAGE, io);
  const { config: file = '', claims: claimsFile = '', method = '', path = '' } = options.values;
  let claims: Claims;
  try {
    claims = await readClaims(claimsFile);
  } catch {
    return reportUsage('--claims must name a file with a JSON object of claims', USAGE, io);
  }
  try {
    const config = await loadConfig(file, { env: io.env });
    const ip = options.values['from'] ?? '127.0.0.1';
    const nowMs = (io.now ?? Date.now)();
    const explanation = answer(config, claims, { method, path, ip, nowMs });
    io.stdout.write(
      options.flags.has('json') ? `${JSON.stringify(explanation)}\n` : asText(explanation),
    );
    return explanation.decision === 'allow' ? 0 : 1;
  } catch (error) {
    return reportConfigError(error, io);
  }
}
