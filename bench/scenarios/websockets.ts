import { connect, type Socket } from 'node:net';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { usageOf } from '../machine.ts';
import { apiPath, requestHead, type Peer } from '../peer.ts';
import { haproxy } from '../programs/haproxy.ts';
import { latchkey } from '../programs/latchkey.ts';
import type { Row } from '../result.ts';
import { MANY_CONNECTIONS, usualRequests, warm, withPeer } from '../session.ts';
import type { OwnScenario } from './scenario.ts';

const AT_ONCE = 50;
const ANSWER_MS = 10_000;
const SETTLE_MS = 3_000;
/** For how many the memory is told; fewer may be opened where the system allows fewer files. */
const TOLD = 10_000;

async function openOne(peer: Peer, token: string): Promise<Socket> {
  const socket = connect({ host: '127.0.0.1', port: Number(peer.url.port), noDelay: true });
  socket.setTimeout(ANSWER_MS, () => socket.destroy(new Error(`${peer.name} fell silent`)));
  socket.write(
    requestHead(peer, `GET ${apiPath(0)}/socket`, [
      `Authorization: Bearer ${token}`,
      'Connection: Upgrade',
      'Upgrade: websocket',
      'Sec-WebSocket-Version: 13',
      'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
    ]),
  );
  const [head] = (await once(socket, 'data')) as [Buffer];
  const start = head.toString('latin1', 0, 12);
  if (start !== 'HTTP/1.1 101') throw new Error(`${peer.name} answers a WebSocket with ${start}`);
  socket.setTimeout(0);
  return socket;
}

async function openAll(peer: Peer, token: string, count: number): Promise<readonly Socket[]> {
  const sockets: Socket[] = [];
  while (sockets.length < count) {
    const batch = Math.min(AT_ONCE, count - sockets.length);
    sockets.push(...(await Promise.all(Array.from({ length: batch }, () => openOne(peer, token)))));
  }
  return sockets;
}

/** The memory of WebSockets on which nothing happens. */
export const webSockets: OwnScenario = async (run) => {
  const count = run.options.webSockets;
  const tokens = run.authority.tokens;
  const origin = await run.opened.script('load', 'origin', ['bench/origin.ts']);
  const requestsFile = await usualRequests(run);
  const measure = async (peer: Peer): Promise<Row> => {
    run.progress(`websockets: ${peer.name}`);
    await warm(run, peer, { requestsFile, connections: MANY_CONNECTIONS, seconds: 1 });
    const before = usageOf(peer).rssMib;
    const sockets = await openAll(peer, tokens[0] ?? '', count);
    await sleep(SETTLE_MS);
    const after = usageOf(peer).rssMib;
    const open = sockets.filter((socket) => !socket.destroyed).length;
    for (const socket of sockets) socket.destroy();
    if (open !== count) throw new Error(`${peer.name} closed ${count - open} WebSockets`);
    const each = (after - before) / count;
    const cells = [before, after, each * 1024, before + each * TOLD].map(Math.round);
    return { name: peer.name, cells };
  };
  try {
    const setting = { upstream: origin.url.origin };
    const starters = run.reference === undefined ? [latchkey] : [haproxy, latchkey];
    const rows: Row[] = [];
    for (const start of starters) rows.push(await withPeer(run, start, setting, measure));
    return {
      scenario: 'websockets',
      title: `${count} idle WebSockets`,
      notes: [`The last column is worked out from the others.`],
      columns: ['RSS MiB before', 'with them', 'KiB each', `MiB with ${TOLD}`],
      rows,
    };
  } finally {
    await origin.child.stop();
  }
};
