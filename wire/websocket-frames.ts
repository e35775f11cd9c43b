import type { Duplex } from 'node:stream';

/** Knows where the frames of one direction begin and end, without looking into them. */
export interface FrameCursor {
  /** Tells it of the bytes that pass by. */
  pass(chunk: Buffer): void;
  /** Whether the next byte begins a frame. */
  atBoundary(): boolean;
}

/** The bytes of a frame's header, given what is known of it; 2 until its second byte is there. */
function headerBytes(header: readonly number[]): number {
  if (header.length < 2) return 2;
  const second = header[1] as number;
  const length = second & 0x7f;
  return 2 + (length === 126 ? 2 : length === 127 ? 8 : 0) + (second & 0x80 ? 4 : 0);
}

function payloadBytes(header: readonly number[]): number {
  const length = (header[1] as number) & 0x7f;
  if (length < 126) return length;
  const end = length === 126 ? 4 : 10;
  return header.slice(2, end).reduce((sum, byte) => sum * 256 + byte, 0);
}

/**
 * Follows the frames of one direction of a WebSocket.
 *
 * @returns the cursor, at a boundary
 * @see RFC 6455 §5.2
 */
export function createFrameCursor(): FrameCursor {
  let header: number[] = [];
  let payloadLeft = 0;
  return {
    pass(chunk) {
      for (let at = 0; at < chunk.length;) {
        if (payloadLeft > 0) {
          const taken = Math.min(payloadLeft, chunk.length - at);
          payloadLeft -= taken;
          at += taken;
          continue;
        }
        header.push(chunk[at] as number);
        at += 1;
        if (header.length < headerBytes(header)) continue;
        payloadLeft = payloadBytes(header);
        header = [];
      }
    },
    atBoundary: () => header.length === 0 && payloadLeft === 0,
  };
}

/** How long a client may take to hang up after the close frame. */
const HANG_UP_MS = 1_000;

/**
 * Tells a client why its WebSocket ends and hangs up. A half-sent frame cannot be ended: that
 * connection is just cut.
 *
 * @param client the client's connection
 * @param sent the cursor of what was sent to it
 * @param code 1008 (policy violation) or 1001 (going away)
 * @see RFC 6455 §5.5.1, §7.4.1
 */
export function closeWebSocket(client: Duplex, sent: FrameCursor, code: 1001 | 1008): void {
  if (!sent.atBoundary() || !client.writable) {
    client.destroy();
    return;
  }
  const timer = setTimeout(() => client.destroy(), HANG_UP_MS);
  client.once('close', () => clearTimeout(timer));
  client.end(Buffer.from([0x88, 0x02, code >> 8, code & 0xff]));
}
