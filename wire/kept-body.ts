import type { IncomingMessage } from 'node:http';
import type { Framing } from './framing.ts';

/** What a client has sent of one body, kept so that the request can be sent once more. */
export interface KeptBody {
  /** Whether nothing that came is missing here. */
  isWhole(): boolean;
  /** All that came so far. */
  bytes(): Buffer;
  /** Takes a chunk that is being sent; above the bound everything is forgotten. */
  keep(chunk: Buffer): void;
  /**
   * Between two tries: goes on reading up to the bound, since only of a connection that is read does
   * one learn that the client has left.
   */
  hold(request: IncomingMessage): void;
  /** Ends {@link hold}; the request is paused. */
  proceed(): void;
  /** Forgets everything; what still comes of a held body is dropped. */
  release(): void;
}

const FIRST_BYTES = 8 * 1024;

/**
 * Makes the keeper of bodies of requests that may have to be sent twice.
 *
 * @param limits `requestBytes` of one request, `totalBytes` of all at the same time
 * @returns called once for each request, with its framing
 */
export function createBodyKeeper(limits: {
  readonly requestBytes: number;
  readonly totalBytes: number;
}): (framing: Framing) => KeptBody {
  let usedBytes = 0;
  return (framing) => {
    let store = Buffer.alloc(0);
    let length = 0;
    let whole = framing.kind !== 'length' || framing.bytes <= limits.requestBytes;
    let held: { readonly request: IncomingMessage; stop(): void } | undefined;

    /** One growing piece: a million chunks of a byte each would cost a hundred times their size. */
    const append = (chunk: Buffer): void => {
      const needed = length + chunk.length;
      if (needed > store.length) {
        const doubled = Math.min(Math.max(2 * store.length, FIRST_BYTES), limits.requestBytes);
        const grown = Buffer.allocUnsafeSlow(Math.max(needed, doubled));
        store.copy(grown, 0, 0, length);
        usedBytes += grown.length - store.length;
        store = grown;
      }
      chunk.copy(store, length);
      length = needed;
    };
    const isFull = (moreBytes: number): boolean =>
      length + moreBytes > limits.requestBytes || usedBytes + moreBytes > limits.totalBytes;
    const forget = (): void => {
      usedBytes -= store.length;
      store = Buffer.alloc(0);
      length = 0;
      whole = false;
    };
    const proceed = (): void => {
      held?.stop();
      held = undefined;
    };

    return {
      isWhole: () => whole,
      bytes: () => store.subarray(0, length),
      keep(chunk) {
        if (!whole) return;
        if (isFull(chunk.length)) forget();
        else append(chunk);
      },
      hold(request) {
        const take = (chunk: Buffer): void => {
          // Whatever was read has to be kept here, since nobody else sees it.
          append(chunk);
          if (isFull(1)) request.pause();
        };
        held = {
          request,
          stop() {
            request.off('data', take);
            request.pause();
          },
        };
        request.on('data', take);
        if (!isFull(1)) request.resume();
      },
      proceed,
      release() {
        const request = held?.request;
        proceed();
        request?.resume();
        forget();
      },
    };
  };
}
