import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Ledger, OpenRecord } from '../audit/ledger.ts';
import type { Refusals } from '../audit/refusals.ts';
import { forward } from '../wire/forward.ts';
import { readFraming, type Framing } from '../wire/framing.ts';
import { fieldValues } from '../wire/headers.ts';
import { canonicalTarget, type Target } from '../wire/target.ts';
import { responseOn, tunnel } from '../wire/tunnel.ts';
import { readCredential } from './auth/bearer.ts';
import { proofAlgorithms } from './auth/dpop.ts';
import type { Presentation } from './auth/presentation.ts';
import type { Verifier } from './auth/verify.ts';
import { catalogue, protectedResourceMetadata, whoami } from './documents.ts';
import { RelayError } from './errors.ts';
import { readCertificate } from './certificate.ts';
import type { Exchanges } from './exchanges.ts';
import type { RequestMetrics } from './metrics.ts';
import { LOGOUT_PATH, type LogoutEndpoint } from './logout.ts';
import { decide } from './policy/decide.ts';
import { planForward, type Planned } from './plan.ts';
import type { Nonces } from './auth/nonces.ts';
import { requestDetails } from './request-details.ts';
import { createRecorder } from './recorder.ts';
import type { RequestIds } from './request-id.ts';
import { refusal } from './refusal.ts';
import { asProblem, refuse, sendJson, type ChallengeFacts } from './respond.ts';
import type { Runtime } from './runtime.ts';
import { createUnidentified } from './unidentified.ts';
import { beginVisit, CLIENT_LEFT, describeEnd, type Visit } from './visit.ts';

/** What the pipeline needs from outside. */
export interface RelayDeps {
  readonly runtime: Runtime;
  readonly verifier: Pick<Verifier, 'verify'>;
  readonly ledger: Pick<Ledger, 'admit'>;
  readonly exchanges: Pick<Exchanges, 'registrar'>;
  readonly refusals: Pick<Refusals, 'record'>;
  readonly nonces: Pick<Nonces, 'current'>;
  readonly logout: LogoutEndpoint;
  readonly metrics: RequestMetrics;
  readonly nextRequestId: RequestIds;
  readonly draining: () => boolean;
  readonly log: (event: Record<string, unknown>) => void;
  readonly now: () => number;
  readonly version: string;
}

/** The relay's pipeline, between a listener and the internal APIs. */
export interface Relay {
  serve(request: IncomingMessage, response: ServerResponse): Promise<void>;
  upgrade(request: IncomingMessage, socket: Duplex): Promise<void>;
  /** Records what node's parser refused: no request exists. */
  unparsable(status: number, ip: string): void;
}

/** A request that may go on: recognised, allowed, recorded. */
interface Admitted extends Planned {
  /** Absent where the API does without an audit. */
  readonly record: OpenRecord | undefined;
}

const METADATA = '/.well-known/oauth-protected-resource';
/** After these the connection's framing, or our patience, cannot be relied on. */
const CLOSING = new Set([
  'bad_request',
  'ambiguous_target',
  'too_large',
  'too_slow',
  'url_too_long',
  'draining',
]);

/**
 * Builds the relay's pipeline.
 *
 * @param deps the compiled configuration, the verifier, the ledger, a log and a clock
 * @returns handlers for a node:http server
 */
