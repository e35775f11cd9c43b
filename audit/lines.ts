import { createReadStream } from 'node:fs';

/** A line of a file, and where it stands. */
export interface Line {
  /** Without its LF; all else that stands there belongs to it. */
  readonly text: string;
  /** Of its first byte. */
  readonly offset: number;
  readonly bytes: number;
}

/**
 * Reads a file line by line.
 *
 * @param path the file
 * @param bytes how much of it to read; default: all
 * @yields its lines; what follows the last LF is one as well
 */
export async function* linesIn(path: string, bytes = Infinity): AsyncGenerator<Line> {
  let rest = Buffer.alloc(0);
  let start = 0;
  const stream = createReadStream(path, { end: bytes - 1 });
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    rest = Buffer.concat([rest, chunk]);
    let from = 0;
    for (let end = rest.indexOf('\n'); end >= 0; end = rest.indexOf('\n', from)) {
      yield { text: rest.toString('utf8', from, end), offset: start + from, bytes: end - from };
      from = end + 1;
    }
    start += from;
    rest = rest.subarray(from);
  }
  if (rest.length > 0) yield { text: rest.toString(), offset: start, bytes: rest.length };
}
