import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import http from 'node:http';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { connect } from 'node:net';
import { test, type TestContext } from 'node:test';
import { createCertificate } from '../support/certificate.ts';
import { createRawUpstream, statusOf } from '../support/raw.ts';
import { createRelayBench } from '../support/relay.ts';
import { until } from '../support/until.ts';

function directory(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), 'latchkey-listen-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

/** A socket's file without anybody behind it, as a killed process leaves it. */
async function staleSocket(path: string): Promise<void> {
  const program = `require('net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 'SIGKILL'))`;
  const { spawn } = await import('node:child_process');
  await once(spawn(process.execPath, ['-e', program]), 'exit');
}

const overSocket = async (socketPath: string, token: string): Promise<number> =>
  new Promise((resolve, reject) => {
    const headers = { Host: '127.0.0.1', Authorization: `Bearer ${token}` };
    const request = http.get({ socketPath, path: '/x/a', headers, agent: false }, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    });
    request.on('error', reject);
  });

test('one relay listens on addresses and sockets; a dead socket file is replaced', async (t) => {
  const path = join(directory(t), 'relay.sock');
  await staleSocket(path);
  const bench = await createRelayBench(t, { listen: `['127.0.0.1:0', 'unix:${path}']` });
  const token = await bench.token();
  assert.equal(await overSocket(path, token), 200);
  const answer = await fetch(`${bench.relay.url}/x/a`, {
    headers: { Authorization: `Bearer ${token}` },
  });
  assert.equal(answer.status, 200);
});

test('a socket that somebody answers at is not taken away', async (t) => {
  const path = join(directory(t), 'relay.sock');
  const other = createServer().listen(path);
  await once(other, 'listening');
  t.after(() => other.close());
  await assert.rejects(
    createRelayBench(t, { listen: `['127.0.0.1:0', 'unix:${path}']` }),
    /EADDRINUSE/,
  );
});

test('a client is shown the certificate for the name that it asks for', async (t) => {
  const [first, second, wild] = ['relay.test', 'other.test', '*.wild.test'].map((name) =>
    createCertificate(t, name),
  );
  assert.ok(first && second && wild);
  const bench = await createRelayBench(t, {
    top: `tls: { certFile: ${first.certFile}, keyFile: ${first.keyFile}, additional: [{ certFile: ${second.certFile}, keyFile: ${second.keyFile} }, { certFile: ${wild.certFile}, keyFile: ${wild.keyFile} }] }`,
  });
  const { port } = new URL(bench.relay.url);
  const shown = async (servername: string): Promise<string> => {
    const socket = connectTls({
      host: '127.0.0.1',
      port: Number(port),
      servername,
      rejectUnauthorized: false,
    });
    await once(socket, 'secureConnect');
    const name = socket.getPeerCertificate().subject.CN;
    socket.destroy();
    return String(name);
  };
  assert.equal(await shown('relay.test'), 'relay.test');
  assert.equal(await shown('OTHER.test'), 'other.test');
  assert.equal(await shown('a.wild.test'), '*.wild.test');
  assert.equal(await shown('a.b.wild.test'), 'relay.test');
  assert.equal(await shown('unknown.test'), 'relay.test');
});

test('TLS 1.1 and ciphers without forward secrecy are refused', async (t) => {
  const { certFile, keyFile } = createCertificate(t, 'relay.test');
  const bench = await createRelayBench(t, {
    top: `tls: { certFile: ${certFile}, keyFile: ${keyFile} }`,
  });
  const { port } = new URL(bench.relay.url);
  const handshake = async (options: object): Promise<string> => {
    const socket = connectTls({
      host: '127.0.0.1',
      port: Number(port),
      rejectUnauthorized: false,
      ...options,
    });
    const [error] = (await Promise.race([
      once(socket, 'secureConnect').then(() => [undefined]),
      once(socket, 'error'),
    ])) as [Error | undefined];
    const result = error === undefined ? String(socket.getProtocol()) : 'refused';
    socket.destroy();
    return result;
  };
  assert.equal(await handshake({}), 'TLSv1.3');
  assert.equal(await handshake({ maxVersion: 'TLSv1.2' }), 'TLSv1.2');
  assert.equal(await handshake({ maxVersion: 'TLSv1.2', ciphers: 'AES128-SHA' }), 'refused');
  assert.equal(
    await handshake({
      minVersion: 'TLSv1.1',
      maxVersion: 'TLSv1.1',
      ciphers: 'DEFAULT@SECLEVEL=0',
    }),
    'refused',
  );
});

test('stopping: first not ready, then no new connections, and what is under way ends', async (t) => {
  let answer = (): void => {};
  const upstream = await createRawUpstream((socket, bytes) => {
    if (!bytes.includes('GET /slow'))
      return void socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
    answer = () => void socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
    return undefined;
  });
  const bench = await createRelayBench(t, {
    upstream,
    // Long enough for what is to happen meanwhile, on a busy machine, too.
    top: 'drain: { delay: 10s, timeout: 60s }',
    api: '    timeouts: { headers: 2m }',
  });
  const token = await bench.token();
  const { hostname, port } = new URL(bench.relay.url);
  const get = (path: string): string =>
    `GET /x/${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer ${token}\r\n\r\n`;
  const open = async (): Promise<{ readonly socket: ReturnType<typeof connect>; text: string }> => {
    const one = { socket: connect(Number(port), hostname), text: '' };
    one.socket.on('data', (chunk: Buffer) => (one.text += chunk.toString()));
    one.socket.on('error', () => {});
    await once(one.socket, 'connect');
    return one;
  };
  const slow = await open();
  slow.socket.write(get('slow'));
  await until('the slow one is under way', () => upstream.requests() === 1);
  const stopped = bench.relay.stop();
  const ready = async () => (await fetch(`${bench.relay.management}/readyz`)).status;
  await until('it is not ready', async () => (await ready()) === 503);
  const late = await open();
  late.socket.write(get('late'));
  await until('the late one is answered', () => late.text);
  assert.equal(statusOf(late.text), 200, 'still served while balancers look away');
  const isRefused = () =>
    new Promise<boolean>((resolve) => {
      const probe = connect(Number(port), hostname, () => probe.destroy());
      probe.on('error', (error: NodeJS.ErrnoException) => resolve(error.code === 'ECONNREFUSED'));
      probe.on('close', () => resolve(false));
    });
  await until('new connections are refused', isRefused);
  assert.equal(slow.text, '');
  answer();
  await stopped;
  await until('the slow one is answered', () => slow.text);
  assert.equal(statusOf(slow.text), 200);
});
