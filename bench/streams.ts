import { once } from 'node:events';
import { connect, type OnReadOpts, type Socket } from 'node:net';
import { createReader, type Answer } from './exchange.ts';
import { apiPath, requestHead, type Peer } from './peer.ts';

const SILENCE_MS = 30_000;
const block = Buffer.alloc(64 * 1024, 'latchkey ');

/** A connection that reads into one buffer, so that reading costs the generator little. */
interface Reading {
  readonly socket: Socket;
  readonly answer: Promise<Answer>;
}

/**
 * Connects, and reads one answer.
 *
 * @param peer whom to connect to
 * @param options whether its body is kept; `mayRead` is asked after each read of some bytes whether to read on
 * @returns the connection and the answer
 */
function read(
  peer: Peer,
  { keepBody = false, mayRead = (_bytes: number): boolean => true } = {},
): Reading {
  const found: { take?: (chunk: Buffer) => void } = {};
  const buffer = Buffer.alloc(256 * 1024);
  const onread: OnReadOpts = {
    buffer,
    callback(bytes) {
      found.take?.(buffer.subarray(0, bytes));
      return mayRead(bytes);
    },
  };
  const socket = connect({ host: '127.0.0.1', port: Number(peer.url.port), noDelay: true, onread });
  const answer = new Promise<Answer>((resolve, reject) => {
    const take = createReader(keepBody, resolve);
    found.take = (chunk) => {
      try {
        take(chunk);
      } catch (error) {
        reject(error);
      }
    };
    socket.setTimeout(SILENCE_MS, () => reject(new Error(`${peer.name} fell silent`)));
    socket.on('error', reject);
    socket.on('close', () => reject(new Error(`${peer.name} closed the connection`)));
  });
  // Whoever doesn't wait for the answer doesn't want to hear of its failure.
  answer.catch(() => {});
  return { socket, answer };
}

const bearer = (token: string): string => `Authorization: Bearer ${token}`;

/** Sends as fast as the peer takes it; resolves when all has been handed to the system. */
async function send(socket: Socket, bytes: number): Promise<void> {
  for (let left = bytes; left > 0 && !socket.destroyed; left -= block.length) {
    const chunk = left < block.length ? block.subarray(0, left) : block;
    if (!socket.write(chunk)) await Promise.race([once(socket, 'drain'), once(socket, 'close')]);
  }
}

/**
 * Streams one large body through a peer.
 *
 * @param peer the peer
 * @param token shows who asks
 * @param direction which way
 * @param bytes the body's size
 * @returns MB (10^6 bytes) a second
 * @throws {Error} when not all of it arrived
 */
export async function stream(
  peer: Peer,
  token: string,
  direction: 'download' | 'upload',
  bytes: number,
): Promise<number> {
  const isDownload = direction === 'download';
  const { socket, answer } = read(peer, { keepBody: !isDownload });
  const startMs = performance.now();
  try {
    const path = `${apiPath(0)}/bulk`;
    if (isDownload) socket.write(requestHead(peer, `GET ${path}?n=${bytes}`, [bearer(token)]));
    else {
      const headers = [bearer(token), `Content-Length: ${bytes}`];
      socket.write(requestHead(peer, `PUT ${path}`, headers));
      await send(socket, bytes);
    }
    const { status, bodyBytes, body } = await answer;
    const seconds = (performance.now() - startMs) / 1000;
    const isWhole = isDownload ? bodyBytes === bytes : body === JSON.stringify({ bytes });
    if (status !== 200 || !isWhole) throw new Error(`${peer.name} ${direction}: ${status} ${body}`);
    return bytes / 1e6 / seconds;
  } finally {
    socket.destroy();
  }
}

/**
 * Downloads slowly, several at once, and leaves before the end.
 *
 * @param peer the peer
 * @param token shows who asks
 * @param readers how many, each at 10 MB/s
 * @param seconds for how long
 */
export async function readSlowly(
  peer: Peer,
  token: string,
  readers: number,
  seconds: number,
): Promise<void> {
  const startMs = performance.now();
  const all = Array.from({ length: readers }, () => {
    let readBytes = 0;
    const isDue = (): boolean => readBytes < (performance.now() - startMs) * 10_000;
    const reading = read(peer, {
      mayRead: (bytes) => {
        readBytes += bytes;
        return isDue();
      },
    });
    const head = requestHead(peer, `GET ${apiPath(0)}/bulk?n=${2 ** 29}`, [bearer(token)]);
    reading.socket.write(head);
    return { ...reading, isDue };
  });
  const clock = setInterval(() => {
    for (const { socket, isDue } of all) if (isDue()) socket.resume();
  }, 5);
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
  clearInterval(clock);
  for (const { socket } of all) socket.destroy();
}

/** How an upload went whose answer came before its end. */
export interface EarlyAnswer {
  /** Time from the first byte sent to the answer; undefined when none came in time. */
  readonly answerMs: number | undefined;
  /** What became of the rest of the body. */
  readonly end: 'read on' | 'closed' | 'hangs';
}

const UPLOAD_BYTES = 64 * 1024 * 1024;
const FIRST_BYTES = 256 * 1024;
const PATIENCE_MS = 5_000;

/**
 * Uploads to an upstream that answers at once, waits for the answer, and sends the rest.
 *
 * @param peer the peer
 * @param token shows who asks
 * @returns when the answer came, and whether the exchange ended
 */
export async function uploadWithEarlyAnswer(peer: Peer, token: string): Promise<EarlyAnswer> {
  const { socket, answer } = read(peer);
  const patience = <T>(value: T): Promise<T> =>
    new Promise((resolve) => setTimeout(() => resolve(value), PATIENCE_MS).unref());
  try {
    const startMs = performance.now();
    const headers = [bearer(token), `Content-Length: ${UPLOAD_BYTES}`];
    socket.write(requestHead(peer, `PUT ${apiPath(0)}/early`, headers));
    await send(socket, FIRST_BYTES);
    const answerMs = await Promise.race([
      answer.then(
        () => performance.now() - startMs,
        () => undefined,
      ),
      patience(undefined),
    ]);
    const closed = new Promise<'closed'>((resolve) => {
      if (socket.destroyed) resolve('closed');
      socket.once('close', () => resolve('closed'));
    });
    const sent = send(socket, UPLOAD_BYTES - FIRST_BYTES).then(() => 'read on' as const);
    const end = await Promise.race([closed, sent.catch(() => closed), patience('hangs' as const)]);
    return { answerMs, end: socket.destroyed ? 'closed' : end };
  } finally {
    socket.destroy();
  }
}
