import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Ledger } from '../audit/ledger.ts';
import type { Refusals } from '../audit/refusals.ts';
import { forward } from '../wire/forward.ts';
import { readFraming, readUpgradeFraming } from '../wire/framing.ts';
import { fieldValues } from '../wire/headers.ts';
import type { ProblemError } from '../wire/problem.ts';
import type { Target } from '../wire/target.ts';
import { responseOn, tunnel } from '../wire/tunnel.ts';
import { checkToken, readCredential, type Credential } from './auth/bearer.ts';
import { proofAlgorithms } from './auth/dpop.ts';
import type { Presentation } from './auth/presentation.ts';
import type { Principal } from './auth/principal.ts';
import type { Verifier } from './auth/verify.ts';
import { RelayError } from './errors.ts';
import type { Bounds } from './bounds.ts';
import { readCertificate } from './certificate.ts';
import type { Exchanges } from './exchanges.ts';
import type { RequestMetrics } from './metrics.ts';
import type { LogoutEndpoint } from './logout.ts';
import { createOwnEndpoints } from './own-endpoints.ts';
import { createAdmission, inItsPlace } from './admission.ts';
import { attempt } from './attempts.ts';
import type { Nonces } from './auth/nonces.ts';
import { notRelayed, readTarget } from './read-target.ts';
import { createRecorder } from './recorder.ts';
import type { RequestIds } from './request-id.ts';
import { asProblem, refuse, type ChallengeFacts } from './respond.ts';
import type { Runtime } from './runtime.ts';
import type { Traces } from './telemetry/traces.ts';
import { createPages } from './pages.ts';
import { createUnidentified } from './unidentified.ts';
import { beginVisit, CLIENT_LEFT, type Visit } from './visit.ts';

