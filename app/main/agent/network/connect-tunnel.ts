import type { Socket } from 'node:net';
import { NetworkError } from './network-error.ts';
import { proxyName, type ProxyServer } from './route.ts';

const MAX_HEAD_BYTES = 16 * 1024;
const STATUS_LINE = /^HTTP\/1\.[01] ([2-5]\d\d)(?: [\t\x20-\x7e\x80-\xff]*)?$/;
const FIELD_LINE = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):([\t\x20-\x7e\x80-\xff]*)$/;

/**
 * Asks a proxy for a tunnel over a connection to it.
 *
 * @param socket connected to the proxy, nothing sent or read; closed when this fails
 * @param proxy the proxy
 * @param authority where the tunnel leads, `host:port`
 * @returns once every byte on the socket belongs to the tunnel
 * @throws {NetworkError} when the proxy refuses, or does not speak HTTP
 * @see RFC 9110 §9.3.6
 */
export async function openTunnel(
  socket: Socket,
  proxy: ProxyServer,
  authority: string,
): Promise<void> {
  const name = proxyName(proxy);
  const credentials =
    proxy.authorization === undefined ? '' : `Proxy-Authorization: ${proxy.authorization}\r\n`;
  try {
    socket.write(
      `CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n${credentials}\r\n`,
      'latin1',
    );
    const head = await readHead(socket, name);
    const { status, schemes } = parseHead(head, name);
    if (status < 200 || status > 299) throw refusal(proxy, authority, status, schemes);
  } catch (error) {
    socket.destroy();
    throw error;
  }
}

function readHead(socket: Socket, name: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    const settle = (error?: Error): void => {
      socket.off('readable', onReadable);
      socket.off('end', onEnd);
      socket.off('close', onEnd);
      socket.off('error', onError);
      if (error === undefined) resolve(text);
      else reject(error);
    };
    const onEnd = (): void =>
      settle(new NetworkError(`the proxy ${name} closed the connection without an answer`));
    const onError = (error: Error): void =>
      settle(
        new NetworkError(`the connection to the proxy ${name} broke (${codeOf(error)})`, {
          cause: error,
        }),
      );
    const onReadable = (): void => {
      for (let chunk = read(socket); chunk !== null; chunk = read(socket)) {
        text += chunk.toString('latin1');
        const end = text.indexOf('\r\n\r\n');
        // Nobody asked anything yet: what comes already cannot be from the server behind it.
        if (end >= 0 && end + 4 < text.length && /^HTTP\/1\.[01] 2/.test(text)) {
          settle(new NetworkError(`the proxy ${name} sent bytes that belong to no answer`));
          return;
        }
        if (end >= 0) {
          text = text.slice(0, end);
          settle();
          return;
        }
        if (text.length > MAX_HEAD_BYTES) return settle(notAProxy(name));
      }
    };
    socket.on('readable', onReadable);
    socket.on('end', onEnd);
    socket.on('close', onEnd);
    socket.on('error', onError);
  });
}

function read(socket: Socket): Buffer | null {
  return socket.read() as Buffer | null;
}

function parseHead(
  head: string,
  name: string,
): { readonly status: number; readonly schemes: readonly string[] } {
  const [first = '', ...fields] = head.split('\r\n');
  const status = STATUS_LINE.exec(first)?.[1];
  if (status === undefined || head.length > MAX_HEAD_BYTES) throw notAProxy(name);
  const schemes: string[] = [];
  for (const line of fields) {
    const [, field = '', value = ''] = FIELD_LINE.exec(line) ?? [];
    if (field === '') throw notAProxy(name);
    const scheme = /^[ \t]*([A-Za-z][A-Za-z0-9-]{0,20})\b/.exec(value)?.[1];
    if (field.toLowerCase() === 'proxy-authenticate' && scheme !== undefined) schemes.push(scheme);
  }
  return { status: Number(status), schemes };
}

function refusal(
  proxy: ProxyServer,
  authority: string,
  status: number,
  schemes: readonly string[],
): NetworkError {
  const name = proxyName(proxy);
  if (status !== 407) {
    return new NetworkError(
      `the proxy ${name} refuses the way to ${authority} (${status}); ask your IT department to allow it`,
    );
  }
  if (schemes.length > 0 && !schemes.some((scheme) => scheme.toLowerCase() === 'basic')) {
    return new NetworkError(
      `the proxy ${name} wants ${schemes.join(' or ')} (407), and Latchkey can only show it a name and password; ask your IT department for a way without`,
    );
  }
  const form = name.replace('://', '://NAME:PASSWORD@');
  return new NetworkError(
    proxy.authorization === undefined
      ? `the proxy ${name} asks for a name and password (407); set network.proxy to ${form}`
      : `the proxy ${name} does not accept the name and password that are set for it (407); correct them in network.proxy, as ${form}`,
  );
}

function notAProxy(name: string): NetworkError {
  return new NetworkError(
    `what listens at ${name} does not answer as an HTTP proxy; check host and port`,
  );
}

function codeOf(error: Error): string {
  return (error as NodeJS.ErrnoException).code ?? 'unknown error';
}
