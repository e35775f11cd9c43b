import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { ulid } from 'ulid';
import type { OpenRecord } from '../../../../audit/ledger.ts';
import { createRefusals } from '../../../../audit/refusals.ts';
import { forward, type ForwardPlan } from '../../../../wire/forward.ts';
import type { NextHop } from '../../../../wire/next-hop.ts';
import { readFraming, type Framing } from '../../../../wire/framing.ts';
import { fieldValues, type HeaderList } from '../../../../wire/headers.ts';
import { sendProblem } from '../../../../wire/problem.ts';
import { canonicalTarget, type Target } from '../../../../wire/target.ts';
import { continueTrace, type TraceContext } from '../../../../wire/trace.ts';
import { responseOn, tunnel } from '../../../../wire/tunnel.ts';
import { AgentError } from '../errors.ts';
import { checkOrigins, readLocalHost, type LocalHost } from './guard.ts';
import { createHops } from './hops.ts';
import { listenOnLoopback } from './listen.ts';
import { sendPage, statusDocument, statusPage } from './local-pages.ts';
import type { Proxy, ProxyDeps } from './proxy-deps.ts';
import { asProblem, isTokenRefused, refuseConnect } from './refusals.ts';
import { relayPath } from './routes.ts';
import { toolName, toRelay, toTool } from './transform.ts';

/** One request's story. */
interface Call {
  readonly requestId: string;
  readonly startedAtMs: number;
  readonly trace: TraceContext;
  readonly target: Target;
  readonly host: LocalHost;
  readonly framing: Framing;
  readonly raw: HeaderList;
  /** Why the relay refused, in its own word. */
  code?: string;
  /** Whether it has a record of its own, which `carry` closes. */
  admitted?: boolean;
}

const LIMITS = { urlBytes: 16 * 1024 };
const TIMEOUTS = { connectMs: 10_000, headersMs: 120_000, idleMs: 300_000 };
const NO_TOOL_KEYS =
  'Your settings require a key of every tool (guard.requireToolKeys), and this version of Latchkey has none to give. Ask your IT department, or set it to false.';
const PAGES = new Set(['/', '/.latchkey/status']);

/**
 * Builds the localhost port: guard, route, token, audit, forward; no other way in.
 *
 * @param deps the agent's side
 * @returns the port, not bound yet
 */
