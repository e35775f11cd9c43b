import { ask, JSON_BODY } from './exchange.ts';
import { jsonRequest, type Peer } from './peer.ts';

const ANSWER_MS = 10_000;

/**
 * Checks that a peer answers rightly before it is timed.
 *
 * @param peer the peer
 * @throws {Error} naming what was answered wrongly
 */
export async function checkPeer(peer: Peer): Promise<void> {
  const options = { keepBody: true, timeoutMs: ANSWER_MS };
  const good = await ask(peer.url, (socket) => void socket.write(jsonRequest(peer)), options);
  if (good.status !== 200 || good.body !== JSON_BODY) {
    throw new Error(`${peer.name} answers ${good.status}: ${good.body}`);
  }
  for (const { what, headers, status } of peer.refusals) {
    const request = jsonRequest(peer, headers);
    const bad = await ask(peer.url, (socket) => void socket.write(request), options);
    if (bad.status !== status) {
      throw new Error(`${peer.name} answers ${what} with ${bad.status}, not ${status}`);
    }
  }
}
