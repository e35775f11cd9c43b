import { chmodSync, lstatSync, rmSync } from 'node:fs';
import { connect, Server, type AddressInfo } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { ListenAddress } from './config/config.ts';

/** A socket's file outlives a process that was killed; nobody answers behind it then. */
async function removeStale(path: string): Promise<void> {
  if (lstatSync(path, { throwIfNoEntry: false })?.isSocket() !== true) return;
  const isLive = await new Promise<boolean>((resolve) => {
    const socket = connect(path);
    socket.on('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => resolve(false));
  });
  if (!isLive) rmSync(path, { force: true });
}

/**
 * Binds a server.
 *
 * @param server a node server
 * @param address where; port 0 is any free port
 * @param scheme for the URL that is returned
 * @param reusePort whether others may listen there too (Linux)
 * @returns the URL under which it now listens; `unix:/path` for a socket
 * @throws the bind's error, with node's code
 */
export async function listenOn(
  server: Server,
  address: ListenAddress,
  scheme: 'http' | 'https',
  reusePort = false,
): Promise<string> {
  if (address.kind === 'unix') await removeStale(address.path);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    const ready = (): void => {
      server.off('error', reject);
      resolve();
    };
    if (address.kind === 'unix') server.listen(address.path, ready);
    else server.listen({ port: address.port, host: address.host, reusePort }, ready);
  });
  if (address.kind === 'unix') {
    chmodSync(address.path, 0o660);
    return `unix:${address.path}`;
  }
  const { port } = server.address() as AddressInfo;
  const host = address.host.includes(':') ? `[${address.host}]` : address.host;
  return `${scheme}://${host}:${port}`;
}

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
