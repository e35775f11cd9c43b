import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';

/**
 * Stands for a connection that is still being made: what is written waits, and `connect` is emitted as a
 * socket would.
 *
 * @param open makes it; its signal says that nobody wants it any more
 * @returns a stream that fails with what `open` failed with
 */
export function createLateSocket(open: (signal: AbortSignal) => Promise<Socket>): Duplex {
  const abort = new AbortController();
  let inner: Socket | undefined;
  let waiting: ((socket: Socket) => void) | undefined;
  const withInner = (use: (socket: Socket) => void): void => {
    if (inner === undefined) waiting = use;
    else use(inner);
  };
  const late = new Duplex({
    read() {
      inner?.resume();
    },
    write(chunk: Buffer, _encoding, done) {
      withInner((socket) => socket.write(chunk, (error) => done(error ?? null)));
    },
    final(done) {
      withInner((socket) => socket.end(() => done()));
    },
    destroy(error, done) {
      abort.abort();
      inner?.destroy();
      done(error);
    },
  });
  function attach(socket: Socket): void {
    if (late.destroyed) {
      socket.destroy();
      return;
    }
    inner = socket;
    socket.on('data', (chunk: Buffer) => {
      if (!late.push(chunk)) socket.pause();
    });
    socket.on('end', () => late.push(null));
    socket.on('error', (error) => late.destroy(error));
    // After an orderly end there may be bytes that are still to be read here.
    socket.on('close', () => socket.readableEnded || late.destroy());
    late.emit('connect');
    waiting?.(socket);
  }
  open(abort.signal).then(attach, (error: Error) => late.destroy(error));
  return late;
}
