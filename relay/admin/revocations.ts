import express, {
  type Express,
  type NextFunction,
  type Request,
  type RequestHandler,
  type Response,
} from 'express';
import type { Ledger } from '../../audit/ledger.ts';
import { parseJsonObject } from '../auth/json.ts';
import type { IssuerConfig } from '../config/config.ts';
import { asProblem } from '../respond.ts';
import type { Revocation, SharedState } from '../state/shared-state.ts';
import { refuseMethod, sendProblem } from './problem.ts';
import { requireJson } from './require-json.ts';

/** What ending sessions by hand needs. */
export interface RevocationsDeps {
  /** Of the configuration now in force. */
  readonly issuers: () => readonly IssuerConfig[];
  readonly state: Pick<SharedState, 'revoke' | 'revocations' | 'isRevoked'>;
  /** How many open exchanges a revocation ends. */
  readonly streamsOf: (revocation: Revocation) => number | Promise<number>;
  readonly ledger: Pick<Ledger, 'append'>;
  readonly now: () => number;
}

/** What was asked for, checked. */
interface Order {
  readonly revocation: Revocation;
  readonly reason: string | undefined;
}

/** A fault in what was sent; the message says what to send. */
class BadOrder extends Error {}

const keptMs = 30 * 86_400_000;
const maxReason = 500;
const maxListed = 1_000;
const members = new Set(['issuer', 'user', 'sub', 'sid', 'jti', 'reason']);

function textAt(order: Readonly<Record<string, unknown>>, name: string): string | undefined {
  const value = order[name];
  if (value === undefined) return undefined;
  if (typeof value !== 'string' || value === '' || value.length > 2_000)
    throw new BadOrder(`\`${name}\` must be a text of 1 to 2000 characters.`);
  return value;
}

function chooseIssuer(name: string | undefined, issuers: readonly IssuerConfig[]): IssuerConfig {
  const [only, ...others] = issuers;
  if (name === undefined && only !== undefined && others.length === 0) return only;
  const found = issuers.find(({ issuer }) => issuer === name);
  if (found !== undefined) return found;
  const known = issuers.map(({ issuer }) => issuer).join(', ');
  throw new BadOrder(`\`issuer\` must be one of those configured: ${known}.`);
}

function whatToRevoke(
  order: Readonly<Record<string, unknown>>,
  issuer: IssuerConfig,
): Pick<Revocation, 'kind' | 'value'> {
  const user = textAt(order, 'user');
  if (user !== undefined && issuer.claims.user !== 'sub')
    throw new BadOrder(
      `Give \`sub\` in place of \`user\`: this issuer's people are named by the claim ${issuer.claims.user}, and sessions by \`sub\`.`,
    );
  const sub = textAt(order, 'sub');
  const named = [
    { kind: 'sub', value: user },
    { kind: 'sub', value: sub },
    { kind: 'sid', value: textAt(order, 'sid') },
    { kind: 'jti', value: textAt(order, 'jti') },
  ] as const;
  const [one, ...more] = named.filter(({ value }) => value !== undefined);
  if (one?.value === undefined || more.length > 0)
    throw new BadOrder('Give exactly one of `user`, `sub`, `sid` and `jti`.');
  return { kind: one.kind, value: one.value };
}

function readOrder(body: unknown, issuers: readonly IssuerConfig[], nowMs: number): Order {
  const parsed = parseJsonObject(Buffer.isBuffer(body) ? body : Buffer.alloc(0));
  if (parsed.kind !== 'object')
    throw new BadOrder('Send a JSON object such as {"user": "…", "reason": "…"}.');
  const unknown = Object.keys(parsed.value).find((name) => !members.has(name));
  if (unknown !== undefined)
    throw new BadOrder(`Only these members are known: ${[...members].join(', ')}.`);
  const issuer = chooseIssuer(textAt(parsed.value, 'issuer'), issuers);
  const reason = textAt(parsed.value, 'reason');
  if (reason !== undefined && reason.length > maxReason)
    throw new BadOrder(`\`reason\` has at most ${maxReason} characters.`);
  return {
    reason,
    revocation: {
      issuer: issuer.issuer,
      ...whatToRevoke(parsed.value, issuer),
      // The issuer's clock may be ahead: what it issued until now may bear a later date.
      revokedAtMs: nowMs + issuer.clockToleranceMs,
      expiresAtMs: nowMs + keptMs,
    },
  };
}

function shown({ issuer, kind, value, revokedAtMs, expiresAtMs }: Revocation) {
  return {
    issuer,
    kind,
    value,
    issuedUntil: new Date(revokedAtMs).toISOString(),
    keptUntil: new Date(expiresAtMs).toISOString(),
  };
}

/** What failed, in the words of the public listener; the stack stays here. */
function answerFault(error: unknown, _request: Request, response: Response, next: NextFunction) {
  if (response.headersSent) {
    next(error);
    return;
  }
  const status = (error as { status?: unknown } | null)?.status;
  if (error instanceof BadOrder) {
    sendProblem(response, 400, 'bad_request', error.message);
  } else if (status === 413) {
    sendProblem(response, 413, 'too_large', 'An order has at most 16 KB.');
  } else if (status === 400 || status === 415) {
    sendProblem(response, 400, 'bad_request', 'The body cannot be read.');
  } else {
    const problem = asProblem(error);
    const detail =
      problem.code === 'audit_unavailable'
        ? 'The revocation is in force, but could not be recorded. Send it again.'
        : problem.message;
    response.set(problem.headers);
    sendProblem(response, problem.status, problem.code, detail, { title: problem.title });
  }
}

/**
 * Adds the routes by which IT ends sessions: `POST /revocations` and `GET /revocations`.
 *
 * @param app the management listener's application, behind its guard
 * @param deps where revocations are kept and recorded
 */
export function mountRevocations(app: Express, deps: RevocationsDeps): void {
  const { state, ledger, now } = deps;
  const ipOf = (request: Request): { readonly ip?: string } =>
    request.socket.remoteAddress === undefined ? {} : { ip: request.socket.remoteAddress };

  async function revoke(request: Request, response: Response): Promise<void> {
    const { revocation, reason } = readOrder(request.body, deps.issuers(), now());
    const streamsCut = await deps.streamsOf(revocation);
    await state.revoke(revocation);
    const { issuer, kind, value } = revocation;
    await ledger.append('sign-out', {
      issuer,
      ...(kind === 'sub' ? { user: value } : {}),
      ...ipOf(request),
      count: streamsCut,
      detail: JSON.stringify({ by: 'admin', kind, ...(reason === undefined ? {} : { reason }) }),
    });
    response.json({ revoked: shown(revocation), streamsCut });
  }

  async function list(request: Request, response: Response): Promise<void> {
    const all = state.revocations();
    await ledger.append('admin-read', { ...ipOf(request), detail: 'revocations' });
    response.json({ total: all.length, revocations: all.slice(0, maxListed).map(shown) });
  }

  const route =
    (serve: (request: Request, response: Response) => Promise<void>): RequestHandler =>
    async (request, response, next) => {
      try {
        await serve(request, response);
      } catch (error) {
        next(error);
      }
    };
  app.get('/revocations', route(list));
  app.post(
    '/revocations',
    requireJson,
    express.raw({ type: () => true, limit: 16 * 1024, inflate: false }),
    route(revoke),
  );
  app.all('/revocations', (_request, response) => {
    refuseMethod(response, ['GET', 'HEAD', 'POST']);
  });
  app.use('/revocations', answerFault);
}
