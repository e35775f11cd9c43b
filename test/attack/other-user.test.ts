import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { describe, test } from 'node:test';
import { checkPeer } from '../../app/main/agent/proxy/peer-check.ts';
import { createPeers } from '../../app/main/agent/proxy/peer.ts';
import type { Verdict } from '../../app/main/agent/proxy/peer-finder.ts';
import { endIn, readRow, type SocketRow } from '../../app/main/agent/socket-table.ts';
import { startPeerServer } from '../support/peer-server.ts';
import { until } from '../support/until.ts';

const NOBODY = 65_534;
/** An address from which nothing else connects, so that its ports are free to be used again. */
const QUIET = '127.77.77.77';
const skip =
  process.platform !== 'linux'
    ? 'only Linux shows whose a connection is'
    : process.getuid?.() !== 0 && 'only root can start a program of another user';

const refused = (verdict: Verdict): void =>
  assert.throws(() => checkPeer(verdict, { otherUsers: false, platform: 'linux' }), {
    code: 'other_user',
  });

/** How the kernel lists the client's end. */
function rowOfClient({ remotePort = 0, localPort = 0 }: Socket): SocketRow | undefined {
  const [far, near] = [remotePort, localPort].map((port) => endIn('127.0.0.1', port, 'tcp'));
  return readFileSync('/proc/net/tcp', 'utf8')
    .split('\n')
    .flatMap((line) => readRow(line) ?? [])
    .find(({ ends }) => ends === `${far} ${near}`);
}

describe('another user of the computer gets nothing from the port', { skip }, () => {
  for (const [listen, to] of [
    ['127.0.0.1', '127.0.0.1'],
    ['127.0.0.1', '::ffff:127.0.0.1'],
    ['::1', '::1'],
  ] as const) {
    test(`another user's program, by ${to}`, async () => {
      const server = await startPeerServer(listen);
      try {
        const arrived = server.next();
        server.program(NOBODY, 'stay', to);
        const peer = createPeers().of(await arrived);
        const verdict = await peer.verdict;
        assert.deepEqual(verdict, { kind: 'other', uid: NOBODY });
        refused(verdict);
        await peer.ready;
        assert.deepEqual(peer.tool(), {}, 'other users’ programs are not named');
      } finally {
        await server.close();
      }
    });
  }

  test('root’s program is not this user’s', async () => {
    const server = await startPeerServer('127.0.0.1');
    try {
      const arrived = server.next();
      server.program(0, 'stay');
      const peer = createPeers({ ownUid: NOBODY }).of(await arrived);
      assert.deepEqual(await peer.verdict, { kind: 'other', uid: 0 });
    } finally {
      await server.close();
    }
  });

  test('another user sends and closes at once: what is left of it, listed as root’s, is not root’s', async () => {
    const server = await startPeerServer('127.0.0.1', { allowHalfOpen: true });
    try {
      const arrived = server.next();
      const { ended } = server.program(NOBODY, 'leave');
      const socket = await arrived;
      socket.resume();
      await Promise.all([once(socket, 'end'), ended]);
      await until('it is not listed as theirs', () => rowOfClient(socket)?.uid !== NOBODY);
      const peer = createPeers({ ownUid: 0 }).of(socket);
      const verdict = await peer.verdict;
      assert.equal(verdict.kind, 'unknown');
      refused(verdict);
    } finally {
      await server.close();
    }
  });

  test('many that send and close as they please: none is ever taken for own', async () => {
    const peers = createPeers({ ownUid: 0 });
    const verdicts: Promise<Verdict>[] = [];
    const server = await startPeerServer('127.0.0.1', {}, (socket) => {
      verdicts.push(peers.of(socket).verdict);
    });
    try {
      await server.program(NOBODY, 'flood').ended;
      while (verdicts.length < 40) await server.next();
      for (const verdict of await Promise.all(verdicts)) refused(verdict);
    } finally {
      await server.close();
    }
  });

  test('another user resets, and this user’s next connection has the same port: the first is not own', async () => {
    const server = await startPeerServer('127.0.0.1', { pauseOnConnect: true });
    try {
      const first = server.next();
      const program = server.program(NOBODY, 'stay', '127.0.0.1', QUIET);
      const socket = await first;
      const { remotePort: from = 0 } = socket;
      program.reset();
      await program.ended;

      const second = server.next();
      const own = connect({
        host: '127.0.0.1',
        port: server.port,
        localAddress: QUIET,
        localPort: from,
      });
      const ownSocket = await second;
      assert.equal(ownSocket.remotePort, from);
      const peers = createPeers();
      const verdicts = await Promise.all([peers.of(socket).verdict, peers.of(ownSocket).verdict]);
      own.destroy();
      assert.deepEqual(verdicts, [
        { kind: 'unknown', why: 'left' },
        { kind: 'own', uid: 0 },
      ]);
      refused(verdicts[0]);
    } finally {
      await server.close();
    }
  });
});
