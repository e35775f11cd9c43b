import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { createUlids } from '../../../../audit/ulid.ts';
import { forward } from '../../../../wire/forward.ts';
import { createBodyKeeper } from '../../../../wire/kept-body.ts';
import { createQueuedAnswers } from '../../../../wire/queued-answers.ts';
import { owesAnswer, responseOn, tunnel } from '../../../../wire/tunnel.ts';
import { aborted } from '../aborted.ts';
import { AgentError } from '../errors.ts';
import type { Call, ToolSide } from './call.ts';
import { openDoors, type Doors } from './doors.ts';
import type { Entrance } from './entrance.ts';
import { sendPage, statusDocument, statusPage } from './local-pages.ts';
import { answerPreflight, isPreflight } from './preflight.ts';
import type { Proxy, ProxyDeps } from './proxy-deps.ts';
import { createReception } from './reception.ts';
import { connectRefused } from './refusals.ts';
import { createRefuser, type Story } from './refuser.ts';
import { createSides } from './sides.ts';
import { createUnderWay } from './under-way.ts';
import type { ParserError } from './unparsable.ts';

/** RFC 8414, RFC 9728: the relay's own name it, not this address, and tools would sign in for nothing. */
const SIGN_IN_DOCUMENTS = '/.well-known/oauth-';
const NO_SIGN_IN =
  'Tools need no sign-in of their own here: Latchkey adds the token. Sign in from its tray icon, or run latchkey login.';
/** What of a body is kept for a second try: of one request, and of all together. */
const KEPT = { requestBytes: 1024 * 1024, totalBytes: 64 * 1024 * 1024 };
/** To send what tells tools that they are cut off. */
const LAST_WORDS_MS = 1_000;
/** For what was cut to close its records; nothing that was admitted needs as long. */
const SETTLE_MS = 5_000;

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
  const underWay = createUnderWay();
  const refuser = createRefuser({
    refusals: sides.refusals,
    peers: deps.peers,
    nextId,
    end: queued.end,
  });
  let doors: Doors | undefined;

  function serveLocal(call: Call, request: IncomingMessage, response: ServerResponse): boolean {
    if (isPreflight(request)) {
      answerPreflight(request, response, call.requestId);
      return true;
    }
    if (call.host.kind !== 'loopback') return false;
    refuseSignInDocuments(call, call.target.path);
    if (!call.isPage) return false;
    if (call.target.path === '/') {
      sendPage(response, call, 'text/html', statusPage(deps.snapshot()));
    } else sendPage(response, call, 'application/json', statusDocument(deps.snapshot()));
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

  const received = async (
    request: IncomingMessage,
    entrance: Entrance,
    story: Story,
  ): Promise<Call> =>
    (story.call = await receive(request, story.requestId, entrance, (origin) => {
      story.origin = origin;
    }));

  async function serve(
    request: IncomingMessage,
    response: ServerResponse,
    entrance: Entrance,
  ): Promise<void> {
    queued.note(request, response);
    const story: Story = { requestId: nextId() };
    const running = underWay.begin();
    response.once('close', () => running.left());
    try {
      const call = await received(request, entrance, story);
      if (serveLocal(call, request, response)) return;
      await carry(story, call, {
        running,
        kept: keepBody(call.framing),
        run: (plan) => forward(request, response, plan),
        response: () => response,
      });
    } catch (error) {
      refuser.refuse(error, response, story);
    } finally {
      running.ended();
    }
  }

  function endIfOwing(request: IncomingMessage, socket: Duplex, requestId: string): boolean {
    if (!owesAnswer(request, socket)) return false;
    queued.end(socket);
    refuser.refusePipelined(request, requestId);
    return true;
  }

  async function upgrade(
    request: IncomingMessage,
    socket: Duplex,
    entrance: Entrance,
  ): Promise<void> {
    const story: Story = { requestId: nextId() };
    if (endIfOwing(request, socket, story.requestId)) return;
    const running = underWay.begin();
    const leave = (): void => running.left();
    socket.once('close', leave);
    socket.on('error', leave);
    // What comes before the switch is dropped; only of a socket that is read one learns that its client left.
    socket.once('end', leave);
    socket.resume();
    try {
      const call = await received(request, entrance, story);
      await carry(story, call, {
        running,
        kept: keepBody({ kind: 'none' }),
        run: (plan) => tunnel(request, socket, plan),
        response: () => responseOn(request, socket),
      });
    } catch (error) {
      if (socket.destroyed) refuser.refuseUnheard(error, request, story);
      else refuser.refuse(error, responseOn(request, socket), story);
    } finally {
      running.ended();
    }
  }

  function connect(request: IncomingMessage, socket: Duplex): void {
    const story: Story = { requestId: nextId() };
    if (endIfOwing(request, socket, story.requestId)) return;
    refuser.refuse(connectRefused(), responseOn(request, socket), story);
  }

  async function refuseUnparsable(
    socket: Socket,
    error: ParserError,
    entrance: Entrance,
    owes: boolean,
  ): Promise<void> {
    const running = underWay.begin();
    await refuser.refuseUnparsable(socket, error, entrance, owes);
    running.ended();
  }

  return {
    renewConnections: sides.renewConnections,
    async listen() {
      doors = await openDoors(deps, (entrance) => ({
        connection: (socket) => deps.peers.accepted(socket, entrance()),
        request: (request, response) => serve(request, response, entrance()),
        upgrade: (request, socket) => void upgrade(request, socket, entrance()),
        connect,
        unparsable: (error, socket, owes) => void refuseUnparsable(socket, error, entrance(), owes),
      }));
      return doors;
    },
    async drain({ ms, hurry }) {
      if (doors === undefined) return;
      await doors.stop();
      await Promise.race([doors.over(ms), aborted(hurry)]);
      if (underWay.cut()) await doors.over(LAST_WORDS_MS);
      await doors.close();
      await underWay.settled(SETTLE_MS);
    },
    async close() {
      await doors?.close();
      doors = undefined;
      await sides.close();
    },
  };
}
