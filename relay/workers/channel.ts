import type { Duplex } from 'node:stream';

/** One message; what it holds must be JSON. */
export type Message = readonly unknown[];

/** Carries messages between the primary and one worker, in order. */
export interface Channel {
  /** Sends a message, together with what else is posted at about the same time. */
  post(message: Message): void;
  /** How many bytes the other side has still to take. */
  backlogBytes(): number;
  /** Sends what is waiting, then closes. */
  close(): void;
}

/** How a channel is used. */
export interface ChannelDeps {
  readonly receive: (message: Message) => void;
  /** The other side is gone, or has closed. Called once. */
  readonly closed: () => void;
  /**
   * When a batch is sent: once in a turn of the event loop, which gathers what many requests ask
   * for, or as soon as what is running now has ended.
   */
  readonly flush: 'turn' | 'tick';
}

/**
 * Frames messages on a stream: one line of JSON a batch, since a system call for each would cost
 * more than all else.
 *
 * @param stream a socket pair's end; the channel owns it from now on
 * @param deps who takes what arrives
 * @returns the channel
 */
export function createChannel(stream: Duplex, deps: ChannelDeps): Channel {
  const { receive } = deps;
  let waiting: Message[] = [];
  let scheduled = false;
  let isClosed = false;
  let rest: string[] = [];

  function flush(): void {
    scheduled = false;
    if (waiting.length === 0 || isClosed) return;
    const batch = waiting;
    waiting = [];
    stream.write(`${JSON.stringify(batch)}\n`);
  }

  function take(line: string): void {
    for (const message of JSON.parse(line) as Message[]) receive(message);
  }

  stream.setEncoding('utf8');
  stream.on('data', (chunk: string) => {
    let from = 0;
    for (let at = chunk.indexOf('\n'); at >= 0; at = chunk.indexOf('\n', from)) {
      const end = chunk.slice(from, at);
      if (rest.length === 0) take(end);
      else {
        const line = rest.join('') + end;
        rest = [];
        take(line);
      }
      from = at + 1;
    }
    if (from < chunk.length) rest.push(chunk.slice(from));
  });
  // Whoever ends has said all; without this a half-open socket would outlive the other process.
  stream.on('end', () => stream.destroy());
  // What was wrong does not matter: the other side cannot be reached any more.
  stream.on('error', () => {});
  stream.on('close', () => {
    isClosed = true;
    deps.closed();
  });

  return {
    post(message) {
      if (isClosed) return;
      waiting.push(message);
      if (scheduled) return;
      scheduled = true;
      if (deps.flush === 'turn') setImmediate(flush);
      else process.nextTick(flush);
    },
    backlogBytes: () => stream.writableLength,
    close() {
      flush();
      stream.end();
    },
  };
}
