import assert from 'node:assert/strict';
import { once } from 'node:events';
import net, { type AddressInfo } from 'node:net';
import { test, type TestContext } from 'node:test';
import tls from 'node:tls';
import { ledgerDir, openLedger, writeRequests } from '../../audit/ledger-dir.ts';
import { createCertificate, type TestCertificate } from '../../support/certificate.ts';
import { startSyslogReceiver, type SyslogReceiver } from '../../support/syslog-receiver.ts';
import { until } from '../../support/until.ts';
import { startShipping, syslog, upTo } from './bench.ts';

const seqsOf = ({ messages }: SyslogReceiver): number[] =>
  messages.map(({ data }) => Number(data['latchkey@32473']?.['seq']));

const unique = (values: readonly number[]): number[] => [...new Set(values)];

void test('RFC 5424 messages over TLS, framed by their length, in order', async (t) => {
  const dir = ledgerDir(t);
  const ledger = openLedger(t, dir);
  const certificate = createCertificate(t);
  const receiver = await startSyslogReceiver(t, certificate);
  await startShipping(t, dir, [syslog(receiver.port, { tls: { ca: certificate.cert } })]);
  await writeRequests(ledger, 120);
  await until('all messages have come', () => receiver.messages.length >= 241);
  assert.deepEqual(seqsOf(receiver), upTo(241));
  for (const { data, text, app, id, timestamp } of receiver.messages) {
    const record = JSON.parse(text) as Record<string, unknown>;
    assert.equal(app, 'latchkey');
    assert.equal(id, record['kind']);
    assert.equal(timestamp, record['at']);
    assert.equal(data['meta']?.['sequenceId'], String(record['seq']));
  }
  // Log audit, and a warning for what was denied.
  const priorities = receiver.messages.map(({ priority, text }) => {
    const { decision } = JSON.parse(text) as { decision?: string };
    return [decision === 'deny', priority] as const;
  });
  for (const [isDenied, priority] of priorities)
    assert.equal(priority, 13 * 8 + (isDenied ? 4 : 6));
});

void test('structured data holds each member, whatever characters are in it', async (t) => {
  const dir = ledgerDir(t);
  const ledger = openLedger(t, dir);
  const certificate = createCertificate(t);
  const receiver = await startSyslogReceiver(t, certificate);
  const path = '/a"b]c\\d="x" [evil@1 y="z"]';
  const record = await ledger.admit({
    requestId: 'r1',
    user: 'ä\n<13>1 - - - - - - forged',
    path,
    tool: { name: 'curl', pid: 7 },
    decision: 'deny',
  });
  record.finish({ status: 403 });
  const sink = syslog(receiver.port, { tls: { ca: certificate.cert }, format: 'structured' });
  await startShipping(t, dir, [sink]);
  await until('all messages have come', () => receiver.messages.length === 3);
  const message = receiver.messages[1];
  assert.deepEqual(Object.keys(message?.data ?? {}), ['meta', 'latchkey@32473']);
  const members = message?.data['latchkey@32473'];
  assert.equal(members?.['path'], path);
  assert.equal(members?.['user'], 'ä <13>1 - - - - - - forged');
  assert.equal(members?.['toolName'], 'curl');
  assert.equal(message?.text, '');
});

void test('a receiver that dies while it reads gets the batch again: nothing is lost', async (t) => {
  const dir = ledgerDir(t);
  const ledger = openLedger(t, dir);
  await writeRequests(ledger, 300);
  const certificate = createCertificate(t);
  const receiver = await startSyslogReceiver(t, certificate);
  receiver.resetAfter(4_000);
  const bench = await startShipping(t, dir, [
    syslog(receiver.port, { tls: { ca: certificate.cert } }),
  ]);
  await until(
    'two attempts to connect have failed',
    () => (bench.state().failures['connect'] ?? 0) >= 2,
  );
  assert.equal(bench.state().seq, 0);
  receiver.resetAfter(undefined);
  await until('all records are shipped', () => bench.state().seq === 601);
  assert.deepEqual(
    unique(seqsOf(receiver)).toSorted((a, b) => a - b),
    upTo(601),
  );
});

/** A receiver that is shut down in the middle of a batch: it ends in order, and stores nothing of what still comes. */
async function startLeavingReceiver(
  t: TestContext,
  certificate: TestCertificate | undefined,
  leave: (socket: net.Socket) => void,
) {
  const serve = (socket: net.Socket): void => {
    socket.on('error', () => {});
    socket.once('data', () => {
      socket.pause();
      socket.end();
      leave(socket);
    });
    t.after(() => socket.destroy());
  };
  const options = { allowHalfOpen: true };
  const server = certificate
    ? tls.createServer({ ...options, cert: certificate.cert, key: certificate.key }, serve)
    : net.createServer(options, serve);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const stop = async (): Promise<void> => {
    if (!server.listening) return;
    server.close();
    await once(server, 'close');
  };
  t.after(() => server.close());
  return { port, stop };
}

