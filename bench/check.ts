import { ask, JSON_BODY } from './exchange.ts';
import { apiPath, requestHead, type Peer } from './peer.ts';
import type { Authority } from './tokens.ts';

const ANSWER_MS = 10_000;

/**
 * Checks that a peer answers rightly before it is timed.
 *
 * @param peer the peer
 * @param authority whose tokens it takes
 * @param good the header lines of a request that it must let through
 * @throws {Error} naming what was answered wrongly
 */
export async function checkPeer(
  peer: Peer,
  authority: Authority,
  good: readonly string[] = [`Authorization: Bearer ${authority.tokens[0]}`],
): Promise<void> {
  const options = { keepBody: true, timeoutMs: ANSWER_MS };
  const start = `GET ${apiPath(0)}/json`;
  const get = (headers: readonly string[]) =>
    ask(peer.url, (socket) => void socket.write(requestHead(peer, start, headers)), options);
  const right = await get(good);
  if (right.status !== 200 || right.body !== JSON_BODY) {
    throw new Error(`${peer.name} answers a good request with ${right.status}: ${right.body}`);
  }
  if (peer.refuses === 'nothing') return;
  for (const { what, headers, status } of authority.refusals) {
    const wrong = await get(headers);
    const isRight =
      peer.refuses === 'by the letter'
        ? wrong.status === status
        : wrong.status === 401 || wrong.status === 403;
    if (!isRight) throw new Error(`${peer.name} answers ${what} with ${wrong.status}`);
  }
}
