import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { freePort } from './free-port.ts';
import { until } from './until.ts';

/** A real Redis on loopback that can be killed, frozen and started again on the same port. */
export interface TestRedis {
  readonly url: string;
  readonly port: number;
  /** With `tls`: the file of the certificate, which nobody vouches for. */
  readonly caFile: string;
  start(): Promise<void>;
  /** Kill -9: what was not on the disk is lost. */
  kill(): Promise<void>;
  /** Stops answering without closing a connection. */
  freeze(): void;
  thaw(): void;
  /** Sends one command in the inline form and gives what comes back. */
  command(line: string): Promise<string>;
}

function makeCertificate(certFile: string, keyFile: string): void {
  const what =
    '-x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost';
  const alternative = ['-addext', 'subjectAltName=IP:127.0.0.1'];
  const files = ['-keyout', keyFile, '-out', certFile];
  execFileSync('openssl', ['req', ...what.split(' '), ...alternative, ...files], {
    stdio: 'ignore',
  });
}

function exchange(port: number, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(text));
    socket.setTimeout(20_000, () => socket.destroy(new Error('Redis does not answer')));
    socket.once('error', reject);
    socket.once('close', () => reject(new Error('Redis left without an answer')));
    socket.once('data', (chunk) => {
      socket.destroy();
      resolve(chunk.toString('latin1'));
    });
  });
}

/**
 * Starts Redis for one test; it ends with the test.
 *
 * @param t the test
 * @param options `persist` writes each command to the disk before it is answered; `tls` adds a port
 * @returns the running Redis
 */
export async function startRedis(
  t: TestContext,
  options: { readonly password?: string; readonly persist?: boolean; readonly tls?: boolean } = {},
): Promise<TestRedis> {
  const dir = await mkdtemp(join(tmpdir(), 'latchkey-redis-'));
  const port = await freePort();
  const { password, tls = false } = options;
  const [certFile, keyFile] = [join(dir, 'redis.crt'), join(dir, 'redis.key')];
  const tlsPort = tls ? await freePort() : 0;
  if (tls) makeCertificate(certFile, keyFile);
  let server: ChildProcess | undefined;

  async function start(): Promise<void> {
    const persistence = options.persist === true ? ['yes', '--appendfsync', 'always'] : ['no'];
    server = spawn(
      'redis-server',
      [
        ['--port', String(port), '--bind', '127.0.0.1', '--dir', dir, '--save', ''],
        ['--appendonly', ...persistence],
        password === undefined ? [] : ['--requirepass', password],
        tls ? ['--tls-port', String(tlsPort), '--tls-auth-clients', 'no'] : [],
        tls ? ['--tls-cert-file', certFile, '--tls-key-file', keyFile] : [],
        tls ? ['--tls-ca-cert-file', certFile] : [],
      ].flat(),
      { stdio: 'ignore' },
    );
    await until('redis-server answers (of the Debian package redis-server)', async () => {
      const answer = await exchange(port, 'PING\r\n').catch(() => '');
      return /^(?:\+PONG|-NOAUTH)/.test(answer);
    });
  }

  async function kill(): Promise<void> {
    if (server === undefined || server.exitCode !== null || server.signalCode !== null) return;
    const exited = once(server, 'exit');
    server.kill('SIGKILL');
    await exited;
  }

  await start();
  t.after(async () => {
    await kill();
    await rm(dir, { recursive: true, force: true, maxRetries: 10 });
  });
  return {
    url: tls
      ? `rediss://127.0.0.1:${tlsPort}`
      : `redis://${password === undefined ? '' : `:${password}@`}127.0.0.1:${port}`,
    caFile: certFile,
    port,
    start,
    kill,
    freeze: () => server?.kill('SIGSTOP'),
    thaw: () => server?.kill('SIGCONT'),
    command: (line) => exchange(port, `${line}\r\n`),
  };
}
