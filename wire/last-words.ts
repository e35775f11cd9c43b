import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';

const GOODBYE_MS = 1_000;

/**
 * Lets go of a connection that was ended and has no reader: without one, its other end is never seen, and
 * whoever keeps that open would keep the connection for ever.
 *
 * @param socket ended, all of it written
 */
export function hangUp(socket: Duplex): void {
  const timer = setTimeout(() => socket.destroy(), GOODBYE_MS);
  socket.once('close', () => clearTimeout(timer));
  socket.resume();
}

/**
 * Answers on a socket that no HTTP response exists for, and ends it. A pipelined request may come after the
 * connection's last answer: that one gets none, and the socket is closed.
 *
 * @param socket the client's, with no reader of its own any more
 * @param text a whole response, latin1
 */
export function endWithAnswer(socket: Duplex, text: string): void {
  // Nobody else listens here: without this a reset would end the process.
  socket.on('error', () => socket.destroy());
  if (socket.writable) socket.end(text, 'latin1', () => hangUp(socket));
  else socket.destroy();
}

/** Ended without its own last words, TLS tells by itself that something is missing. */
const isSecure = (socket: Socket): boolean => 'encrypted' in socket;

/**
 * Cuts an answer short: its connection is closed. Behind another answer it has none yet; node would then
 * leave the client waiting for ever.
 *
 * @param response begun or not
 */
export function cutAnswer(response: ServerResponse): void {
  const { socket } = response;
  if (socket === null) response.once('socket', (later) => later.destroy());
  // To HTTP/1.0 the connection's end is the body's: only a reset tells that there was more.
  if (response.req.httpVersionMinor === 0 && socket !== null && !isSecure(socket))
    socket.resetAndDestroy();
  response.destroy();
}
