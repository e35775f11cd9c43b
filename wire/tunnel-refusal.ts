import type { ServerResponse } from 'node:http';
import { AnswerWriter, keepAnswer, type KeptAnswer } from './answer.ts';
import type { Connection } from './connection.ts';
import type { ClosedBy } from './forward-plan.ts';
import type { HeaderList } from './headers.ts';
import type { ResponseHead } from './response-head.ts';

/** What passed through a tunnel so far, bytes. */
export interface Traffic {
  bytesIn: number;
  bytesOut: number;
}

/** An answer in place of the switch. */
export interface Refusal {
  body(piece: Buffer): void;
  flush(): void;
  end(trailers: HeaderList): void;
  /** It broke off. */
  broken(): void;
}

/**
 * Gives the upstream's refusal to the client as it comes.
 *
 * @param response the client's answer, nothing written
 * @param answer the refusal's head
 * @param fields the fields to send
 * @param tunnel what it is counted in, where it comes from, and how it all ends
 * @returns takes the rest
 */
export function passedRefusal(
  response: ServerResponse,
  answer: ResponseHead,
  fields: HeaderList,
  tunnel: {
    readonly traffic: Traffic;
    readonly connection: Connection;
    end(cutBy?: ClosedBy): void;
  },
): Refusal {
  const { traffic, connection, end } = tunnel;
  const writer = new AnswerWriter(response);
  response.on('finish', () => end());
  response.on('drain', () => connection.socket.resume());
  writer.head(answer, fields);
  const slowDown = (isRoomy: boolean): void => {
    if (!isRoomy) connection.socket.pause();
  };
  return {
    body(piece) {
      traffic.bytesOut += piece.length;
      slowDown(writer.body(piece));
    },
    flush: () => slowDown(writer.flush()),
    end: (trailers) => writer.end(trailers),
    broken: () => end('upstream'),
  };
}

/**
 * Keeps the upstream's refusal from the client.
 *
 * @param answer its head
 * @param broken told when it breaks, or is too long to be kept
 * @param finish gets the whole answer
 * @returns takes the rest
 */
export function keptRefusal(
  answer: ResponseHead,
  broken: (error: Error) => void,
  finish: (kept: KeptAnswer) => void,
): Refusal {
  const keeper = keepAnswer(answer);
  return {
    body: keeper.body,
    flush() {},
    end: () => finish(keeper.end()),
    broken: () => broken(new Error('truncated')),
  };
}
