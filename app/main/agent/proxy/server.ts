import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { ulid } from 'ulid';
import { createRefusals } from '../../../../audit/refusals.ts';
import { forward } from '../../../../wire/forward.ts';
import { readFraming } from '../../../../wire/framing.ts';
import { fieldValues } from '../../../../wire/headers.ts';
import { createBodyKeeper } from '../../../../wire/kept-body.ts';
import { sendProblem, type ProblemError } from '../../../../wire/problem.ts';
import { createQueuedAnswers } from '../../../../wire/queued-answers.ts';
import { canonicalTarget } from '../../../../wire/target.ts';
import { continueTrace } from '../../../../wire/trace.ts';
import { owesAnswer, responseOn, tunnel } from '../../../../wire/tunnel.ts';
import { AgentError } from '../errors.ts';
import type { Call } from './call.ts';
import { createCarrier } from './carry.ts';
import { checkOrigins, readLocalHost } from './guard.ts';
import { createHops } from './hops.ts';
import { listenOnLoopback } from './listen.ts';
import { sendPage, statusDocument, statusPage } from './local-pages.ts';
import type { Proxy, ProxyDeps } from './proxy-deps.ts';
import { asProblem, refuseConnect } from './refusals.ts';
import { toolName } from './transform.ts';

const LIMITS = { urlBytes: 16 * 1024 };
/** What of a body is kept for a second try: of one request, and of all together. */
const KEPT = { requestBytes: 1024 * 1024, totalBytes: 64 * 1024 * 1024 };
const NO_TOOL_KEYS =
  'Your settings require a key of every tool (guard.requireToolKeys), and this version of Latchkey has none to give. Ask your IT department, or set it to false.';
/** An answer to what is pipelined behind an owed one would be taken for that one: there is none. */
const PIPELINED = { code: 'bad_request', status: 400 } as const;
const PAGES = new Set(['/', '/.latchkey/status']);

/**
 * Builds the localhost port: guard, route, token, audit, forward; no other way in.
 *
 * @param deps the agent's side
 * @returns the port, not bound yet
 */
export function createProxy(deps: ProxyDeps): Proxy {
  const hops = createHops();
  const carrier = createCarrier(deps, hops);
  const keepBody = createBodyKeeper(KEPT);
  const refusals = createRefusals(deps.ledger, deps.auditFailed);
  const queued = createQueuedAnswers();
  // Node forgets connections that ask for an upgrade, and would wait for their end for ever.
  const upgrading = new Set<Duplex>();
  let servers: Server[] = [];
  let port = deps.port;

  function readCall(request: IncomingMessage, requestId: string): Call {
    const framing = readFraming(request);
    const target = canonicalTarget(request, LIMITS);
    const host = readLocalHost(target.authority, port);
    const page = request.method === 'GET' && PAGES.has(target.path);
    checkOrigins(request, target.authority, { port, allowedOrigins: deps.allowedOrigins }, page);
    if (!page && deps.requireToolKeys) throw new AgentError('tool_key', NO_TOOL_KEYS);
    if (target.method === 'TRACE') throw new AgentError('method', 'TRACE is not relayed.');
    return {
      requestId,
      trace: continueTrace(fieldValues(request.rawHeaders, 'traceparent')[0]),
      target,
      host,
      framing,
      raw: request.rawHeaders,
    };
  }

  function serveLocal(call: Call, response: ServerResponse): boolean {
    if (call.host.kind !== 'loopback' || call.target.method !== 'GET') return false;
    if (call.target.path === '/.latchkey/status') {
      sendPage(response, call.requestId, 'application/json', statusDocument(deps.snapshot()));
      return true;
    }
    if (call.target.path !== '/') return false;
    sendPage(response, call.requestId, 'text/html', statusPage(deps.snapshot()));
    return true;
  }

  /** The one edge: whatever was thrown is answered here. */
  function answerError(
    error: unknown,
    response: ServerResponse,
    requestId: string,
    call: Call | undefined,
  ): void {
    const problem = asProblem(error);
    const close = problem.status === 400 || response.req.headers.expect !== undefined;
    const bytesOut = sendProblem(response, problem, requestId, { close });
    // What was admitted has its record already; this is for what never was.
    if (!call?.admitted) recordRefusal(response.req, requestId, problem, bytesOut);
  }

  function recordRefusal(
    request: IncomingMessage,
    requestId: string,
    { code, status }: Pick<ProblemError, 'code' | 'status'>,
    bytesOut: number,
  ): void {
    const tool = { name: toolName(request.rawHeaders) };
    const method = request.method ?? '';
    refusals.record(
      { requestId, tool, method, decision: 'deny', code },
      { status, code, bytesOut, closedBy: 'relay' },
    );
  }

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    queued.note(request, response);
    const requestId = ulid();
    let call: Call | undefined;
    const gone = new AbortController();
    response.once('close', () => gone.abort());
    try {
      call = readCall(request, requestId);
      if (serveLocal(call, response)) return;
      carrier.checkRelay();
      await carrier.carry(call, {
        gone: gone.signal,
        kept: keepBody(call.framing),
        run: (plan) => forward(request, response, plan),
        response: () => response,
      });
    } catch (error) {
      answerError(error, response, call?.requestId ?? requestId, call);
    }
  }

  function endIfOwing(request: IncomingMessage, socket: Duplex, requestId: string): boolean {
    if (!owesAnswer(request, socket)) return false;
    queued.end(socket);
    recordRefusal(request, requestId, PIPELINED, 0);
    return true;
  }

  async function upgrade(request: IncomingMessage, socket: Duplex): Promise<void> {
    const requestId = ulid();
    if (endIfOwing(request, socket, requestId)) return;
    let call: Call | undefined;
    const gone = new AbortController();
    const leave = (): void => gone.abort();
    upgrading.add(socket);
    socket.once('close', () => {
      upgrading.delete(socket);
      leave();
    });
    socket.on('error', leave);
    // What comes before the switch is dropped; only of a socket that is read one learns that its client left.
    socket.once('end', leave);
    socket.resume();
    try {
      call = readCall(request, requestId);
      carrier.checkRelay();
      await carrier.carry(call, {
        gone: gone.signal,
        kept: keepBody({ kind: 'none' }),
        run: (plan) => tunnel(request, socket, plan),
        response: () => responseOn(request, socket),
      });
    } catch (error) {
      if (socket.destroyed) return;
      answerError(error, responseOn(request, socket), call?.requestId ?? requestId, call);
    }
  }

  return {
    async listen() {
      servers = await listenOnLoopback(
        {
          request: (request, response) => void serve(request, response),
          upgrade: (request, socket) => void upgrade(request, socket),
          connect(request, socket) {
            if (!endIfOwing(request, socket, ulid())) refuseConnect(socket);
          },
        },
        deps.port,
      );
      port = ((servers[0] as Server).address() as AddressInfo).port;
      return { port };
    },
    async close() {
      upgrading.forEach((socket) => socket.destroy());
      await Promise.all(
        servers.map(
          (server) =>
            new Promise<void>((resolve) => {
              server.close(() => resolve());
              server.closeAllConnections();
            }),
        ),
      );
      servers = [];
      await refusals.close();
      hops.close();
    },
  };
}