export function createProxy(deps: ProxyDeps): Proxy {
  const hops = createHops();
  const refusals = createRefusals(deps.ledger, deps.auditFailed);
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
      startedAtMs: deps.now(),
      trace: continueTrace(fieldValues(request.rawHeaders, 'traceparent')[0]),
      target,
      host,
      framing,
      raw: request.rawHeaders,
    };
  }

  function nextHop(): { readonly hop: NextHop; readonly host: string } {
    const relay = deps.relayUrl();
    if (relay === undefined) {
      throw new AgentError('signed_out', 'No relay is set; open Latchkey and enter its address.');
    }
    return { hop: hops.to(relay), host: relay.host };
  }

  async function admit(call: Call, path: string, api: string | undefined): Promise<OpenRecord> {
    const { user } = deps.snapshot();
    const open = await deps.ledger.admit({
      requestId: call.requestId,
      traceId: call.trace.traceId,
      tool: { name: toolName(call.raw) },
      method: call.target.method,
      path,
      decision: 'allow',
      ...(user === undefined ? {} : { user: user.subject }),
      ...(api === undefined ? {} : { api }),
    });
    call.admitted = true;
    return open;
  }

  function plan(call: Call, path: string, token: string, mayRenew: boolean): ForwardPlan {
    const { hop, host } = nextHop();
    const origin = fieldValues(call.raw, 'origin')[0];
    const keepCors = origin !== undefined && deps.allowedOrigins.includes(origin);
    return {
      hop,
      method: call.target.method,
      path: path + call.target.query,
      framing: call.framing,
      headers: toRelay(call.raw, {
        method: call.target.method,
        host,
        framing: call.framing,
        token,
        requestId: call.requestId,
        traceparent: call.trace.traceparent,
        version: deps.version,
      }),
      // How large a body may be is the relay's to say.
      maxBodyBytes: Infinity,
      timeouts: TIMEOUTS,
      answer: (_status, raw) => {
        deps.relayReached();
        const [code] = fieldValues(raw, 'x-latchkey-code');
        if (code !== undefined && /^[a-z_]{1,40}$/.test(code)) call.code = code;
        return toTool(raw, call.requestId, keepCors);
      },
      ...(mayRenew ? { intercept: isTokenRefused } : {}),
    };
  }

  /** Sends a call on, with a second token if the relay refuses the first and no body was sent. */
  async function send(
    call: Call,
    path: string,
    token: string,
    run: (plan: ForwardPlan) => ReturnType<typeof forward>,
  ): Promise<Extract<Awaited<ReturnType<typeof forward>>, { kind: 'answered' }>> {
    const first = await run(plan(call, path, token, true));
    if (first.kind === 'answered') return first;
    const signal = AbortSignal.timeout(TIMEOUTS.connectMs);
    const second = (await deps.renew(token)) ? await deps.authorize(signal) : token;
    const last = await run(plan(call, path, second, false));
    if (last.kind === 'answered') return last;
    throw new AgentError('internal', 'The relay refused two tokens in a row.');
  }

  /** From a guarded call to its closed record. */
  async function carry(
    call: Call,
    signal: AbortSignal,
    run: (plan: ForwardPlan) => ReturnType<typeof forward>,
  ): Promise<void> {
    nextHop();
    const token = await deps.authorize(signal);
    const { path, api } = relayPath(call.host, call.target, deps.snapshot().apis);
    const open = await admit(call, path, api);
    const durationMs = (): number => Math.max(0, Math.round(deps.now() - call.startedAtMs));
    try {
      const { status, bytesIn, bytesOut, cutBy } = await send(call, path, token, run);
      open.finish({
        status: status || 499,
        bytesIn,
        bytesOut,
        durationMs: durationMs(),
        closedBy: cutBy ?? 'relay',
        ...(call.code === undefined ? {} : { code: call.code }),
      });
    } catch (error) {
      const { status, code } = asProblem(error);
      if (code.startsWith('relay_')) deps.relayFailed(error);
      open.finish({ status, code, durationMs: durationMs(), closedBy: 'error' });
      throw error;
    }
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
    if (call?.admitted) return;
    const { code, status } = problem;
    const tool = { name: toolName(response.req.rawHeaders) };
    const method = response.req.method ?? '';
    refusals.record(
      { requestId, tool, method, decision: 'deny', code },
      { status, code, bytesOut, closedBy: 'relay' },
    );
  }

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const requestId = ulid();
    let call: Call | undefined;
    const gone = new AbortController();
    response.once('close', () => gone.abort());
    try {
      call = readCall(request, requestId);
      if (serveLocal(call, response)) return;
      await carry(call, gone.signal, (plan) => forward(request, response, plan));
    } catch (error) {
      answerError(error, response, requestId, call);
    }
  }

  async function upgrade(request: IncomingMessage, socket: Duplex): Promise<void> {
    const requestId = ulid();
    let call: Call | undefined;
    const gone = new AbortController();
    socket.once('close', () => gone.abort());
    socket.on('error', () => gone.abort());
    try {
      call = readCall(request, requestId);
      await carry(call, gone.signal, async (plan) => ({
        kind: 'answered',
        ...(await tunnel(request, socket, plan)),
      }));
    } catch (error) {
      if (!socket.destroyed) answerError(error, responseOn(request, socket), requestId, call);
    }
  }

  return {
    async listen() {
      servers = await listenOnLoopback(
        {
          request: (request, response) => void serve(request, response),
          upgrade: (request, socket) => void upgrade(request, socket),
          connect: refuseConnect,
        },
        deps.port,
      );
      port = ((servers[0] as Server).address() as AddressInfo).port;
      return { port };
    },
    async close() {
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
