import type { FileHandle } from 'node:fs/promises';

const BLOCK_BYTES = 64 * 1024;
/** No record is as long. */
const MOST_TORN_BYTES = 1024 ** 2;

const QUOTE = 0x22;
const CR = 0x0d;
const LF = 0x0a;

/** No line has a line end within: the last one is looked for from behind. */
async function wholeLines(handle: FileHandle, size: number): Promise<number> {
  const block = Buffer.alloc(BLOCK_BYTES);
  for (let end = size; end > 0; end -= BLOCK_BYTES) {
    const start = Math.max(0, end - BLOCK_BYTES);
    const { bytesRead } = await handle.read(block, 0, end - start, start);
    const at = block.subarray(0, bytesRead).lastIndexOf(LF);
    if (at >= 0) return start + at + 1;
  }
  return 0;
}

/**
 * A quoted cell may hold line ends, and whatever else callers chose: only from the beginning can it be told what
 * is quoted.
 */
async function wholeRows(handle: FileHandle, size: number): Promise<number> {
  const block = Buffer.alloc(BLOCK_BYTES);
  let isQuoted = false;
  let before: number | undefined;
  let whole = 0;
  for (let start = 0; start < size; start += BLOCK_BYTES) {
    const { bytesRead } = await handle.read(block, 0, BLOCK_BYTES, start);
    for (let at = 0; at < bytesRead; at += 1) {
      const byte = block[at];
      if (byte === QUOTE) isQuoted = !isQuoted;
      if (byte === LF && before === CR && !isQuoted) whole = start + at + 1;
      before = byte;
    }
  }
  return whole;
}

/**
 * Drops a line that a crash cut short; its record comes again.
 *
 * @param handle of the file
 * @param size of it, bytes
 * @param isCsv whether line ends stand within lines, too
 * @returns the size that is left
 * @throws {Error} what would go is more than a line
 */
export async function dropTornLine(
  handle: FileHandle,
  size: number,
  isCsv: boolean,
): Promise<number> {
  const whole = await (isCsv ? wholeRows(handle, size) : wholeLines(handle, size));
  // Evidence that somebody else's quote made unreadable is not ours to remove.
  if (size - whole > MOST_TORN_BYTES)
    throw new Error('it ends with more than a line cut short; move it away, and another is begun');
  if (whole < size) await handle.truncate(whole);
  return whole;
}
