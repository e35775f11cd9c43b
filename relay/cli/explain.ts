import { readFile } from 'node:fs/promises';
import { principalFromClaims } from '../auth/claims.ts';
import type { IssuerConfig, RelayConfig } from '../config/config.ts';
import { loadConfig } from '../config/load.ts';
import { decide } from '../policy/decide.ts';
import { explainRule, type ExplainedRule } from '../policy/explain-rule.ts';
import { compileRules } from '../policy/rules.ts';
import type { PolicyRequest } from '../policy/verdict.ts';
import { requestDetails } from '../request-details.ts';
import { createRoutes } from '../upstream/routes.ts';
import { ProblemError } from '../../wire/problem.ts';
import { canonicalTarget } from '../../wire/target.ts';
import { decodedClaims, verifiedClaims } from './token.ts';
import type { CommandIo } from './io.ts';
import { type Options, readOptions, reportConfigError, reportUsage } from './options.ts';

const USAGE =
  'latchkey-relay explain --config relay.yaml (--claims claims.json | --token-file token [--offline]) --method GET --path /api/path [--from IP] [--headers headers.json] [--json]';
const HOUR_S = 3600;

type Claims = Readonly<Record<string, unknown>>;
type Asked = PolicyRequest & { readonly headers: readonly string[] };

