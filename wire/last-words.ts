import type { Duplex } from 'node:stream';

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
  if (socket.writable) socket.end(text, 'latin1');
  else socket.destroy();
}
