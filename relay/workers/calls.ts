import type { Duplex } from 'node:stream';
import { type ChannelDeps, createChannel, type Message } from './channel.ts';
import { type Fault, fromFault, toFault } from './faults.ts';

/** What a process does for another; arguments and results are JSON. */
export type Procedures<P> = { readonly [Name in keyof P]: (...args: never[]) => unknown };

type Arguments<F> = F extends (...args: infer A) => unknown ? A : never;
type Result<F> = F extends (...args: never[]) => infer R ? Awaited<R> : never;

/** Asks another process for what it offers. */
export interface Calls<P> {
  /** @throws what the other process threw, or that it is gone */
  call<N extends keyof P & string>(name: N, ...args: Arguments<P[N]>): Promise<Result<P[N]>>;
  /** Asks without waiting: nothing comes back, not even a failure. */
  tell<N extends keyof P & string>(name: N, ...args: Arguments<P[N]>): void;
  backlogBytes(): number;
  /** Whether the other process is gone. */
  isGone(): boolean;
  /** Sends what is waiting, then closes. */
  close(): void;
}

type Procedure = (...args: readonly unknown[]) => unknown;

interface Asked {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
}

/** Of a message without an answer. */
const TOLD = 0;

/**
 * Puts calls in both directions on a stream. A message is `[n, name, ...args]` for a call, with 0
 * where nobody waits, and `[-n, result]` or `[-n, null, fault]` for its answer.
 *
 * @param stream a socket pair's end
 * @param offered what this process does for the other
 * @param deps told when the other is gone; calls under way fail before
 * @returns what the other does for this one
 */
export function createCalls<Theirs extends Procedures<Theirs>, Ours extends Procedures<Ours>>(
  stream: Duplex,
  offered: Ours,
  deps: Pick<ChannelDeps, 'closed' | 'flush'>,
): Calls<Theirs> {
  const procedures = offered as unknown as Readonly<Record<string, Procedure | undefined>>;
  const asked = new Map<number, Asked>();
  let last = 0;
  let isGone = false;
  const gone = (): Error => new Error('the other process is gone');
  const channel = createChannel(stream, {
    flush: deps.flush,
    receive,
    closed() {
      isGone = true;
      for (const { reject } of asked.values()) reject(gone());
      asked.clear();
      deps.closed();
    },
  });

  function receive(message: Message): void {
    const number = message[0] as number;
    if (number < 0) answered(-number, message);
    else serve(number, message[1] as string, message.slice(2));
  }

  function answered(number: number, [, value, fault]: Message): void {
    const waiting = asked.get(number);
    if (waiting === undefined) return;
    asked.delete(number);
    if (fault === undefined) waiting.resolve(value);
    else waiting.reject(fromFault(fault as Fault));
  }

  function fail(number: number, error: unknown): void {
    if (number !== TOLD) channel.post([-number, null, toFault(error)]);
  }

  function serve(number: number, name: string, args: readonly unknown[]): void {
    try {
      const procedure = procedures[name];
      if (procedure === undefined) throw new Error(`there is no procedure ${name}`);
      const result = procedure(...args);
      if (result instanceof Promise)
        result.then(
          (value: unknown) => number !== TOLD && channel.post([-number, value]),
          (error: unknown) => fail(number, error),
        );
      else if (number !== TOLD) channel.post([-number, result]);
    } catch (error) {
      fail(number, error);
    }
  }

  return {
    call(name, ...args) {
      if (isGone) return Promise.reject(gone());
      last += 1;
      const number = last;
      return new Promise((resolve, reject) => {
        asked.set(number, { resolve: resolve as Asked['resolve'], reject });
        channel.post([number, name, ...args]);
      });
    },
    tell(name, ...args) {
      channel.post([TOLD, name, ...args]);
    },
    backlogBytes: channel.backlogBytes,
    isGone: () => isGone,
    close: channel.close,
  };
}
