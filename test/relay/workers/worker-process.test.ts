import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { test } from 'node:test';
import { spawnWorker } from '../../../relay/workers/worker-process.ts';
import type { PrimaryProcedures } from '../../../relay/workers/procedures.ts';
import { until } from '../../support/until.ts';

test(
  'connections that a dying worker never got come back whole',
  { skip: process.platform === 'win32' && 'there are no such signals' },
  async (t) => {
    const accepted: Socket[] = [];
    const server = createServer({ pauseOnConnect: true }, (socket) => accepted.push(socket));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const clients = Array.from({ length: 5 }, () => connect(port, '127.0.0.1'));
    const ended = clients.map((client) => new Promise((resolve) => client.on('close', resolve)));
    for (const client of clients) client.on('error', () => {}).write('hello');
    await until('all connections are accepted', () => accepted.length === 5);
    const worker = spawnWorker({} as PrimaryProcedures);
    t.after(() => {
      worker.kill();
      for (const socket of [...clients, ...accepted]) socket.destroy();
      server.close();
    });
    process.kill(worker.pid, 'SIGSTOP');
    for (const [at, socket] of accepted.entries()) worker.give(at, socket);
    await new Promise((resolve) => setTimeout(resolve, 50));
    worker.kill();
    await worker.gone;
    const back = worker.takeBack();
    assert.equal(back.length, 4, 'all but the one that was sent');
    assert.deepEqual(worker.takeBack(), []);
    for (const socket of back) {
      socket.resume();
      const [text] = (await once(socket, 'data')) as [Buffer];
      assert.equal(text.toString(), 'hello', 'nothing of it was read');
      socket.end();
    }
    // The one that was sent is closed, not left hanging.
    await Promise.all(ended);
  },
);