/** What the pipeline needs from outside. */
export interface RelayDeps {
  readonly runtime: Runtime;
  readonly verifier: Pick<Verifier, 'verify' | 'recall'>;
  readonly ledger: Pick<Ledger, 'admit' | 'note'>;
  readonly exchanges: Pick<Exchanges, 'registrar'>;
  readonly refusals: Pick<Refusals, 'record'>;
  readonly nonces: Pick<Nonces, 'current'>;
  readonly logout: LogoutEndpoint;
  readonly bounds: Bounds;
  readonly metrics: RequestMetrics;
  readonly traces: Pick<Traces, 'begin'>;
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
  /** Refuses CONNECT (RFC 9110 §9.3.6), which node hands over without an answer to write to. */
  connect(request: IncomingMessage, socket: Duplex): void;
  /** Records what node's parser refused: no request exists. */
  unparsable(status: number, ip: string): void;
}

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
  const { bounds, runtime, verifier, ledger, metrics, nonces, log, now } = deps;
  const { config } = runtime;
  const offersDpop = config.issuers.some((issuer) => issuer.dpop !== 'off');
  const algs = proofAlgorithms.join(' ');
  const proto = new URL(runtime.resource).protocol === 'https:' ? 'https' : 'http';
  const recorder = createRecorder(ledger, config.hash, now, metrics);
  const unidentified = createUnidentified(deps.refusals, config.hash, now, metrics);
  const pages = createPages(runtime, unidentified);
  const own = createOwnEndpoints({ ...deps, recorder, unidentified });
  const admit = createAdmission({ ...deps, recorder, proto });

  function begin(request: IncomingMessage): Visit {
    const requestId = deps.nextRequestId(request.rawHeaders);
    return beginVisit(request, requestId, runtime, now(), deps.traces);
  }

  function challengeFacts(visit: Visit): ChallengeFacts {
    const { resource } = runtime;
    if (!offersDpop) return { resource };
    const { nonce } = visit;
    return { resource, dpop: { algs, nonce: nonces.current(), used: nonce !== undefined } };
  }

  function targetOf(request: IncomingMessage, visit: Visit): Target {
    if (deps.draining()) throw new RelayError('draining', 'The relay is restarting; try again.');
    return (visit.target = readTarget(request, config.limits, runtime.checkHost));
  }

  /** Learns who is calling, from the token and from what proves that it is theirs. */
  function identify(
    request: IncomingMessage,
    visit: Visit,
    target: Target,
  ): Promise<Principal> | Principal {
    const credential = readCredential(request.rawHeaders, target.query);
    return verifier.recall(credential) ?? verify(request, visit, target, credential);
  }

  /** A token that is not known, or that has more to show than itself. */
  async function verify(
    request: IncomingMessage,
    visit: Visit,
    target: Target,
    credential: Credential,
  ): Promise<Principal> {
    bounds.failures.check(visit.ip);
    if (credential.scheme === 'dpop' && offersDpop) visit.nonce = nonces.current();
    const shown: Presentation = {
      method: target.method,
      htu: runtime.resource + target.path,
      proofs: fieldValues(request.rawHeaders, 'dpop'),
      certificateThumbprint: () => readCertificate(request, runtime),
    };
    try {
      checkToken(credential);
      return await verifier.verify(credential, shown);
    } catch (error) {
      bounds.failures.note(visit.ip, error);
      throw error;
    }
  }

  /** The pipeline: no byte reaches an upstream but through here. */
  async function handle(
    request: IncomingMessage,
    response: ServerResponse,
    visit: Visit,
  ): Promise<void> {
    const framing = readFraming(request);
    const target = targetOf(request, visit);
    const isOwn = target.path.startsWith('/.');
    if (isOwn && (await own.servePublic(request, response, visit, target))) return;
    if (pages.servePreflight(request, response, visit, target)) return;
    visit.principal = await identify(request, visit, target);
    visit.trace?.authenticated();
    if (isOwn && (await own.serveOwn(visit, target, response))) return;
    const admitted = await admit(request, visit, target, framing);
    const run = inItsPlace(admitted, () => attempt(admitted, response, forward));
    await recorder.during(visit, admitted, run);
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
    pages.letRead(request, response, visit);
    const close = CLOSING.has(problem.code) || request.headers.expect !== undefined;
    const bytesOut = refuse(response, problem, visit.requestId, challengeFacts(visit), close);
    recordAnswer(visit, problem, bytesOut);
  }

  function recordAnswer(visit: Visit, problem: ProblemError, bytesOut: number): void {
    if (visit.principal === undefined) unidentified.refused(visit, problem, bytesOut);
    else recorder.answered(visit, problem, bytesOut);
  }

  return {
    async serve(request, response) {
      const visit = begin(request);
      try {
        await handle(request, response, visit);
      } catch (error) {
        answerError(error, request, response, visit);
      }
      metrics.ended(visit, response.statusCode);
      visit.trace?.ended(response.statusCode);
    },

    async upgrade(request, socket) {
      const visit = begin(request);
      visit.kind = 'websocket';
      try {
        const framing = readUpgradeFraming(request);
        const target = targetOf(request, visit);
        visit.principal = await identify(request, visit, target);
        visit.trace?.authenticated();
        const admitted = await admit(request, visit, target, framing);
        const run = inItsPlace(admitted, () => attempt(admitted, socket, tunnel));
        await recorder.during(visit, admitted, run);
      } catch (error) {
        if (socket.destroyed) recordAnswer(visit, asProblem(error), 0);
        else answerError(error, request, responseOn(request, socket), visit);
      }
      metrics.ended(visit, CLIENT_LEFT);
      visit.trace?.ended(CLIENT_LEFT);
    },

    connect(request, socket) {
      const visit = begin(request);
      const response = responseOn(request, socket);
      answerError(notRelayed('CONNECT'), request, response, visit);
      metrics.ended(visit, response.statusCode);
      visit.trace?.ended(response.statusCode);
    },

    unparsable: unidentified.unparsable,
  };
}
