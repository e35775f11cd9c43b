import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';

/** The answers that wait behind others on their connections. */
export interface QueuedAnswers {
  /** To be called with each request before it is served. */
  note(request: IncomingMessage, response: ServerResponse): void;
  /** Destroys a connection, and tells those who answer on it. */
  end(socket: Duplex): void;
}

/**
 * Remembers answers that wait behind others: once an upgrade or CONNECT came on their connection, node
 * tells them no more of its end, and their exchanges would go on for nobody.
 *
 * @returns to be asked for one server
 */
export function createQueuedAnswers(): QueuedAnswers {
  const queued = new WeakMap<Duplex, Set<ServerResponse>>();
  return {
    note(request, response) {
      // Only the answer whose turn it is has the socket.
      if (response.socket !== null) return;
      const answers = queued.get(request.socket) ?? new Set();
      queued.set(request.socket, answers.add(response));
      response.once('close', () => answers.delete(response));
    },
    end(socket) {
      socket.destroy();
      queued.get(socket)?.forEach((response) => response.destroy());
    },
  };
}
