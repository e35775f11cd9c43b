import { connect, type Socket } from 'node:net';
import { once } from 'node:events';

/** The short answer: 211 bytes of JSON. */
export const JSON_BODY: string = JSON.stringify({
  id: 'INV-2026-0042',
  customer: 'Northwind Traders',
  amount: 1250.5,
  note: '',
}).replace('"note":""', `"note":"${'paid in two parts, '.repeat(8).slice(0, 132)}"`);

/** One answer, read to its end. */
export interface Answer {
  readonly status: number;
  readonly bodyBytes: number;
  /** Empty unless the reader was told to keep bodies. */
  readonly body: string;
}

function contentLength(head: string): number {
  const value = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1];
  if (value === undefined) throw new Error(`an answer without Content-Length:\n${head}`);
  return Number(value);
}

/**
 * Reads answers off a connection; it knows Content-Length only, so that reading costs the generator little.
 *
 * @param keepBody whether answers carry their bodies
 * @param onAnswer told of each answer when its last byte has come
 * @returns a function to be given each chunk
 * @throws {Error} for an answer without Content-Length
 */
export function createReader(
  keepBody: boolean,
  onAnswer: (answer: Answer) => void,
): (chunk: Buffer) => void {
  let head = '';
  let status = 0;
  let bodyBytes = 0;
  let left = 0;
  let body = '';

  function take(chunk: Buffer): void {
    left -= chunk.length;
    if (keepBody) body += chunk.toString('latin1');
    if (left > 0) return;
    const answer = { status, bodyBytes, body };
    head = '';
    body = '';
    onAnswer(answer);
  }

  return (chunk) => {
    if (left > 0) return take(chunk);
    const before = head.length;
    head += chunk.toString('latin1');
    const end = head.indexOf('\r\n\r\n');
    if (end === -1) return;
    const start = end + 4 - before;
    head = head.slice(0, end);
    status = Number(head.slice(9, 12));
    bodyBytes = contentLength(head);
    left = bodyBytes;
    take(chunk.subarray(start));
  };
}

/**
 * Connects to a peer on loopback.
 *
 * @param url the peer's address
 * @returns the connection, ready for its first request
 */
export async function open(url: URL): Promise<Socket> {
  const socket = connect({ host: '127.0.0.1', port: Number(url.port), noDelay: true });
  await once(socket, 'connect');
  return socket;
}

/**
 * Sends one request on a connection of its own and waits for the answer.
 *
 * @param url the peer's address
 * @param send writes the request
 * @param options whether to keep the body; how long to wait, in ms
 * @returns the answer
 * @throws {Error} when the connection ends, or the time is over, before the answer has come
 */
export async function ask(
  url: URL,
  send: (socket: Socket) => void,
  options: { readonly keepBody: boolean; readonly timeoutMs: number },
): Promise<Answer> {
  const socket = await open(url);
  try {
    return await new Promise<Answer>((resolve, reject) => {
      socket.setTimeout(options.timeoutMs, () => reject(new Error(`${url.host} fell silent`)));
      socket.on('error', reject);
      socket.on('close', () => reject(new Error(`${url.host} closed the connection`)));
      const read = createReader(options.keepBody, resolve);
      socket.on('data', (chunk: Buffer) => {
        try {
          read(chunk);
        } catch (error) {
          reject(error);
        }
      });
      send(socket);
    });
  } finally {
    socket.destroy();
  }
}
