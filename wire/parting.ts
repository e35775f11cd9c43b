import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** How a server's connections are let go, none of them under a request. */
export interface Parting {
  /** Hears of each connection, whoever accepted it. */
  accepted(socket: Socket): void;
  /** Hears of each request. */
  began(request: IncomingMessage, response: ServerResponse): void;
  /** Hears when nothing more will be written to it. */
  ended(request: IncomingMessage, response: ServerResponse): void;
  /**
   * Whether something written now, for what is no request, would run into an answer or be taken for it:
   * one has begun, or is owed to a whole request. A request whose own body is at fault is answered so.
   */
  owes(socket: Socket): boolean;
  /** Hears of each connection that is no longer HTTP. */
  switched(request: IncomingMessage): void;
  /** From now on each answer is its connection's last, so that the client comes anew, elsewhere. */
  announce(): void;
  /** Closes what is idle; resolves when no connection is left, or after the time given. */
  over(timeoutMs: number): Promise<void>;
  /** Closes what is left. */
  end(): void;
}

/** For the first byte of a connection that was just opened. */
const SILENT_MS = 1_000;
const LOOK_MS = 20;

/**
 * Keeps count of a server's connections. Node's `closeIdleConnections`, which its `close` calls, takes
 * for idle whatever was ended, and destroys it where the last bytes still wait for a slow client.
 *
 * @param server any
 * @returns how to let its connections go
 */
export function createParting(server: Server): Parting {
  const open = new Set<Socket>();
  /** The newest answer that is not out yet. With TLS, these sockets are others than those in `open`. */
  const answers = new Map<Socket, ServerResponse | 'idle'>();
  let isAnnounced = false;

  function accepted(socket: Socket): void {
    if (open.has(socket)) return;
    open.add(socket);
    socket.once('close', () => open.delete(socket));
  }
  function idle({ socket }: IncomingMessage, response: ServerResponse): void {
    // Of several that were pipelined the newest is answered last.
    if (answers.get(socket) === response) answers.set(socket, 'idle');
  }
  function closeIdle(): void {
    for (const [socket, state] of answers) if (state === 'idle') socket.destroy();
  }
  function closeSilent(): void {
    for (const socket of open) if (socket.bytesRead === 0) socket.destroy();
  }

  server.on('connection', accepted);
  return {
    accepted,
    began(request, response) {
      if (isAnnounced) response.shouldKeepAlive = false;
      const { socket } = request;
      if (!answers.has(socket)) socket.once('close', () => answers.delete(socket));
      answers.set(socket, response);
    },
    ended(request, response) {
      if (response.writableFinished) idle(request, response);
      else response.once('finish', () => idle(request, response));
    },
    owes(socket) {
      const response = answers.get(socket);
      if (response === undefined || response === 'idle') return false;
      return !response.writableFinished && (response.headersSent || response.req.complete);
    },
    switched: ({ socket }) => void answers.delete(socket),
    announce() {
      isAnnounced = true;
      for (const response of answers.values())
        if (response !== 'idle' && !response.headersSent) response.shouldKeepAlive = false;
    },
    async over(timeoutMs) {
      const startedMs = performance.now();
      for (let passedMs = 0; open.size > 0 && passedMs < timeoutMs;) {
        closeIdle();
        if (passedMs >= SILENT_MS) closeSilent();
        await sleep(LOOK_MS);
        passedMs = performance.now() - startedMs;
      }
    },
    end() {
      for (const socket of open) socket.destroy();
    },
  };
}