interface Explanation {
  readonly decision: 'allow' | 'deny';
  readonly code: string | null;
  readonly api: string | null;
  readonly rule: string | null;
  readonly rules: readonly ExplainedRule[];
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

function explainRequest(config: RelayConfig, given: Claims, request: Asked): Explanation {
  const issuer = issuerOf(config, given);
  if (!issuer) return refusedWith('token_issuer');
  const nowS = Math.floor(request.nowMs / 1000);
  const claims = { iss: issuer.issuer, exp: nowS + HOUR_S, ...given };
  if (!isForUs(claims, issuer)) return refusedWith('token_audience');
  const principal = principalFromClaims(claims, issuer, 'explain');
  if (principal.expiresAtMs + issuer.clockToleranceMs <= request.nowMs)
    return refusedWith('token_expired');
  const { path, query } = canonicalTarget(
    { method: request.method, url: request.path, rawHeaders: ['Host', 'localhost'] },
    config.limits,
  );
  const route = createRoutes(config.apis).find(path);
  if (!route) return refusedWith('unknown_api');
  const { api, relativePath } = route;
  const rules = compileRules(api.rules);
  const details = () => requestDetails(request.headers, query);
  const relative = { ...request, path: relativePath, details };
  const verdict = decide(rules, principal, relative);
  return {
    decision: verdict.kind,
    code: verdict.kind === 'deny' ? verdict.code : null,
    api: api.name,
    rule: verdict.rule ?? null,
    rules: rules.all.map((rule) => explainRule(rule, principal, relative)),
  };
}

const NEXT: Readonly<Record<string, string>> = {
  scope: 'The issuer must grant the scope to this person or client, or the rule must ask for less.',
  role: 'Give the person the role at the identity provider, or change the rule.',
  group: 'Make the person a member at the identity provider, or change the rule.',
  claim: 'The identity provider must put that value into access tokens, or the rule must change.',
  client: 'Add the application to the rule, or use the one it names.',
  network: 'Make the request from such a network, or add this one to the rule.',
  condition: 'Compare the condition with the claims and the request.',
  step_up: 'Signing in again helps: the Latchkey app asks for it by itself.',
  denied: 'A deny rule decided; only another rule above it, or its change, lets this through.',
  no_rule: 'No rule is about this method and path; add one if it is to be allowed.',
  unknown_api: 'No API of the file has this path.',
  token_issuer: 'The `iss` of the claims is no issuer of the file.',
  token_audience: 'The `aud` of the claims is not what the issuer of the file expects.',
  token_expired: 'The claims are of a token that has ended.',
};

function asText(explanation: Explanation, about: string): string {
  const { decision, code, api, rule, rules } = explanation;
  const by =
    rule === null ? '' : decision === 'allow' ? `, by the rule ${rule}` : `, see the rule ${rule}`;
  const next = code === null ? undefined : NEXT[code];
  return [
    `${decision === 'allow' ? 'ALLOWED' : 'REFUSED'}${code === null ? '' : ` (${code})`}${by}`,
    `Request: ${about}`,
    api === null
      ? 'API: none'
      : `API: ${api}, the one with the longest path that this request begins with`,
    ...(rules.length === 0 ? [] : ['Rules, asked in this order; the first that holds decides:']),
    ...rules.map(({ name, verdict, why }) => `  ${name}: ${verdict}. ${why}`),
    ...(next === undefined ? [] : [`What would help: ${next}`]),
    '',
  ].join('\n');
}

async function readObject(file: string): Promise<Claims> {
  const value: unknown = JSON.parse(await readFile(file, 'utf8'));
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new TypeError('not a JSON object');
  return value as Claims;
}

async function headersOf(file: string | undefined): Promise<readonly string[]> {
  if (file === undefined) return [];
  return Object.entries(await readObject(file)).flatMap(([name, value]) => [name, String(value)]);
}

/** What the files given hold; undefined when one does not hold a JSON object. */
async function readInputs({ values }: Options) {
  try {
    const headers = await headersOf(values['headers']);
    const claims = values['claims'] === undefined ? undefined : await readObject(values['claims']);
    return { headers, claims };
  } catch {
    return undefined;
  }
}

async function claimsOfToken(
  config: RelayConfig,
  { values, flags }: Options,
  io: CommandIo,
): Promise<Claims | ProblemError> {
  const token = (await readFile(values['token-file'] ?? '', 'utf8')).trim();
  try {
    if (!flags.has('offline')) return await verifiedClaims(config, token);
    io.stderr.write('NOT VERIFIED: the token was only decoded; anybody can write such a token.\n');
    return decodedClaims(token);
  } catch (error) {
    if (!(error instanceof ProblemError)) throw error;
    io.stderr.write(`${error.message}\n`);
    return error;
  }
}

function faultOf({ values, flags }: Options): string | undefined {
  const name = ['config', 'method', 'path'].find((one) => values[one] === undefined);
  if (name !== undefined) return `--${name} is missing`;
  if ((values['claims'] === undefined) === (values['token-file'] === undefined))
    return 'give either --claims or --token-file';
  if (flags.has('offline') && values['token-file'] === undefined)
    return '--offline is for --token-file; --claims needs no network';
  return undefined;
}

function readUsage(argv: readonly string[]): Options | string {
  try {
    const names = ['config', 'claims', 'token-file', 'method', 'path', 'from', 'headers'];
    const options = readOptions(argv, { values: names, flags: ['json', 'offline'] });
    return faultOf(options) ?? options;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function answer(config: RelayConfig, claims: Claims, request: Asked): Explanation {
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
  const { config: file = '', method = '', path = '', from: ip = '127.0.0.1' } = options.values;
  const inputs = await readInputs(options);
  if (inputs === undefined)
    return reportUsage('--claims and --headers must name files with a JSON object each', USAGE, io);
  try {
    const config = await loadConfig(file, { env: io.env });
    const nowMs = (io.now ?? Date.now)();
    const read = inputs.claims ?? (await claimsOfToken(config, options, io));
    const request = { method, path, ip, nowMs, headers: inputs.headers };
    const explanation =
      read instanceof ProblemError ? refusedWith(read.code) : answer(config, read, request);
    const sub = read instanceof ProblemError ? undefined : read['sub'];
    const whose = typeof sub === 'string' ? sub : 'unknown';
    const about = `${method} ${path} from ${ip}, for the subject ${whose}`;
    const json = options.flags.has('json');
    io.stdout.write(json ? `${JSON.stringify(explanation)}\n` : asText(explanation, about));
    return explanation.decision === 'allow' ? 0 : 1;
  } catch (error) {
    return reportConfigError(error, io);
  }
}
