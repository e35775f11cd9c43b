import type { Protocol } from './protocol.ts';

/** A program looked into over the DevTools protocol. */
export interface Inspector {
  /** Asks for one command and waits for its result. */
  ask<M extends keyof Protocol>(
    method: M,
    parameters?: Readonly<Record<string, unknown>>,
  ): Promise<Protocol[M]>;
  close(): void;
}

interface Reply {
  readonly id?: number;
  readonly result?: unknown;
  readonly error?: { readonly message: string };
}

const ANSWER_MS = 30_000;

/**
 * Connects to a node that was started with `--inspect`.
 *
 * @param url `ws://…`, as it says on stderr
 * @returns the connection
 */
export async function connectInspector(url: string): Promise<Inspector> {
  const socket = new WebSocket(url);
  const waiting = new Map<number, (reply: Reply) => void>();
  let lastId = 0;
  await new Promise<void>((resolve, reject) => {
    socket.addEventListener('open', () => resolve(), { once: true });
    socket.addEventListener('error', () => reject(new Error(`no inspector at ${url}`)), {
      once: true,
    });
  });
  socket.addEventListener('message', ({ data }) => {
    const reply = JSON.parse(String(data)) as Reply;
    if (reply.id === undefined) return;
    waiting.get(reply.id)?.(reply);
    waiting.delete(reply.id);
  });
  return {
    ask<M extends keyof Protocol>(method: M, parameters: Readonly<Record<string, unknown>> = {}) {
      const id = (lastId += 1);
      return new Promise<Protocol[M]>((resolve, reject) => {
        const timer = setTimeout(() => {
          waiting.delete(id);
          reject(new Error(`${method} was not answered`));
        }, ANSWER_MS);
        waiting.set(id, ({ error, result }) => {
          clearTimeout(timer);
          if (error === undefined) resolve(result as Protocol[M]);
          else reject(new Error(`${method}: ${error.message}`));
        });
        socket.send(JSON.stringify({ id, method, params: parameters }));
      });
    },
    close: () => socket.close(),
  };
}
