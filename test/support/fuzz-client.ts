import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** How a client's connection went. */
export interface Exchanged {
  readonly answer: string;
  /** Whether the other side ended it, as it must once the client has said all. */
  readonly ended: boolean;
}

/** How long nothing may come before the client says that it has sent all; counted in parts, as a busy loop is not quiet. */
const QUIET_MS = 250;
const PARTS = 10;
const PATIENCE_MS = 60_000;

/**
 * Sends bytes in pieces over a connection of its own and reads until the other side ends it.
 *
 * @param port on loopback
 * @param pieces latin1, each written in a turn of its own
 * @returns what came back
 */
export function exchangePieces(port: number, pieces: readonly string[]): Promise<Exchanged> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    let answer = '';
    let quiet: NodeJS.Timeout | undefined;
    let quietParts = 0;
    const done = (ended: boolean): void => {
      clearTimeout(quiet);
      clearTimeout(deadline);
      socket.destroy();
      resolve({ answer, ended });
    };
    const deadline = setTimeout(() => done(false), PATIENCE_MS);
    const listen = (): void => {
      if (socket.destroyed) return;
      quiet = setTimeout(() => {
        quietParts += 1;
        // What it has sent so far may be the beginning of something: nothing more comes.
        if (quietParts >= PARTS) socket.end();
        else listen();
      }, QUIET_MS / PARTS);
    };
    socket.setNoDelay(true);
    socket.on('connect', () => {
      void (async () => {
        for (const [index, piece] of pieces.entries()) {
          if (index > 0) await sleep(1);
          if (socket.writable) socket.write(piece, 'latin1');
        }
        listen();
      })();
    });
    socket.on('data', (chunk: Buffer) => {
      answer += chunk.toString('latin1');
      quietParts = 0;
    });
    socket.on('error', () => done(true));
    socket.on('close', () => done(true));
  });
}

/**
 * Cuts a failing input down to what still fails: pieces of half its length first, single bytes last.
 *
 * @param text that fails
 * @param fails tries a shorter one
 * @returns the shortest one found
 */
export async function shrinkText(
  text: string,
  fails: (shorter: string) => Promise<boolean>,
): Promise<string> {
  let shortest = text;
  for (
    let size = Math.ceil(text.length / 2);
    size >= 1;
    size = size === 1 ? 0 : Math.ceil(size / 2)
  )
    for (let at = 0; at < shortest.length;) {
      const shorter = shortest.slice(0, at) + shortest.slice(at + size);
      if (await fails(shorter)) shortest = shorter;
      else at += size;
    }
  return shortest;
}
