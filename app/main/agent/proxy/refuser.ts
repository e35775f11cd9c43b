import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { AuditFields } from '../../../../audit/record.ts';
import { sendProblem, type ProblemError } from '../../../../wire/problem.ts';
import type { Call } from './call.ts';
import type { Entrance } from './entrance.ts';
import { readableFields } from './preflight.ts';
import type { ProxyDeps } from './proxy-deps.ts';
import { asProblem, refusalFields } from './refusals.ts';
import type { Side, Sides } from './sides.ts';
import { toolName } from './transform.ts';
import { answerUnparsable, parserRefusal, type ParserError } from './unparsable.ts';

/** What is known of a request by now. */
export interface Story {
  readonly requestId: string;
  /** The listed origin that asks, once the guard has let it in. */
  origin?: string;
  /** Once the guard has let it in. */
  call?: Call;
  /** Once it is known whom it is for. */
  side?: Side;
}

/** The one edge of the port: what is thrown is answered here, and recorded. */
export interface Refuser {
  refuse(error: unknown, response: ServerResponse, story: Story): void;
  /** Nobody is there to be answered any more. */
  refuseUnheard(error: unknown, request: IncomingMessage, story: Story): void;
  /** What is pipelined behind an owed answer: one to it would be taken for that one, so there is none. */
  refusePipelined(request: IncomingMessage, requestId: string): void;
  /**
   * What node's parser refused: no request exists.
   *
   * @param owes whether what is written now would run into an answer, or be taken for it
   */
  refuseUnparsable(
    socket: Socket,
    error: ParserError,
    entrance: Entrance,
    owes: boolean,
  ): Promise<void>;
}

const PIPELINED = { code: 'bad_request', status: 400 } as const;

/**
 * Makes the edge.
 *
 * @param deps where refusals are recorded, who is at the other end, and how requests are named
 * @returns the edge
 */
export function createRefuser(deps: {
  readonly refusals: Sides['refusals'];
  readonly peers: ProxyDeps['peers'];
  readonly nextId: () => string;
  /** Destroys a connection, and all that waits on it. */
  readonly end: (socket: Duplex) => void;
}): Refuser {
  function record(
    fields: AuditFields & { readonly requestId: string },
    { code, status }: Pick<ProblemError, 'code' | 'status'>,
    bytesOut: number,
    side?: Side,
  ): void {
    (side ?? deps).refusals.record(
      { ...fields, decision: 'deny', code },
      { status, code, bytesOut, closedBy: 'relay' },
    );
  }

  const facts = (request: IncomingMessage, requestId: string) => ({
    requestId,
    tool: { name: toolName(request.rawHeaders) },
    method: request.method ?? '',
  });

  return {
    refuse(error, response, story) {
      const { call, side, origin } = story;
      const requestId = call?.requestId ?? story.requestId;
      const problem = asProblem(error);
      const close = problem.status === 400 || response.req.headers.expect !== undefined;
      if (!response.headersSent) {
        const fields = {
          ...refusalFields(problem, side?.snapshot().relay),
          ...(origin === undefined ? {} : readableFields(origin)),
        };
        for (const [name, value] of Object.entries(fields)) response.setHeader(name, value);
      }
      const bytesOut = sendProblem(response, problem, requestId, { close });
      // What was admitted has its record already; this is for what never was.
      if (!call?.admitted) record(facts(response.req, requestId), problem, bytesOut, side);
    },

    refuseUnheard(error, request, { call, requestId, side }) {
      if (!call?.admitted) record(facts(request, requestId), asProblem(error), 0, side);
    },

    refusePipelined(request, requestId) {
      record(facts(request, requestId), PIPELINED, 0);
    },

    async refuseUnparsable(socket, error, entrance, owes) {
      // Browsers open connections ahead: on one that has brought nothing nobody asked for anything.
      const isSilent = socket.bytesRead === 0;
      if (isSilent || !socket.writable || error.code === 'ECONNRESET') {
        socket.destroy();
        return;
      }
      const requestId = deps.nextId();
      const problem = parserRefusal(error);
      let bytesOut = 0;
      if (owes) deps.end(socket);
      else bytesOut = answerUnparsable(socket, problem, requestId);
      const tool = await deps.peers.check(socket, entrance).then(
        (peer) => peer.tool(),
        () => undefined,
      );
      record({ requestId, tool: { name: 'unknown', ...tool } }, problem, bytesOut);
    },
  };
}
