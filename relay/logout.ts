import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Ledger } from '../audit/ledger.ts';
import { fieldValues } from '../wire/headers.ts';
import type { Logout, LogoutTokens } from './auth/logout-token.ts';
import { RelayError } from './errors.ts';
import type { Revocation, SharedState } from './state/shared-state.ts';
import type { Visit } from './visit.ts';

/** What the endpoint works with. */
export interface LogoutDeps {
  readonly tokens: LogoutTokens;
  readonly state: Pick<SharedState, 'once' | 'revoke'>;
  readonly ledger: Pick<Ledger, 'append'>;
  /** How long a body may take; default 5 s. */
  readonly bodyTimeoutMs?: number;
}

/** A logout that was refused, and answered. */
export interface RefusedLogout {
  readonly problem: RelayError;
  readonly bytesOut: number;
}

/**
 * Serves the endpoint; what it returns is still to be recorded.
 *
 * @throws {method} {too_large} {too_slow} {issuer_unavailable} {state_unavailable} {AuditError}
 */
export type LogoutEndpoint = (
  request: IncomingMessage,
  response: ServerResponse,
  visit: Pick<Visit, 'requestId' | 'ip'>,
) => Promise<RefusedLogout | undefined>;

/** Where issuers send their logout tokens. */
export const LOGOUT_PATH = '/.latchkey/backchannel-logout';
const maxBodyBytes = 16 * 1024;
const keptMs = 30 * 86_400_000;

async function readBody(request: IncomingMessage, timeoutMs: number): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  return await new Promise((resolve, reject) => {
    const timer = setTimeout(
      () => fail(new RelayError('too_slow', 'The logout token did not arrive in time.')),
      timeoutMs,
    );
    const keep = (chunk: Buffer): void => {
      bytes += chunk.length;
      if (bytes <= maxBodyBytes) chunks.push(chunk);
      else fail(new RelayError('too_large', 'A logout request has at most 16 KB.'));
    };
    const fail = (error: RelayError): void => {
      clearTimeout(timer);
      request.off('data', keep);
      // Read and dropped until the connection is closed: a reset would overtake the answer.
      request.resume();
      reject(error);
    };
    request.on('data', keep);
    request.once('end', () => {
      clearTimeout(timer);
      resolve(Buffer.concat(chunks).toString('utf8'));
    });
    request.once('close', () => fail(new RelayError('bad_request', 'The request was cut off.')));
  });
}

/** @see OpenID Connect Back-Channel Logout 1.0 §2.5 */
async function readLogoutToken(
  request: IncomingMessage,
  response: ServerResponse,
  timeoutMs: number,
): Promise<string> {
  const [type = '', ...others] = fieldValues(request.rawHeaders, 'content-type');
  const media = type.split(';')[0]?.trim().toLowerCase();
  if (media !== 'application/x-www-form-urlencoded' || others.length > 0)
    throw new RelayError('bad_request', 'Send application/x-www-form-urlencoded.');
  if (fieldValues(request.rawHeaders, 'content-encoding').length > 0)
    throw new RelayError('bad_request', 'Send the body without Content-Encoding.');
  if (/^100-continue$/i.test(request.headers.expect ?? '')) response.writeContinue();
  const form = new URLSearchParams(await readBody(request, timeoutMs));
  const [token = '', ...more] = form.getAll('logout_token');
  if (token === '' || more.length > 0)
    throw new RelayError('bad_request', 'Send exactly one logout_token in the body.');
  return token;
}

/**
 * What of an issuer's word is to be denied: with a `sid`, that session, else all of the person.
 *
 * @param logout what the issuer said
 * @returns one revocation, or two
 */
function revocationsOf(logout: Logout): readonly Revocation[] {
  const { issuer, sid, subject, issuedAtMs } = logout;
  const common = { issuer, revokedAtMs: issuedAtMs, expiresAtMs: issuedAtMs + keptMs };
  const person = (kind: 'sub' | 'sub_without_sid'): readonly Revocation[] =>
    subject === undefined ? [] : [{ ...common, kind, value: subject }];
  if (sid === undefined) return person('sub');
  // A token without `sid` may be of that session, and who says otherwise cannot prove it.
  return [{ ...common, kind: 'sid', value: sid }, ...person('sub_without_sid')];
}

/** Nothing was read of the body that was refused, so the connection can't be used again. */
function answerRefusal(
  request: IncomingMessage,
  response: ServerResponse,
  requestId: string,
  problem: RelayError,
): RefusedLogout {
  const body = JSON.stringify({ error: 'invalid_request', error_description: problem.message });
  const bytesOut = Buffer.byteLength(body);
  response.writeHead(400, {
    'Content-Type': 'application/json',
    'Content-Length': bytesOut,
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff',
    'X-Latchkey-Code': problem.code,
    'X-Request-Id': requestId,
    ...(request.complete ? {} : { Connection: 'close' }),
  });
  response.end(body);
  return { problem, bytesOut };
}

/**
 * Makes the endpoint to which issuers report that a session ended. No access token is asked for:
 * the logout token is its own proof.
 *
 * @param deps who reads tokens, keeps revocations and records
 * @returns the endpoint
 * @see OpenID Connect Back-Channel Logout 1.0 §2.5-2.8
 */
export function createLogout(deps: LogoutDeps): LogoutEndpoint {
  const { tokens, state, ledger, bodyTimeoutMs = 5_000 } = deps;

  async function accept(logout: Logout, visit: Parameters<LogoutEndpoint>[2]): Promise<void> {
    // Before the `jti` is used up: what fails here can be sent again, and changes nothing twice.
    for (const revocation of revocationsOf(logout)) await state.revoke(revocation);
    if (!(await state.once(logout.id, logout.goodUntilMs)))
      throw new RelayError('bad_request', 'The logout token is refused: it was used before.');
    const scope = logout.sid === undefined ? 'every session' : 'one session';
    await ledger.append('sign-out', {
      requestId: visit.requestId,
      ...(visit.ip === '' ? {} : { ip: visit.ip }),
      issuer: logout.issuer,
      ...(logout.subject === undefined ? {} : { user: logout.subject }),
      detail: `back-channel logout of ${scope}`,
    });
  }

  return async (request, response, visit) => {
    if (request.method !== 'POST') {
      response.setHeader('Allow', 'POST');
      throw new RelayError('method', 'Logout tokens are sent with POST.');
    }
    try {
      const logout = await tokens.verify(await readLogoutToken(request, response, bodyTimeoutMs));
      await accept(logout, visit);
    } catch (error) {
      if (!(error instanceof RelayError) || error.code !== 'bad_request') throw error;
      return answerRefusal(request, response, visit.requestId, error);
    }
    response.writeHead(200, {
      'Content-Length': 0,
      'Cache-Control': 'no-store',
      'X-Request-Id': visit.requestId,
    });
    response.end();
    return undefined;
  };
}
