import { once } from 'node:events';
import net, { type AddressInfo, type Socket } from 'node:net';
import tls from 'node:tls';
import type { TestContext } from 'node:test';
import type { TestCertificate } from './certificate.ts';

/** A message by the grammar of RFC 5424. */
export interface SyslogMessage {
  readonly priority: number;
  readonly timestamp: string;
  readonly host: string;
  readonly app: string;
  readonly id: string;
  readonly data: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly text: string;
}

/** A syslog receiver on loopback, over TLS where it has a certificate. */
export interface SyslogReceiver {
  readonly port: number;
  readonly messages: readonly SyslogMessage[];
  readonly connections: () => number;
  /** Resets each connection after so many bytes, as one that dies does; undefined: reads all again. */
  resetAfter(bytes: number | undefined): void;
}

/** Cuts octet-counted frames off a buffer; what is not whole is left. */
function takeFrames(buffer: Buffer): { readonly frames: string[]; readonly rest: Buffer } {
  const frames: string[] = [];
  let rest = buffer;
  for (;;) {
    const space = rest.indexOf(0x20);
    if (space < 0) break;
    const count = rest.subarray(0, space).toString('latin1');
    if (!/^[1-9][0-9]*$/.test(count)) throw new Error(`no MSG-LEN: ${count}`);
    const end = space + 1 + Number(count);
    if (rest.length < end) break;
    frames.push(rest.subarray(space + 1, end).toString());
    rest = rest.subarray(end);
  }
  return { frames, rest };
}

const VALUE = String.raw`"((?:[^"\\\]]|\\["\\\]])*)"`;
const NAME = String.raw`[^ =\]"]{1,32}`;

/** @throws {Error} anything that RFC 5424 §6 does not allow */
export function parseSyslog(message: string): SyslogMessage {
  const head =
    /^<(\d{1,3})>1 (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{1,6}Z) ([\x21-\x7e]{1,255}) ([\x21-\x7e]{1,48}) ([\x21-\x7e]{1,128}) ([\x21-\x7e]{1,32}) /.exec(
      message,
    );
  if (!head) throw new Error(`no HEADER: ${message}`);
  const data: Record<string, Record<string, string>> = {};
  let at = head[0].length;
  while (message[at] === '[') {
    const element = new RegExp(String.raw`\[(${NAME})((?: ${NAME}=${VALUE})*)\]`, 'y');
    element.lastIndex = at;
    const match = element.exec(message);
    if (!match) throw new Error(`no SD-ELEMENT at ${at}: ${message}`);
    const parameters = [...(match[2] ?? '').matchAll(new RegExp(` (${NAME})=${VALUE}`, 'g'))].map(
      ([, name = '', value = '']) => [name, value.replaceAll(/\\(["\\\]])/g, '$1')] as const,
    );
    data[match[1] ?? ''] = Object.fromEntries(parameters);
    at += match[0].length;
  }
  if (at < message.length && message[at] !== ' ') throw new Error(`no MSG at ${at}: ${message}`);
  return {
    priority: Number(head[1]),
    timestamp: head[2] ?? '',
    host: head[3] ?? '',
    app: head[4] ?? '',
    id: head[6] ?? '',
    data,
    text: message.slice(at + 1),
  };
}

/** Starts one that ends with the test. */
export async function startSyslogReceiver(
  t: Pick<TestContext, 'after'>,
  certificate?: TestCertificate,
  wanted = 0,
): Promise<SyslogReceiver> {
  const messages: SyslogMessage[] = [];
  const sockets = new Set<Socket>();
  const beneath = new Map<number | undefined, Socket>();
  let connections = 0;
  let resetAfter: number | undefined;

  function serve(socket: Socket): void {
    connections += 1;
    sockets.add(socket);
    let rest: Buffer = Buffer.alloc(0);
    let bytes = 0;
    socket.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (resetAfter !== undefined && bytes > resetAfter) {
        beneath.get(socket.remotePort)?.resetAndDestroy();
        return;
      }
      const taken = takeFrames(Buffer.concat([rest, chunk]));
      ({ rest } = taken);
      messages.push(...taken.frames.map(parseSyslog));
    });
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
  }
  const server = certificate
    ? tls.createServer({ cert: certificate.cert, key: certificate.key }, serve)
    : net.createServer(serve);
  server.on('tlsClientError', () => {});
  // Under TLS there is another socket, and only that one can be reset.
  server.on('connection', (socket: Socket) => beneath.set(socket.remotePort, socket));
  server.listen(wanted, '127.0.0.1');
  await once(server, 'listening');
  t.after(async () => {
    const closed = once(server, 'close');
    server.close();
    for (const socket of sockets) socket.destroy();
    await closed;
  });
  return {
    port: (server.address() as AddressInfo).port,
    messages,
    connections: () => connections,
    resetAfter(next) {
      resetAfter = next;
    },
  };
}
