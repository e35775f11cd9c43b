import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import type { TestContext } from 'node:test';
import type { TestCertificate } from './certificate.ts';

/** A proxy for tests that leads names, which no name service knows, to ports on loopback. */
export interface ConnectProxy {
  readonly port: number;
  readonly url: string;
  /** Each request head so far. */
  readonly heads: readonly string[];
  /** How many connections clients have open. */
  readonly open: () => number;
  /** Ends every tunnel. */
  cut(): void;
}

/** How it behaves. */
export interface ConnectProxyOptions {
  /** `host:port` and the port on loopback that it leads to. */
  readonly names?: Readonly<Record<string, number>>;
  /** `name:password` that it wants. */
  readonly auth?: string;
  /** Answers in place of a tunnel. */
  readonly answer?: (socket: Socket, head: string) => void;
  /** What it sends behind the head of its 200. */
  readonly behind?: string;
  /** TLS towards clients. */
  readonly tls?: TestCertificate;
}

/**
 * Starts one; it ends with the test.
 *
 * @param t the test
 * @param options how it behaves
 * @returns the running proxy
 */
export async function startConnectProxy(
  t: Pick<TestContext, 'after'>,
  options: ConnectProxyOptions = {},
): Promise<ConnectProxy> {
  const heads: string[] = [];
  const sockets = new Set<Socket>();
  const tunnels = new Set<Socket>();
  const { tls } = options;
  const server =
    tls === undefined
      ? createServer(serve)
      : createTlsServer({ cert: tls.cert, key: tls.key }, serve);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const cut = (): void => {
    for (const socket of [...sockets, ...tunnels]) socket.destroy();
  };
  t.after(async () => {
    const closed = once(server, 'close');
    server.close();
    cut();
    await closed;
  });

  function serve(socket: Socket): void {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => socket.destroy());
    let text = '';
    const onData = (chunk: Buffer): void => {
      text += chunk.toString('latin1');
      const end = text.indexOf('\r\n\r\n');
      if (end < 0) return;
      socket.off('data', onData);
      heads.push(text.slice(0, end));
      decide(socket, text.slice(0, end));
    };
    socket.on('data', onData);
  }

  function decide(socket: Socket, head: string): void {
    if (options.answer !== undefined) return options.answer(socket, head);
    const shown = /^proxy-authorization: Basic (.*)$/im.exec(head)?.[1] ?? '';
    if (options.auth !== undefined && atob(shown) !== options.auth) {
      socket.end(
        'HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm="test"\r\nContent-Length: 0\r\n\r\n',
      );
      return;
    }
    const name = /^CONNECT (\S+) HTTP\/1\.1/.exec(head)?.[1] ?? '';
    const to = options.names?.[name];
    if (to === undefined) return void socket.end('HTTP/1.1 502 Bad Gateway\r\n\r\n');
    const far = connect(to, '127.0.0.1');
    tunnels.add(far);
    far.on('close', () => {
      tunnels.delete(far);
      socket.destroy();
    });
    far.on('error', () => far.destroy());
    socket.on('close', () => far.destroy());
    far.on('connect', () => {
      socket.write(
        `HTTP/1.1 200 Connection established\r\nVia: 1.1 test\r\n\r\n${options.behind ?? ''}`,
      );
      socket.pipe(far).pipe(socket);
    });
  }

  const scheme = tls === undefined ? 'http' : 'https';
  return {
    port,
    url: `${scheme}://127.0.0.1:${port}`,
    heads,
    open: () => sockets.size,
    cut,
  };
}
