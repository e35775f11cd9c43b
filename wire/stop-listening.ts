import { Server } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';

/** Longer turns have work in them, during which others may connect. */
const CALM_MS = 0.05;
const MAX_CLOSING_MS = 500;

/**
 * Stops listening. The kernel resets connections that wait to be accepted when their socket is closed,
 * so all of them are accepted first: node accepts one in each turn, and a turn that is short and brings
 * none leaves next to no time for another. (Those whose handshake is under way are lost, unless
 * `net.ipv4.tcp_migrate_req` gives them to whoever else listens on the port.)
 *
 * @param server a node server; what it has accepted stays
 */
export async function stopListening(server: Server): Promise<void> {
  if (!server.listening) return;
  let waited = true;
  const note = (): void => {
    waited = true;
  };
  server.on('connection', note);
  const endMs = performance.now() + MAX_CLOSING_MS;
  for (let nowMs = performance.now(); nowMs < endMs;) {
    waited = false;
    await nextTurn();
    const beganMs = nowMs;
    nowMs = performance.now();
    if (!waited && nowMs - beganMs < CALM_MS) break;
  }
  server.off('connection', note);
  // Not the close of an HTTP server: that one destroys connections as well.
  Server.prototype.close.call(server);
}
