import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { findPortOwner } from '../../../app/main/agent/port-owner.ts';
import { checkPeer } from '../../../app/main/agent/proxy/peer-check.ts';
import type { Verdict } from '../../../app/main/agent/proxy/peer-finder.ts';
import { createHolderFinder } from '../../../app/main/agent/proxy/peer-holder.ts';
import { readListing } from '../../../app/main/agent/proxy/peer-lsof.ts';
import { programName } from '../../../app/main/agent/proxy/peer-name.ts';
import { createRowFinder } from '../../../app/main/agent/proxy/peer-rows.ts';
import { canTell, createPeers, type Peer } from '../../../app/main/agent/proxy/peer.ts';
import { endIn, readRow } from '../../../app/main/agent/socket-table.ts';
import { startPeerServer, type PeerServer } from '../../support/peer-server.ts';
import { until } from '../../support/until.ts';

const UID = process.getuid?.() ?? 0;
const LSOF = '/usr/bin/lsof';
const skip = process.platform !== 'linux' && 'reads the tables of Linux';

async function withServer(
  host: string,
  body: (server: PeerServer) => Promise<void>,
  onSocket?: (socket: Socket) => void,
): Promise<void> {
  const server = await startPeerServer(host, {}, onSocket);
  try {
    await body(server);
  } finally {
    await server.close();
  }
}

