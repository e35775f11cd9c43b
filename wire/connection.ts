import type { Socket } from 'node:net';
import { createAlarm, type Alarm } from './alarm.ts';
import {
  createResponseParser,
  type ExpectedAnswer,
  type ResponseReader,
} from './response-parser.ts';

/** Whose request is on a connection. */
export interface ConnectionUser extends ResponseReader {
  /** The connection stands, TLS included; not called on one that is used again. */
  connected(): void;
  /** All that came together has been read. */
  flush(): void;
  /** What was written has left; after a write that returned false. */
  drained(): void;
  /** Nothing more comes: the connection broke, or what came on it is not HTTP. */
  failed(error: Error): void;
}

/** One connection to the next hop; it carries one request at a time. */
export interface Connection {
  readonly socket: Socket;
  /** Of its user; closed with the connection. */
  readonly alarm: Alarm;
  /** Whether it has carried a request before. */
  readonly isReused: () => boolean;
  /** Whether it stands; before that nothing of the request has left. */
  readonly isConnected: () => boolean;
  /** Whether bytes of the present answer have come. */
  readonly hasAnswered: () => boolean;
  /** Gives it to a request, whose answer is then expected. */
  use(user: ConnectionUser, answer: ExpectedAnswer): void;
  /** Ends the use; what still comes is a fault. */
  rest(keepMs: number): void;
  /** Epoch ms after which it must not be used again. */
  readonly restsUntilMs: () => number;
  /** Whether it may carry another request. */
  readonly isUsable: () => boolean;
  /** Hands the socket over to another protocol; nothing of it is read here from then on. */
  detach(): Socket;
  destroy(): void;
}

const closedEarly = (): Error =>
  Object.assign(new Error('the connection was closed before the answer'), { code: 'ECONNRESET' });

/**
 * Puts HTTP/1.1 over a socket.
 *
 * @param open opens the socket; given where its reads go, or undefined for one that keeps them
 * @param readyEvent `connect`, or `secureConnect` with TLS
 * @param onClose told once when it is of no more use
 * @param now epoch ms
 * @param isForTunnel whether the socket may be handed over
 * @returns the connection
 */
export function createConnection(
  open: (read: ((chunk: Buffer) => void) | undefined) => Socket,
  readyEvent: 'connect' | 'secureConnect',
  onClose: (connection: Connection) => void,
  now: () => number,
  isForTunnel: boolean,
): Connection {
  const parser = createResponseParser();
  const alarm = createAlarm();
  let user: ConnectionUser | undefined;
  let connected = false;
  let uses = 0;
  let restsUntilMs = 0;

  function fail(error: Error): void {
    const failed = user;
    user = undefined;
    socket.destroy();
    failed?.failed(error);
  }
  function onData(chunk: Buffer): void {
    try {
      parser.push(chunk);
      user?.flush();
    } catch (error) {
      fail(error as Error);
    }
  }
  function onEnd(): void {
    try {
      parser.finish();
      // Both at once: an answer that ends with the connection is complete.
      socket.destroy();
    } catch (error) {
      fail(parser.hasBegun() ? (error as Error) : closedEarly());
    }
  }
  function onError(error: Error): void {
    fail(error);
  }
  function onDrain(): void {
    user?.drained();
  }
  function onGone(): void {
    alarm.close();
    fail(closedEarly());
    onClose(connection);
  }

  const socket = open(isForTunnel ? undefined : onData);
  socket.once(readyEvent, () => {
    connected = true;
    user?.connected();
  });
  socket.on('data', onData);
  socket.on('end', onEnd);
  socket.on('error', onError);
  socket.on('drain', onDrain);
  socket.on('close', onGone);

  const connection: Connection = {
    socket,
    alarm,
    isReused: () => uses > 1,
    isConnected: () => connected,
    hasAnswered: parser.hasBegun,
    use(next, answer) {
      user = next;
      uses += 1;
      parser.expect(answer, next);
    },
    rest(keepMs) {
      user = undefined;
      restsUntilMs = now() + keepMs;
      if (socket.isPaused()) socket.resume();
    },
    restsUntilMs: () => restsUntilMs,
    isUsable: () => socket.writable && !socket.destroyed,
    detach() {
      user = undefined;
      alarm.close();
      socket.pause();
      socket.off('data', onData);
      socket.off('end', onEnd);
      socket.off('drain', onDrain);
      // Whoever takes it over hears of its end by itself.
      socket.off('close', onGone);
      socket.off('error', onError);
      onClose(connection);
      return socket;
    },
    destroy() {
      user = undefined;
      socket.destroy();
    },
  };
  return connection;
}