for (const transport of ['tls', 'tcp'] as const)
  void test(`a receiver that is shut down in order as it reads gets the batch again (${transport})`, async (t) => {
    const dir = ledgerDir(t);
    const ledger = openLedger(t, dir);
    // More than the system takes for one that does not read.
    for (let at = 0; at < 160; at += 1)
      await ledger.append('sign-in', { detail: 'x'.repeat(100_000) });
    const certificate = transport === 'tls' ? createCertificate(t) : undefined;
    const leaving = await startLeavingReceiver(t, certificate, (socket) => {
      socket.once('end', () => socket.destroy());
      setTimeout(() => socket.resume(), 100);
    });
    const bench = await startShipping(t, dir, [
      syslog(leaving.port, {
        transport,
        tls: certificate ? { ca: certificate.cert } : {},
        batch: { records: 1_000, bytes: 64 * 1024 ** 2, delayMs: 10 },
      }),
    ]);
    await until('two batches have failed', () => (bench.state().failures['connect'] ?? 0) >= 2);
    assert.deepEqual([bench.state().seq, bench.state().deadLetters], [0, 0]);
    assert.match(String(bench.state().problem), /closed before it had read all/);
    await leaving.stop();
    const receiver = await startSyslogReceiver(t, certificate, leaving.port);
    await until('all records are shipped', () => bench.state().seq === 161);
    assert.deepEqual(
      unique(seqsOf(receiver)).toSorted((a, b) => a - b),
      upTo(161),
    );
  });

void test('the system having taken a batch is not enough: a receiver that ends then has not read it', async (t) => {
  const dir = ledgerDir(t);
  const ledger = openLedger(t, dir);
  await writeRequests(ledger, 20);
  const { port } = await startLeavingReceiver(t, undefined, (socket) => {
    setTimeout(() => socket.destroy(), 100);
  });
  const batch = { records: 1, bytes: 1024 ** 2, delayMs: 0 };
  const bench = await startShipping(t, dir, [syslog(port, { transport: 'tcp', batch })]);
  // A machine that stands still at the wrong moment may hide one such end, or two.
  await until('an end before the quiet time is over is seen', () => {
    assert.notEqual(bench.state().seq, 41);
    return bench.state().failures['connect'];
  });
  assert.match(String(bench.state().problem), /closed before it had read all/);
});

void test('a receiver that never closes is given its time, and the batch comes again', async (t) => {
  const dir = ledgerDir(t);
  openLedger(t, dir);
  const { createServer } = await import('node:net');
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.resume();
    t.after(() => socket.destroy());
  }).listen(0, '127.0.0.1');
  await until('the receiver listens', () => server.listening);
  t.after(() => server.close());
  const { port } = server.address() as { port: number };
  const bench = await startShipping(t, dir, [syslog(port, { transport: 'tcp', timeoutMs: 200 })]);
  await until('an attempt has timed out', () => (bench.state().failures['timeout'] ?? 0) >= 1);
  assert.equal(bench.state().seq, 0);
  assert.match(String(bench.state().problem), /no answer within 200 ms/);
});

void test('confirm: written keeps one connection, and opens another when that ends', async (t) => {
  const dir = ledgerDir(t);
  const ledger = openLedger(t, dir);
  const receiver = await startSyslogReceiver(t);
  const sink = syslog(receiver.port, { transport: 'tcp', confirm: 'written' });
  const bench = await startShipping(t, dir, [sink]);
  for (let round = 1; round <= 3; round += 1) {
    await writeRequests(ledger, 5);
    await until(
      'all messages of the round have come',
      () => receiver.messages.length === 1 + 10 * round,
    );
  }
  assert.deepEqual(seqsOf(receiver), upTo(31));
  assert.equal(receiver.connections(), 1);
  assert.equal(bench.state().problem, undefined);
});

void test('a certificate of somebody else is refused, and so is another name', async (t) => {
  const dir = ledgerDir(t);
  openLedger(t, dir);
  const [certificate, other] = [createCertificate(t), createCertificate(t)];
  const receiver = await startSyslogReceiver(t, certificate);
  const bench = await startShipping(t, dir, [
    syslog(receiver.port, { name: 'stranger', tls: { ca: other.cert } }),
    syslog(receiver.port, { name: 'system' }),
    syslog(receiver.port, {
      name: 'misnamed',
      tls: { ca: certificate.cert, serverName: 'siem.example.com' },
    }),
  ]);
  for (const name of ['stranger', 'system', 'misnamed']) {
    await until('the sink tells of a problem', () => bench.state(name).problem !== undefined);
    assert.match(String(bench.state(name).problem), /^tls: /, name);
    assert.equal(bench.state(name).seq, 0);
  }
  assert.deepEqual(receiver.messages, []);
});