async function withDir(body: (dir: string) => Promise<void>): Promise<void> {
  const dir = await mkdtemp(join(tmpdir(), 'latchkey-peer-'));
  try {
    await mkdir(join(dir, 'net'));
    await body(dir);
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

/** One connection of this very process, both ends. */
async function connection(server: PeerServer, host: string): Promise<readonly [Socket, Socket]> {
  const arrived = server.next();
  const own = connect({ host, port: server.port });
  own.on('error', () => own.destroy());
  return [await arrived, own];
}

/** Looks until all are named: a look takes two seconds at most, and a busy machine may need longer. */
async function named(
  sockets: readonly Socket[],
  options: Parameters<typeof createPeers>[0] = {},
): Promise<readonly Peer[]> {
  let found: readonly Peer[] = [];
  await until('all are named', async () => {
    const peers = createPeers({ readyMs: 60_000, ...options });
    found = sockets.map((socket) => peers.of(socket));
    await Promise.all(found.map(({ ready }) => ready));
    return found.every((peer) => peer.tool().pid !== undefined);
  });
  return found;
}

describe('the other end of a local connection', { skip }, () => {
  for (const [listen, to] of [
    ['127.0.0.1', '127.0.0.1'],
    ['127.0.0.1', '::ffff:127.0.0.1'],
    ['::1', '::1'],
    ['::', '127.0.0.1'],
  ] as const) {
    test(`an own program that connects from ${to} to ${listen} is named, with its pid`, () =>
      withServer(listen, async (server) => {
        const arrived = server.next();
        const { pid } = server.program(UID, 'stay', to);
        const [peer] = await named([await arrived]);
        assert.deepEqual(await peer?.verdict, { kind: 'own', uid: UID });
        assert.deepEqual(peer?.known(), { kind: 'own', uid: UID });
        assert.deepEqual(peer.tool(), { pid, name: 'node other-user.client.ts' });
      }));
  }

  test('a program of a user that is not ours is other, and not named', () =>
    withServer('127.0.0.1', async (server) => {
      const [socket] = await connection(server, '127.0.0.1');
      const peer = createPeers({ ownUid: UID + 1 }).of(socket);
      assert.deepEqual(await peer.verdict, { kind: 'other', uid: UID });
      await peer.ready;
      assert.deepEqual(peer.tool(), {});
    }));

  test('a client that closes at once leaves nobody waiting', async () => {
    const peers = createPeers();
    const verdicts: Promise<Verdict>[] = [];
    await withServer(
      '127.0.0.1',
      async (server) => {
        await server.program(UID, 'flood').ended;
        while (verdicts.length < 40) await server.next();
        const kinds = (await Promise.all(verdicts)).map(({ kind }) => kind);
        assert.ok(!kinds.includes('other'), kinds.join());
      },
      (socket) => verdicts.push(peers.of(socket).verdict),
    );
  });

  test('many parallel connections are all own', async () => {
    const peers = createPeers();
    const sockets: Socket[] = [];
    const verdicts: Promise<Verdict>[] = [];
    await withServer(
      '127.0.0.1',
      async (server) => {
        const clients = Array.from({ length: 300 }, () => connect(server.port, '127.0.0.1'));
        await Promise.all(clients.map((client) => once(client, 'connect')));
        // The last ones may be connected before they are accepted.
        while (sockets.length < clients.length) await server.next();
        for (const { kind } of await Promise.all(verdicts)) assert.equal(kind, 'own');
        for (const peer of await named(sockets)) assert.equal(peer.tool().pid, process.pid);
        for (const client of clients) client.destroy();
      },
      (socket) => {
        sockets.push(socket);
        verdicts.push(peers.of(socket).verdict);
      },
    );
  });

  test('later requests of a connection look nothing up', () =>
    withServer('127.0.0.1', async (server) => {
      const peers = createPeers();
      const [socket] = await connection(server, '127.0.0.1');
      assert.equal(peers.of(socket), peers.of(socket));
    }));

  test('what the tables do not list, as in another network namespace, is unknown', () =>
    withDir((procDir) =>
      withServer('127.0.0.1', async (server) => {
        const [socket] = await connection(server, '127.0.0.1');
        const unseen = { kind: 'unknown', why: 'unseen' };
        assert.deepEqual(await createPeers({ procDir }).of(socket).verdict, unseen, 'no tables');
        const [head = '', ...rows] = readFileSync('/proc/net/tcp', 'utf8').split('\n');
        await writeFile(join(procDir, 'net/tcp'), `${head}\n`);
        assert.deepEqual(await createPeers({ procDir }).of(socket).verdict, unseen, 'empty table');
        const near = endIn('127.0.0.1', server.port, 'tcp') ?? '';
        const ours = rows.filter((row) => row.includes(`: ${near} `));
        await writeFile(join(procDir, 'net/tcp'), [head, ...ours, ''].join('\n'));
        assert.deepEqual(await createPeers({ procDir }).of(socket).verdict, unseen, 'our end only');
      }),
    ));

  test('a row that no program holds, or none yet, says nothing about who sent', () =>
    withDir((procDir) =>
      withServer('127.0.0.1', async (server) => {
        const [socket] = await connection(server, '127.0.0.1');
        const theirs = endIn('127.0.0.1', socket.remotePort ?? 0, 'tcp') ?? '';
        const table = readFileSync('/proc/net/tcp', 'utf8').split('\n');
        const listed = async (state: string): Promise<Verdict> => {
          const rows = table.map((row) =>
            row.includes(`: ${theirs} `) ? row.replace(' 01 ', ` ${state} `) : row,
          );
          await writeFile(join(procDir, 'net/tcp'), rows.join('\n'));
          return createPeers({ procDir }).of(socket).verdict;
        };
        for (const state of ['02', '03', '06', '07', '0A']) {
          assert.deepEqual(await listed(state), { kind: 'unknown', why: 'left' }, state);
        }
        for (const state of ['01', '04', '05', '08', '09', '0B']) {
          assert.deepEqual(await listed(state), { kind: 'own', uid: UID }, state);
        }
      }),
    ));

  test('connections that come during a reading share the next one', () =>
    withDir(async (procDir) => {
      const table = join(procDir, 'net/tcp');
      execFileSync('/bin/sh', ['-c', 'mkfifo "$0"', table]);
      const end = (port: number) => ({ address: '127.0.0.1', port });
      const lines = Array.from({ length: 50 }, (_, at) => {
        const [near, far] = [endIn('127.0.0.1', 1, 'tcp'), endIn('127.0.0.1', at + 2, 'tcp')];
        const rest = '01 00000000:00000000 00:00000000 00000000 1000 0';
        return `${at}: ${near} ${far} ${rest} 1\n${at}: ${far} ${near} ${rest} ${at + 2}\n`;
      });
      const find = createRowFinder(procDir);
      const found = lines.map((_, at) =>
        find({ near: end(1), far: end(at + 2), inode: '1', isOver: () => false }),
      );
      // Each opening of the pipe for writing waits for one reading: there are two.
      await writeFile(table, lines.join(''));
      assert.equal((await found[0])?.theirs?.inode, '2');
      await writeFile(table, lines.join(''));
      const rows = await Promise.all(found);
      assert.deepEqual(
        rows.map(({ theirs }) => theirs?.inode),
        lines.map((_, at) => String(at + 2)),
      );
    }));

  test('nobody waits for a tool longer than is bearable', () =>
    withDir(async (dir) => {
      const lsof = join(dir, 'slow');
      // So long that only the time it is given can end it, however late this process looks.
      await writeFile(lsof, '#!/bin/sh\nexec /bin/sleep 60\n');
      await chmod(lsof, 0o755);
      await withServer('127.0.0.1', async (server) => {
        const [socket] = await connection(server, '127.0.0.1');
        const peer = createPeers({ platform: 'darwin', lsof }).of(socket);
        await peer.ready;
        assert.deepEqual([peer.known(), peer.tool()], [undefined, {}]);
        assert.equal((await peer.verdict).kind, 'unknown');
      });
    }));

  test('a process is named only when it is this user’s', () =>
    withDir(async (procDir) => {
      await mkdir(join(procDir, '42/fd'), { recursive: true });
      await symlink('socket:[77]', join(procDir, '42/fd/3'));
      await symlink('/usr/bin/curl', join(procDir, '42/exe'));
      const find = (ownUid: number, inode: string) =>
        createHolderFinder(procDir, ownUid)(inode, () => false);
      assert.deepEqual(await find(UID, '77'), { pid: 42, name: 'curl' });
      assert.deepEqual(await find(UID + 1, '77'), {});
      assert.deepEqual(await find(UID, '78'), {});
    }));

  test('who comes through the socket file has passed its permissions', () => {
    const peer = createPeers().of(connect({ port: 1, lookup: () => undefined }), 'file');
    assert.deepEqual(peer.known(), { kind: 'own' });
  });
});

describe('systems other than Linux', () => {
  test('lsof names an own program', { skip: !existsSync(LSOF) && 'there is no lsof' }, () =>
    withServer('::1', async (server) => {
      const arrived = server.next();
      const { pid } = server.program(UID, 'stay');
      const [peer] = await named([await arrived], { platform: 'darwin', lsof: LSOF });
      assert.deepEqual(await peer?.verdict, { kind: 'own', uid: UID });
      assert.equal(peer?.tool().pid, pid);
      assert.ok(peer?.tool().name);
    }),
  );

  test('a listing of lsof gives each socket its process', () => {
    const listing =
      'p7\ncCode\\x20Helper\nu501\nf3\nn[::1]:5->[::1]:6\nf4\nn1.2.3.4:5->1.2.3.4:6\np8\nu0\nf1\nnx\n';
    assert.deepEqual(readListing(listing), [
      { ends: '[::1]:5->[::1]:6', pid: 7, uid: 501, name: 'Code_x20Helper' },
      { ends: '1.2.3.4:5->1.2.3.4:6', pid: 7, uid: 501, name: 'Code_x20Helper' },
      { ends: 'x', pid: 8, uid: 0, name: '' },
    ]);
  });

  test('Windows is not asked, and nobody is refused for it', () =>
    withServer('127.0.0.1', async (server) => {
      const [socket] = await connection(server, '127.0.0.1');
      const verdict = await createPeers({ platform: 'win32' }).of(socket).verdict;
      assert.deepEqual(verdict, { kind: 'unknown', why: 'platform' });
      assert.equal(canTell('win32'), false);
      checkPeer(verdict, { otherUsers: false, platform: 'win32' });
    }));
});

test('who is not this user is refused, unless the setting lets others in', () => {
  const config = { otherUsers: false, platform: 'linux' } as const;
  checkPeer({ kind: 'own', uid: 1000 }, config);
  for (const verdict of [
    { kind: 'other', uid: 1001 },
    { kind: 'unknown', why: 'left' },
    { kind: 'unknown', why: 'unseen' },
  ] as const) {
    assert.throws(() => checkPeer(verdict, config), { code: 'other_user' });
    checkPeer(verdict, { ...config, otherUsers: true });
  }
  assert.throws(() => checkPeer({ kind: 'other', uid: 0 }, { ...config, platform: 'darwin' }));
});

test('a program is named by its executable and script, never by another argument', () => {
  const SECRET = 'hunter2';
  for (const [executable, words, name] of [
    ['/usr/bin/curl', ['curl', '-H', `X-Key: ${SECRET}`], 'curl'],
    ['/usr/bin/python3.12', ['python3', '-u', '/srv/report.py', SECRET], 'python3.12 report.py'],
    ['/usr/bin/python3.12', ['python3', '-c', SECRET], 'python3.12'],
    ['/usr/bin/python3.12', ['python3', '-W', SECRET, 'x.py'], 'python3.12'],
    ['/usr/bin/node', ['node', '--inspect', '--import=x', 'server.js', SECRET], 'node server.js'],
    ['/usr/bin/node', ['node', '--eval', SECRET], 'node'],
    ['/usr/bin/node', ['node', `--eval=${SECRET}`, SECRET], 'node'],
    ['/usr/bin/node', ['node', '-r', SECRET, 'x.js'], 'node'],
    ['/usr/bin/bash', ['bash', '-c', `curl -H ${SECRET}`], 'bash'],
    ['/usr/bin/bash', ['bash', '-s', SECRET], 'bash'],
    ['/usr/lib/jvm/bin/java', ['java', '-Xmx1g', '-jar', 'app.jar'], 'java app.jar'],
    ['/usr/bin/java', ['java', `-Dkey=${SECRET}`, '-jar', 'app.jar'], 'java'],
    ['/opt/code/code (deleted)', [`/opt/code/code --token=${SECRET}`], 'code'],
    ['', [`/opt/my/tool --token=${SECRET}`], 'tool'],
    ['', [''], ''],
    ['/x/a"\r\nX: y', [], 'a___X: y'],
  ] as const) {
    assert.equal(programName(executable, words.join('\0')), name);
  }
});

test('addresses stand in the tables as the kernel writes them', () => {
  assert.equal(endIn('127.0.0.1', 8080, 'tcp'), '0100007F:1F90');
  assert.equal(endIn('127.0.0.1', 80, 'tcp6'), '0000000000000000FFFF00000100007F:0050');
  assert.equal(endIn('::ffff:127.0.0.1', 80, 'tcp'), '0100007F:0050');
  assert.equal(endIn('::1', 80, 'tcp6'), '00000000000000000000000001000000:0050');
  assert.equal(endIn('fe80::1:2%lo', 80, 'tcp6'), '000080FE000000000000000002000100:0050');
  assert.equal(endIn('::1', 80, 'tcp'), undefined);
  assert.equal(endIn('nonsense', 80, 'tcp'), undefined);
});

test('what is no row is not read as one', () => {
  for (const line of ['', 'sl local_address rem_address st', '1: A B', '1: a b c d e f x g h i']) {
    assert.equal(readRow(line), undefined, line);
  }
});

test('the program that holds a port is named', { skip }, async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const owner = findPortOwner((server.address() as AddressInfo).port);
  server.close();
  assert.equal(owner?.uid, UID);
  assert.equal(owner?.pid, process.pid);
  assert.match(owner?.name ?? '', /^node/);
});
