import { refuseQueryToken } from '../auth/bearer.ts';
import { checkLifetime } from '../auth/checks.ts';
import { principalFromClaims } from '../auth/claims.ts';
import type { IssuerConfig, RelayConfig } from '../config/config.ts';
import { loadConfig } from '../config/load.ts';
import { createHostCheck } from '../hosts.ts';
import { decide } from '../policy/decide.ts';
import { explainRule, type ExplainedRule } from '../policy/explain-rule.ts';
import { compileRules } from '../policy/rules.ts';
import type { PolicyRequest } from '../policy/verdict.ts';
import { readTarget } from '../read-target.ts';
import { requestDetails } from '../request-details.ts';
import { createRoutes } from '../upstream/routes.ts';
import { ProblemError } from '../../wire/problem.ts';
import { fieldValues } from '../../wire/headers.ts';
import type { Target } from '../../wire/target.ts';
import { decodedClaims, verifiedClaims } from './token.ts';
import type { CommandIo } from './io.ts';
import { readAsked } from './explain-options.ts';
import { reportConfigError, reportUsage } from './options.ts';

/** How it is called. */
export const EXPLAIN_USAGE =
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

/** What is asked for; without a `publicUrl` nobody but the running relay knows by which name it is called. */
function targetOf(config: RelayConfig, { method, path, headers }: Asked): Target {
  const { publicUrl } = config;
  const named = fieldValues(headers, 'host').length > 0;
  const host = publicUrl === undefined ? 'localhost' : new URL(publicUrl).host;
  const rawHeaders = named ? [...headers] : ['Host', host, ...headers];
  const checkHost = publicUrl === undefined ? () => undefined : createHostCheck(config, publicUrl);
  const target = readTarget({ method, url: path, rawHeaders }, config.limits, checkHost);
  refuseQueryToken(target.query);
  return target;
}

function explainRequest(
  config: RelayConfig,
  given: Claims | ProblemError,
  request: Asked,
): Explanation {
  const { path, query } = targetOf(config, request);
  if (given instanceof ProblemError) throw given;
  const issuer = issuerOf(config, given);
  if (!issuer) return refusedWith('token_issuer');
  const nowS = Math.floor(request.nowMs / 1000);
  const claims = { iss: issuer.issuer, exp: nowS + HOUR_S, ...given };
  if (!isForUs(claims, issuer)) return refusedWith('token_audience');
  const principal = principalFromClaims(claims, issuer, 'explain');
  checkLifetime(claims, issuer.clockToleranceMs, request.nowMs);
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
  method: 'No rule can let this method through; the relay refuses it for every API.',
  wrong_host: 'Use the host of `publicUrl`, or add this one to `additionalHosts`.',
  bad_credentials: 'Send the access token in the Authorization header, never in the URL.',
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
  token_not_yet_valid: 'The claims are of a token that begins later: see its `nbf`.',
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

async function claimsOfToken(
  config: RelayConfig,
  token: string,
  isOffline: boolean,
  io: CommandIo,
): Promise<Claims | ProblemError> {
  try {
    if (!isOffline) return await verifiedClaims(config, token);
    io.stderr.write('NOT VERIFIED: the token was only decoded; anybody can write such a token.\n');
    return decodedClaims(token);
  } catch (error) {
    if (!(error instanceof ProblemError)) throw error;
    io.stderr.write(`${error.message}\n`);
    return error;
  }
}

function answer(config: RelayConfig, given: Claims | ProblemError, request: Asked): Explanation {
  try {
    return explainRequest(config, given, request);
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
  const asked = await readAsked(argv);
  if (typeof asked === 'string') return reportUsage(asked, EXPLAIN_USAGE, io);
  const { method, path, ip } = asked;
  try {
    const config = await loadConfig(asked.config, { env: io.env });
    const nowMs = (io.now ?? Date.now)();
    const { subject } = asked;
    const read =
      subject.kind === 'claims'
        ? subject.claims
        : await claimsOfToken(config, subject.token, subject.isOffline, io);
    const request = { method, path, ip, nowMs, headers: asked.headers };
    const explanation = answer(config, read, request);
    const sub = read instanceof ProblemError ? undefined : read['sub'];
    const whose = typeof sub === 'string' ? sub : 'unknown';
    const about = `${method} ${path} from ${ip}, for the subject ${whose}`;
    io.stdout.write(asked.isJson ? `${JSON.stringify(explanation)}\n` : asText(explanation, about));
    return explanation.decision === 'allow' ? 0 : 1;
  } catch (error) {
    return reportConfigError(error, io);
  }
}
