import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Connection } from './connection.ts';
import type { ForwardPlan, UploadWatch } from './forward-plan.ts';
import { passableTrailers } from './headers.ts';

/** The client's body on its way to the upstream. */
export interface Upload {
  /** Whether all of it has been written. */
  isDone(): boolean;
  /** Whether any of it was read from the client. */
  hasBegun(): boolean;
  /** The upstream takes more. */
  drained(): void;
  /** Stops sending; the request is paused and nothing of it is lost. */
  stop(): void;
  /** Nobody wants the rest: it is read and dropped, so that the client gets to read its answer. */
  discard(): void;
}

/** Who hears of an upload. */
interface UploadEvents {
  /** Of each chunk's length. */
  readonly sent: (bytes: number) => void;
  readonly watch: UploadWatch | undefined;
}

const NO_UPLOAD: Upload = {
  isDone: () => true,
  hasBegun: () => false,
  drained: () => {},
  stop: () => {},
  discard: () => {},
};

/**
 * Streams the client's body to the upstream in the framing that it came in, trailers included, at
 * the upstream's pace. What an earlier try has sent already goes first.
 *
 * @param request the client's request
 * @param response the client's answer, for `100 Continue`
 * @param connection to the upstream; the head is written
 * @param plan how the body is delimited, and what keeps it for another try
 * @param events told of each chunk before it is sent, and of the body's end
 * @returns the upload, under way
 * @see RFC 9112 §7.1
 */
export function startUpload(
  request: IncomingMessage,
  response: ServerResponse,
  connection: Connection,
  { framing, kept, dropTrailer }: Pick<ForwardPlan, 'framing' | 'kept' | 'dropTrailer'>,
  { sent, watch }: UploadEvents,
): Upload {
  if (framing.kind === 'none') return NO_UPLOAD;
  const { socket } = connection;
  const isChunked = framing.kind === 'chunked';
  let done = false;
  let begun = false;

  function write(chunk: Buffer): boolean {
    if (!isChunked) return socket.write(chunk);
    socket.cork();
    socket.write(`${chunk.length.toString(16)}\r\n`, 'latin1');
    socket.write(chunk);
    const isRoomy = socket.write('\r\n', 'latin1');
    socket.uncork();
    return isRoomy;
  }
  function onData(chunk: Buffer): void {
    begun = true;
    sent(chunk.length);
    kept?.keep(chunk);
    // An upstream that has answered may stop reading; the rest of the upload is read and dropped.
    if (done || socket.destroyed || chunk.length === 0) return;
    if (write(chunk)) return;
    request.pause();
    watch?.held(true);
  }
  function onEnd(): void {
    if (done || socket.destroyed) return;
    done = true;
    watch?.end();
    if (!isChunked) return;
    const trailers = passableTrailers(request.rawTrailers, dropTrailer);
    const lines = trailers.map(([name, value]) => `${name}: ${value}\r\n`).join('');
    socket.write(`0\r\n${lines}\r\n`, 'latin1');
  }
  function detach(): void {
    request.off('data', onData);
    request.off('end', onEnd);
  }

  // RFC 9110 §10.1.1: only now is it decided that the body is wanted; a body that flowed has been asked for.
  // RFC 9110 §10.1.1: HTTP/1.0 knows no interim answers.
  const mayWait = request.readableFlowing === null && request.httpVersion === '1.1';
  if (mayWait && /^100-continue$/i.test(request.headers.expect ?? '')) {
    response.writeContinue();
  }
  kept?.proceed();
  const before = kept?.bytes();
  if (before !== undefined && before.length > 0) {
    sent(before.length);
    write(before);
  }
  if (request.readableEnded) {
    onEnd();
  } else {
    request.on('data', onData);
    request.on('end', onEnd);
    request.resume();
  }
  return {
    isDone: () => done,
    hasBegun: () => begun,
    drained: () => void request.resume(),
    stop() {
      detach();
      request.pause();
    },
    discard() {
      detach();
      request.resume();
    },
  };
}
