import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { ask, createReader, JSON_BODY, open, type Answer } from './exchange.ts';
import { downloadRequest, jsonRequest, uploadRequest, type Peer } from './peer.ts';

/** What one slice of load measured. */
export interface Slice {
  readonly perSecond: number;
  readonly p50Us: number;
  readonly p99Us: number;
}

const ANSWER_MS = 10_000;
const STREAM_MS = 60_000;

function quantile(sorted: Float64Array, part: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0;
}

/** Keeps one connection busy, one request at a time, until told to stop. */
function drive(
  socket: Socket,
  request: Buffer,
  events: { readonly done: (us: number) => boolean; readonly failed: (error: Error) => void },
): Promise<void> {
  return new Promise((resolve) => {
    let sentAtMs = performance.now();
    const end = (): void => {
      socket.destroy();
      resolve();
    };
    const fail = (error: Error): void => {
      events.failed(error);
      end();
    };
    const onAnswer = ({ status, bodyBytes }: Answer): void => {
      if (status !== 200 || bodyBytes !== JSON_BODY.length) {
        return fail(new Error(`answered ${status} with ${bodyBytes} bytes under load`));
      }
      const nowMs = performance.now();
      if (!events.done((nowMs - sentAtMs) * 1000)) return end();
      sentAtMs = nowMs;
      socket.write(request);
    };
    socket.setTimeout(ANSWER_MS, () => fail(new Error('no answer under load')));
    socket.on('error', fail);
    socket.on('end', () => fail(new Error('closed the connection under load')));
    socket.on('data', createReader(false, onAnswer));
    socket.write(request);
  });
}

/**
 * Loads a peer with one request at a time on each of several kept-alive connections.
 *
 * @param peer the peer
 * @param connections how many
 * @param durationMs for how long
 * @returns requests a second and latency
 * @throws {Error} at the first answer that is not the right one
 */
export async function slice(peer: Peer, connections: number, durationMs: number): Promise<Slice> {
  const request = jsonRequest(peer);
  const sockets = await Promise.all(Array.from({ length: connections }, () => open(peer.url)));
  const times: number[] = [];
  let failure: Error | undefined;
  const startMs = performance.now();
  const endMs = startMs + durationMs;
  const done = (us: number): boolean => {
    if (failure !== undefined || performance.now() >= endMs) return false;
    times.push(us);
    return true;
  };
  const failed = (error: Error): void => {
    failure ??= error;
  };
  await Promise.all(sockets.map((socket) => drive(socket, request, { done, failed })));
  if (failure !== undefined) throw new Error(`${peer.name} ${failure.message}`);
  const sorted = Float64Array.from(times).sort();
  // The processes settle before the next peer's turn.
  await sleep(20);
  return {
    perSecond: (times.length * 1000) / durationMs,
    p50Us: quantile(sorted, 0.5),
    p99Us: quantile(sorted, 0.99),
  };
}

/**
 * Streams one large body through a peer.
 *
 * @param peer the peer
 * @param direction which way
 * @param bytes the body's size
 * @returns MB (10^6 bytes) a second
 * @throws {Error} when not all of it arrived
 */
export async function stream(
  peer: Peer,
  direction: 'download' | 'upload',
  bytes: number,
): Promise<number> {
  const isDownload = direction === 'download';
  const send = isDownload ? downloadRequest(peer, bytes) : uploadRequest(peer, bytes);
  const startMs = performance.now();
  const options = { keepBody: !isDownload, timeoutMs: STREAM_MS };
  const { status, bodyBytes, body } = await ask(peer.url, send, options);
  const seconds = (performance.now() - startMs) / 1000;
  const whole = isDownload ? bodyBytes === bytes : body === JSON.stringify({ bytes });
  if (status !== 200 || !whole) throw new Error(`${peer.name} ${direction}: ${status} ${body}`);
  return bytes / 1e6 / seconds;
}
