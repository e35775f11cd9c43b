import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';

/** The answers that connections owe. */
export interface OwedAnswers {
  /** To be called with each request before it is served. */
  note(request: IncomingMessage, response: ServerResponse): void;
  /**
   * Whether something written now, for what is no request, would run into an answer or be taken for it:
   * one has begun, or is owed to a whole request. A request whose own body is at fault is answered so.
   */
  isOwed(socket: Duplex): boolean;
  /** Destroys a connection, and tells those who answer on it. */
  end(socket: Duplex): void;
}

/**
 * Remembers what a server's connections owe. Answers wait behind others; once an upgrade or CONNECT came on
 * their connection, node tells them no more of its end, and their exchanges would go on for nobody.
 *
 * @returns to be asked for one server
 */
export function createOwedAnswers(): OwedAnswers {
  const newest = new WeakMap<Duplex, ServerResponse>();
  const queued = new WeakMap<Duplex, Set<ServerResponse>>();
  return {
    note(request, response) {
      newest.set(request.socket, response);
      // Only the answer whose turn it is has the socket.
      if (response.socket !== null) return;
      const answers = queued.get(request.socket) ?? new Set();
      queued.set(request.socket, answers.add(response));
      response.once('close', () => answers.delete(response));
    },
    isOwed(socket) {
      const response = newest.get(socket);
      if (response === undefined || response.writableFinished) return false;
      return response.headersSent || response.req.complete;
    },
    end(socket) {
      socket.destroy();
      queued.get(socket)?.forEach((response) => response.destroy());
    },
  };
}
