import assert from 'node:assert/strict';
import { connect, type Socket } from 'node:net';
import type { TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { createRawUpstream } from './raw.ts';
import { createRelayBench, type RelayBench } from './relay.ts';

/** A client's connection, byte for byte; all text is latin1. */
export interface RawClient {
  readonly socket: Socket;
  send(bytes: string): void;
  /** What has come so far. */
  readonly seen: () => string;
  /** Waits until what has come matches; fails when it does not within the time, or at the end. */
  until(wanted: RegExp, withinMs?: number): Promise<string>;
  /** Waits until the other side has ended; all that has come. */
  ended(withinMs?: number): Promise<string>;
}

/** A relay before an upstream that answers with given bytes. */
export interface LetterBench extends RelayBench {
  /** A head with a good token, up to and with its empty line. */
  head(line: string, ...fields: readonly string[]): string;
  open(): Promise<RawClient>;
  /** Sends on a connection of its own and waits for the end of it. */
  once(bytes: string): Promise<string>;
  /** What the upstream has received on all connections. */
  readonly arrived: () => string;
  /** Waits until it matches. */
  arrives(wanted: RegExp): Promise<string>;
}

/** What the client of these tests asks for on its last request. */
export const CLOSE = 'Connection: close';
export const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

/**
 * @param message a head and what follows it
 * @returns what follows it
 */
export const bodyOf = (message: string): string => message.slice(message.indexOf('\r\n\r\n') + 4);

/**
 * @param seen what a client read
 * @returns the statuses of all answers in it, in order
 */
export const statusesOf = (seen: string): number[] =>
  Array.from(seen.matchAll(/HTTP\/1\.1 ([0-9]{3})/g), ([, digits]) => Number(digits));

/**
 * Takes chunked framing apart; fails on anything that is not exactly that.
 *
 * @param framed the chunks, and nothing before them
 * @returns the body, and the trailer section with the empty line that ends it
 * @see RFC 9112 §7.1
 */
export function unchunk(framed: string): { readonly body: string; readonly trailers: string } {
  let body = '';
  for (let at = 0; ;) {
    const line = /^([0-9a-f]+)\r\n/i.exec(framed.slice(at, at + 20));
    assert.ok(line, `a chunk begins at ${at}: ${framed.slice(at, at + 20)}`);
    const size = Number.parseInt(line[1] as string, 16);
    at += line[0].length;
    if (size === 0) return { body, trailers: framed.slice(at) };
    body += framed.slice(at, at + size);
    assert.equal(framed.slice(at + size, at + size + 2), '\r\n');
    at += size + 2;
  }
}

/** A busy machine takes its time. */
const WAIT_MS = 60_000;

/**
 * Waits until a text matches.
 *
 * @param text read again and again
 * @param wanted what it must match
 * @param withinMs how long
 * @returns the text that matched
 */
export async function matching(
  text: () => string,
  wanted: RegExp,
  withinMs = WAIT_MS,
): Promise<string> {
  const deadlineMs = Date.now() + withinMs;
  while (!wanted.test(text()) && Date.now() < deadlineMs) await sleep(5);
  const found = text();
  assert.match(
    found.length > 4_000 ? `${found.slice(0, 2_000)}…${found.slice(-2_000)}` : found,
    wanted,
  );
  return found;
}

/**
 * Opens a connection.
 *
 * @param url where to
 * @returns the connection; whoever opened it ends it
 */
export async function openRaw(url: string): Promise<RawClient> {
  const { hostname, port } = new URL(url);
  const socket = connect({ host: hostname, port: Number(port), allowHalfOpen: true });
  let seen = '';
  const state = { isEnded: false };
  socket.on('data', (chunk: Buffer) => (seen += chunk.toString('latin1')));
  socket.on('end', () => (state.isEnded = true));
  socket.on('close', () => (state.isEnded = true));
  socket.on('error', () => socket.destroy());
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve);
    socket.once('error', reject);
  });
  return {
    socket,
    send: (bytes) => void socket.write(bytes, 'latin1'),
    seen: () => seen,
    until: (wanted, withinMs) => matching(() => seen, wanted, withinMs),
    async ended(withinMs = WAIT_MS) {
      const deadlineMs = Date.now() + withinMs;
      while (!state.isEnded && Date.now() < deadlineMs) await sleep(5);
      assert.ok(state.isEnded, `the connection ended; it said: ${seen.slice(0, 500)}`);
      return seen;
    },
  };
}

/**
 * Starts both for one test.
 *
 * @param t the test, with which everything is closed
 * @param reply called with each request's head, and with what came together with it; may answer later itself
 * @param options of the relay's bench
 * @returns the bench
 */
export async function createLetterBench(
  t: TestContext,
  reply: (head: string, socket: Socket) => string | void,
  options: Omit<Parameters<typeof createRelayBench>[1] & object, 'upstream'> = {},
): Promise<LetterBench> {
  const upstream = await createRawUpstream((socket, bytes) => {
    if (!/^[A-Z-]+ \/\S* HTTP/.test(bytes)) return;
    const text = reply(bytes, socket);
    if (typeof text === 'string') socket.write(text, 'latin1');
  });
  const clients: RawClient[] = [];
  // Before the relay: it waits for those who are still there.
  t.after(() => clients.forEach(({ socket }) => socket.destroy()));
  const bench = await createRelayBench(t, { ...options, upstream });
  const token = await bench.token();
  const { host } = new URL(bench.relay.url);
  const open = async (): Promise<RawClient> => {
    const client = await openRaw(bench.relay.url);
    clients.push(client);
    return client;
  };
  const arrived = (): string => upstream.received().join('');
  return {
    ...bench,
    head: (line, ...fields) =>
      [line, `Host: ${host}`, `Authorization: Bearer ${token}`, ...fields, '', ''].join('\r\n'),
    open,
    async once(bytes) {
      const client = await open();
      client.send(bytes);
      return client.ended();
    },
    arrived,
    arrives: (wanted) => matching(arrived, wanted),
  };
}