export function createRelay(deps: RelayDeps): Relay {
  const { runtime, verifier, ledger, exchanges, metrics, nonces, log, now, version } = deps;
  const { config } = runtime;
  const offersDpop = config.issuers.some((issuer) => issuer.dpop !== 'off');
  const algs = proofAlgorithms.join(' ');
  const proto = new URL(runtime.resource).protocol === 'https:' ? 'https' : 'http';
  const recorder = createRecorder(ledger, config.hash, now, metrics);
  const unidentified = createUnidentified(deps.refusals, config.hash, now, metrics);

  function challengeFacts(visit: Visit): ChallengeFacts {
    const { resource } = runtime;
    if (!offersDpop) return { resource };
    const { nonce } = visit;
    return { resource, dpop: { algs, nonce: nonces.current(), used: nonce !== undefined } };
  }

  function readTarget(request: IncomingMessage, visit: Visit): Target {
    if (deps.draining()) throw new RelayError('draining', 'The relay is restarting; try again.');
    const target = canonicalTarget(request, config.limits);
    runtime.checkHost(target.authority);
    if (target.method === 'TRACE' || target.method === 'CONNECT') {
      throw new RelayError('method', `${target.method} is not relayed.`);
    }
    visit.target = target;
    return target;
  }

  /** Learns who is calling, from the token and from what proves that it is theirs. */
  async function identify(request: IncomingMessage, visit: Visit, target: Target): Promise<void> {
    const credential = readCredential(request.rawHeaders, target.query);
    if (credential.scheme === 'dpop' && offersDpop) visit.nonce = nonces.current();
    const shown: Presentation = {
      method: target.method,
      htu: runtime.resource + target.path,
      proofs: fieldValues(request.rawHeaders, 'dpop'),
      certificateThumbprint: () => readCertificate(request, runtime),
    };
    visit.principal = await verifier.verify(credential, shown);
  }

  async function judge(
    request: IncomingMessage,
    visit: Visit,
    target: Target,
    framing: Framing,
  ): Promise<Admitted> {
    const found = runtime.routes.find(target.path);
    if (found === undefined) {
      const error = new RelayError('unknown_api', 'No API has this path; see /.latchkey/apis.');
      const denied = { kind: 'deny', code: error.code } as const;
      return recorder.refused(visit, await recorder.decided(visit, undefined, denied), error);
    }
    const { api, relativePath } = found;
    const principal = visit.principal as NonNullable<Visit['principal']>;
    const verdict = decide(api.rules, principal, {
      method: target.method,
      path: relativePath,
      ip: visit.ip,
      nowMs: now(),
      details: () => requestDetails(request.rawHeaders, target.query),
    });
    const open = await recorder.decided(visit, api, verdict);
    if (verdict.kind === 'deny') return recorder.refused(visit, open, refusal(verdict));
    const hooks = { register: exchanges.registrar(principal), answered: metrics.answered };
    const allowed = { visit, target, principal, framing, api, relativePath };
    return { record: open, ...planForward(request, allowed, proto, hooks) };
  }

  /** The relay's own documents for a recognised caller. */
  async function serveOwn(
    visit: Visit,
    target: Target,
    response: ServerResponse,
  ): Promise<boolean> {
    const principal = visit.principal as NonNullable<Visit['principal']>;
    const read = target.method === 'GET' || target.method === 'HEAD';
    const body =
      read && target.path === '/.latchkey/whoami'
        ? whoami(principal)
        : read && target.path === '/.latchkey/apis'
          ? catalogue(runtime, principal)
          : undefined;
    if (body === undefined) return false;
    const open = await recorder.decided(visit, undefined, { kind: 'allow', rule: 'latchkey' });
    const bytesOut = sendJson(response, visit.requestId, body, 0, visit.nonce);
    open?.finish(describeEnd(visit, { status: 200, bytesOut, closedBy: 'relay' }, now()));
    return true;
  }

  /** What needs no access token: the metadata, and an issuer's word that a session ended. */
  async function servePublic(
    request: IncomingMessage,
    response: ServerResponse,
    visit: Visit,
    target: Target,
  ): Promise<boolean> {
    if (target.path === METADATA && target.method === 'GET') {
      sendJson(response, visit.requestId, protectedResourceMetadata(runtime, version), 60);
      return true;
    }
    if (target.path !== LOGOUT_PATH) return false;
    const refused = await deps.logout(request, response, visit);
    if (refused === undefined) return true;
    visit.code = refused.problem.code;
    unidentified.refused(visit, refused.problem, refused.bytesOut);
    return true;
  }

  /** The pipeline: no byte reaches an upstream but through here. */
  async function handle(
    request: IncomingMessage,
    response: ServerResponse,
    visit: Visit,
  ): Promise<void> {
    const framing = readFraming(request);
    const target = readTarget(request, visit);
    if (await servePublic(request, response, visit, target)) return;
    await identify(request, visit, target);
    if (await serveOwn(visit, target, response)) return;
    const admitted = await judge(request, visit, target, framing);
    await recorder.during(visit, admitted, () => forward(request, response, admitted.plan));
  }

  /** The one edge: whatever was thrown is answered, and recorded if nobody was recognised. */
  function answerError(
    error: unknown,
    request: IncomingMessage,
    response: ServerResponse,
    visit: Visit,
  ): void {
    const problem = asProblem(error);
    visit.status = problem.status;
    visit.code = problem.code;
    if (problem.status >= 500) {
      const cause = problem.cause instanceof Error ? problem.cause.message : undefined;
      log({ event: 'request_failed', requestId: visit.requestId, code: problem.code, cause });
    }
    const close = CLOSING.has(problem.code) || request.headers.expect !== undefined;
    const bytesOut = refuse(response, problem, visit.requestId, challengeFacts(visit), close);
    if (visit.principal === undefined) unidentified.refused(visit, problem, bytesOut);
  }

  return {
    async serve(request, response) {
      const visit = beginVisit(request, deps.nextRequestId(request.rawHeaders), runtime, now());
      try {
        await handle(request, response, visit);
      } catch (error) {
        answerError(error, request, response, visit);
      }
      metrics.ended(visit, response.statusCode);
    },

    async upgrade(request, socket) {
      const visit = beginVisit(request, deps.nextRequestId(request.rawHeaders), runtime, now());
      visit.kind = 'websocket';
      try {
        const framing = readFraming(request);
        const target = readTarget(request, visit);
        await identify(request, visit, target);
        const admitted = await judge(request, visit, target, framing);
        await recorder.during(visit, admitted, () => tunnel(request, socket, admitted.plan));
      } catch (error) {
        if (!socket.destroyed) answerError(error, request, responseOn(request, socket), visit);
      }
      metrics.ended(visit, CLIENT_LEFT);
    },

    unparsable: unidentified.unparsable,
  };
}
