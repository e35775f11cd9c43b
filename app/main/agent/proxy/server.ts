import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { createUlids } from '../../../../audit/ulid.ts';
import { forward } from '../../../../wire/forward.ts';
import { createBodyKeeper } from '../../../../wire/kept-body.ts';
import { sendProblem, type ProblemError } from '../../../../wire/problem.ts';
import { createQueuedAnswers } from '../../../../wire/queued-answers.ts';
import { owesAnswer, responseOn, tunnel } from '../../../../wire/tunnel.ts';
import { AgentError } from '../errors.ts';
import type { Call, ToolSide } from './call.ts';
import { openDoors, type Doors } from './doors.ts';
import type { Entrance } from './entrance.ts';
import { sendPage, statusDocument, statusPage } from './local-pages.ts';
import { answerPreflight, isPreflight } from './preflight.ts';
import type { Proxy, ProxyDeps } from './proxy-deps.ts';
import { createReception } from './reception.ts';
import { asProblem, refuseConnect } from './refusals.ts';
import { createSides, type Side } from './sides.ts';
import { toolName } from './transform.ts';

/** RFC 8414, RFC 9728: the relay's own name it, not this address, and tools would sign in for nothing. */
const SIGN_IN_DOCUMENTS = '/.well-known/oauth-';
const NO_SIGN_IN =
  'Tools need no sign-in of their own here: Latchkey adds the token. Sign in from its tray icon, or run latchkey login.';
/** Made once: by itself each abort would make an error, with a stack, for nobody. */
const LEFT = new Error('the tool has left');
/** What of a body is kept for a second try: of one request, and of all together. */
const KEPT = { requestBytes: 1024 * 1024, totalBytes: 64 * 1024 * 1024 };
/** An answer to what is pipelined behind an owed one would be taken for that one: there is none. */
const PIPELINED = { code: 'bad_request', status: 400 } as const;

/** What is known of a request by now. */
interface Story {
  readonly requestId: string;
  /** Once the guard has let it in. */
  call?: Call;
  /** Once it is known whom it is for. */
  side?: Side;
}

function refuseSignInDocuments({ host }: Call, path: string): void {
  if (host.kind !== 'loopback' || !path.startsWith(SIGN_IN_DOCUMENTS)) return;
  throw new AgentError('unknown_api', NO_SIGN_IN);
}

/**
 * Builds the localhost port: guard, route, token, audit, forward; no other way in.
 *
 * @param deps the agent's side
 * @returns the port, not bound yet
 */
export function createProxy(deps: ProxyDeps): Proxy {
  const ulids = createUlids();
  const nextId = (): string => ulids(deps.now());
  const sides = createSides(deps, nextId);
  const receive = createReception(deps);
  const keepBody = createBodyKeeper(KEPT);
  const queued = createQueuedAnswers();
  // Node forgets connections that ask for an upgrade, and would wait for their end for ever.
  const upgrading = new Set<Duplex>();
  let doors: Doors | undefined;

  function serveLocal(call: Call, request: IncomingMessage, response: ServerResponse): boolean {
    if (isPreflight(request)) {
      answerPreflight(request, response, call.requestId);
      return true;
    }
    if (call.host.kind !== 'loopback') return false;
    refuseSignInDocuments(call, call.target.path);
    if (call.target.method !== 'GET') return false;
    if (call.target.path === '/.latchkey/status') {
      sendPage(response, call.requestId, 'application/json', statusDocument(deps.snapshot()));
      return true;
    }
    if (call.target.path !== '/') return false;
    sendPage(response, call.requestId, 'text/html', statusPage(deps.snapshot()));
    return true;
  }

  /** From a guarded call to its closed records, at the profile that it names. */
  async function carry(story: Story, call: Call, tool: ToolSide): Promise<void> {
    const { profile, path } = await sides.choose(call.host, call.target.path);
    story.side = profile;
    refuseSignInDocuments(call, path);
    profile.carrier.checkRelay();
    await profile.carrier.carry(call, path, tool);
  }

  /** The one edge: whatever was thrown is answered here. */
  function answerError(error: unknown, response: ServerResponse, story: Story): void {
    const { call } = story;
    const requestId = call?.requestId ?? story.requestId;
    const problem = asProblem(error);
    const close = problem.status === 400 || response.req.headers.expect !== undefined;
    const bytesOut = sendProblem(response, problem, requestId, { close });
    // What was admitted has its record already; this is for what never was.
    if (!call?.admitted) recordRefusal(response.req, { ...story, requestId }, problem, bytesOut);
  }

  function recordRefusal(
    request: IncomingMessage,
    { requestId, side }: Pick<Story, 'requestId' | 'side'>,
    { code, status }: Pick<ProblemError, 'code' | 'status'>,
    bytesOut: number,
  ): void {
    const tool = { name: toolName(request.rawHeaders) };
    const method = request.method ?? '';
    (side ?? sides).refusals.record(
      { requestId, tool, method, decision: 'deny', code },
      { status, code, bytesOut, closedBy: 'relay' },
    );
  }

  async function serve(
    request: IncomingMessage,
    response: ServerResponse,
    entrance: Entrance,
  ): Promise<void> {
    queued.note(request, response);
    const requestId = nextId();
    const story: Story = { requestId };
    const gone = new AbortController();
    response.once('close', () => gone.abort(LEFT));
    try {
      const call = (story.call = await receive(request, requestId, entrance));
      if (serveLocal(call, request, response)) return;
      await carry(story, call, {
        gone: gone.signal,
        kept: keepBody(call.framing),
        run: (plan) => forward(request, response, plan),
        response: () => response,
      });
    } catch (error) {
      answerError(error, response, story);
    }
  }

  function endIfOwing(request: IncomingMessage, socket: Duplex, requestId: string): boolean {
    if (!owesAnswer(request, socket)) return false;
    queued.end(socket);
    recordRefusal(request, { requestId }, PIPELINED, 0);
    return true;
  }

  async function upgrade(
    request: IncomingMessage,
    socket: Duplex,
    entrance: Entrance,
  ): Promise<void> {
    const requestId = nextId();
    if (endIfOwing(request, socket, requestId)) return;
    const story: Story = { requestId };
    const gone = new AbortController();
    const leave = (): void => gone.abort(LEFT);
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
      const call = (story.call = await receive(request, requestId, entrance));
      await carry(story, call, {
        gone: gone.signal,
        kept: keepBody({ kind: 'none' }),
        run: (plan) => tunnel(request, socket, plan),
        response: () => responseOn(request, socket),
      });
    } catch (error) {
      if (socket.destroyed) return;
      answerError(error, responseOn(request, socket), story);
    }
  }

  return {
    renewConnections: sides.renewConnections,
    async listen() {
      doors = await openDoors(deps, (entrance) => ({
        connection: (socket) => deps.peers.accepted(socket, entrance()),
        request: (request, response) => void serve(request, response, entrance()),
        upgrade: (request, socket) => void upgrade(request, socket, entrance()),
        connect(request, socket) {
          if (!endIfOwing(request, socket, nextId())) refuseConnect(socket, nextId());
        },
      }));
      return doors;
    },
    async close() {
      upgrading.forEach((socket) => socket.destroy());
      await doors?.close();
      doors = undefined;
      await sides.close();
    },
  };
}
