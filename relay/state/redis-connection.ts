import { setTimeout as sleep } from 'node:timers/promises';
import { createClient, ErrorReply } from '@redis/client';

/** How patient a relay is with Redis; the defaults suit production, tests shorten them. */
export interface RedisTiming {
  /** For each command; what takes longer has failed. */
  readonly commandMs: number;
  /** How long the reader waits for news before it asks again. */
  readonly blockMs: number;
  readonly retryMinMs: number;
  readonly retryMaxMs: number;
}

type Client = ReturnType<typeof open>;

/** Two connections: one for commands, one that waits for news. */
export interface RedisSession {
  readonly commands: Client;
  readonly reader: Client;
}

/** A command that got no answer in time. */
class RedisDeadline extends Error {
  readonly code = 'ETIMEDOUT';
}

function open(url: string, connectTimeoutMs: number) {
  return createClient({
    url,
    RESP: 2,
    disableOfflineQueue: true,
    commandsQueueMaxLength: 20_000,
    // Reconnecting is done here, since a client that reconnects by itself keeps hung connections.
    socket: { connectTimeout: connectTimeoutMs, reconnectStrategy: false },
  });
}

/**
 * Waits for an answer of Redis, but not for ever: the library's own time-out ends with the sending.
 *
 * @param answer a command's answer
 * @param timeoutMs how long to wait
 * @returns the answer
 * @throws {Error} with the code ETIMEDOUT
 */
export async function within<T>(answer: Promise<T>, timeoutMs: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new RedisDeadline(`no answer in ${timeoutMs} ms`)), timeoutMs);
  });
  try {
    return await Promise.race([answer, deadline]);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Says why Redis failed, in words that are fit for logs: errors of Redis may repeat the command that
 * they are about, password included, so only their first word is kept.
 */
function redisProblem(error: unknown): string {
  if (error instanceof ErrorReply) return /^[A-Z]+/.exec(error.message)?.[0] ?? 'ERR';
  const code: unknown = (error as { code?: unknown } | null)?.code;
  if (typeof code === 'string') return code;
  return error instanceof Error ? error.constructor.name : 'failed';
}

async function connect(url: string, timing: RedisTiming): Promise<RedisSession> {
  const session = { commands: open(url, timing.commandMs), reader: open(url, timing.commandMs) };
  const clients = [session.commands, session.reader];
  // What goes wrong is learnt from the command that fails.
  for (const client of clients) client.on('error', () => {});
  try {
    await within(Promise.all(clients.map((client) => client.connect())), timing.commandMs * 2);
    return session;
  } catch (error) {
    disconnect(session);
    throw error;
  }
}

function disconnect({ commands, reader }: RedisSession): void {
  for (const client of [commands, reader]) if (client.isOpen) client.destroy();
}

/**
 * Keeps a session with Redis until told to stop; after each failure it begins a new one.
 *
 * @param url redis: or rediss:
 * @param timing how patient to be
 * @param use what to do with a session; rejects when it is of no use any more
 * @param onProblem told why a session ended or could not begin
 * @returns stops it, and resolves when it has stopped
 */
export function keepSession(
  url: string,
  timing: RedisTiming,
  use: (session: RedisSession) => Promise<void>,
  onProblem: (problem: string) => void,
): () => Promise<void> {
  const closing = new AbortController();
  let current: RedisSession | undefined;
  let delayMs = timing.retryMinMs;

  async function once(): Promise<void> {
    const session = await connect(url, timing);
    current = session;
    try {
      closing.signal.throwIfAborted();
      delayMs = timing.retryMinMs;
      await use(session);
    } finally {
      current = undefined;
      disconnect(session);
    }
  }

  async function run(): Promise<void> {
    while (!closing.signal.aborted) {
      try {
        await once();
      } catch (error) {
        if (closing.signal.aborted) return;
        onProblem(redisProblem(error));
      }
      const jitter = 0.5 + Math.random() / 2;
      await sleep(delayMs * jitter, undefined, { signal: closing.signal, ref: false }).catch(
        () => {},
      );
      delayMs = Math.min(timing.retryMaxMs, delayMs * 2);
    }
  }

  const stopped = run();
  return async () => {
    closing.abort();
    if (current !== undefined) disconnect(current);
    await stopped;
  };
}
