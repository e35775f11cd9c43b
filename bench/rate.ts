import { createReader, JSON_BODY, open, type Answer } from './exchange.ts';
import { apiPath, requestHead, type Peer } from './peer.ts';
import { quantile } from './statistics.ts';

/** How requests are sent at a fixed rate. */
export interface Rate {
  readonly tokens: readonly string[];
  readonly apis: number;
  readonly connections: number;
  readonly perSecond: number;
  readonly seconds: number;
}

/** How long the answers took. */
export interface Latency {
  readonly p50Us: number;
  readonly p99Us: number;
}

/** Answers that are still out when the last request has been sent may take so long. */
const GRACE_MS = 5_000;

/**
 * Sends requests at a fixed rate, whether or not answers have come; one that finds every connection busy
 * waits, and its wait counts.
 *
 * @param peer the peer
 * @param rate how many, on how many connections
 * @returns latency
 * @throws {Error} at the first answer that is not the right one
 */
export async function paced(peer: Peer, rate: Rate): Promise<Latency> {
  const requests = rate.tokens.map((token, index) => {
    const start = `GET ${apiPath(index % rate.apis)}/json`;
    return Buffer.from(requestHead(peer, start, [`Authorization: Bearer ${token}`]), 'latin1');
  });
  const sockets = await Promise.all(Array.from({ length: rate.connections }, () => open(peer.url)));
  try {
    const times = await new Promise<number[]>((resolve, reject) => {
      const times: number[] = [];
      const total = rate.perSecond * rate.seconds;
      const waiting: number[] = [];
      const startMs = performance.now();
      let due = 0;
      let sent = 0;
      const fail = (why: string): void => {
        clearInterval(clock);
        reject(new Error(`${peer.name} at ${rate.perSecond} requests/s: ${why}`));
      };
      const idle = sockets.map((socket) => {
        const lane = { socket, sinceMs: 0 };
        const onAnswer = ({ status, bodyBytes }: Answer): void => {
          if (status !== 200 || bodyBytes !== JSON_BODY.length) return fail(`status ${status}`);
          times.push((performance.now() - lane.sinceMs) * 1000);
          idle.push(lane);
          send();
        };
        socket.on('data', createReader(false, onAnswer));
        socket.on('error', (error) => fail(error.message));
        socket.on('close', () => fail('closed the connection'));
        return lane;
      });
      const send = (): void => {
        while (idle.length > 0 && waiting.length > 0) {
          const lane = idle.pop() as (typeof idle)[number];
          lane.sinceMs = waiting.shift() as number;
          lane.socket.write(requests[sent % requests.length] as Buffer);
          sent += 1;
        }
      };
      const tick = (): void => {
        const nowMs = performance.now();
        const wanted = Math.min(total, Math.floor(((nowMs - startMs) / 1000) * rate.perSecond));
        for (; due < wanted; due += 1) waiting.push(nowMs);
        send();
        if (times.length === total) {
          clearInterval(clock);
          resolve(times);
        } else if (nowMs - startMs > rate.seconds * 1000 + GRACE_MS) fail('answers are missing');
      };
      const clock = setInterval(tick, 1);
    });
    const sorted = Float64Array.from(times).sort();
    return { p50Us: quantile(sorted, 0.5), p99Us: quantile(sorted, 0.99) };
  } finally {
    for (const socket of sockets) socket.removeAllListeners('close').destroy();
  }
}
