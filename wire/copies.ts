/** Above this a copy gets a buffer of this size; below, node's own slabs are as good. */
const SMALL_BYTES = 16 * 1024;
const BUFFER_BYTES = 64 * 1024;
/** 4 MiB: more are let go of when whoever was slow has read. */
const MOST_KEPT = 64;

const kept: Buffer[] = [];

/**
 * Copies what lies in a buffer that the next read overwrites. Large copies take turns on the same memory: memory
 * that is asked for and given back with each piece goes back to the system with it, and each of its pages is a
 * fault the next time, which made downloads five times slower in every other process.
 *
 * @param piece at most 64 KiB
 * @param use is given the copy, and a function to call once nobody needs it; not called, the memory is
 *   merely not used again
 * @returns what `use` returns
 */
export function withCopy<T>(
  piece: Buffer,
  use: (copy: Buffer, done: (() => void) | undefined) => T,
): T {
  if (piece.length <= SMALL_BYTES || piece.length > BUFFER_BYTES)
    return use(Buffer.from(piece), undefined);
  const buffer = kept.pop() ?? Buffer.allocUnsafeSlow(BUFFER_BYTES);
  piece.copy(buffer);
  return use(buffer.subarray(0, piece.length), () => {
    if (kept.length < MOST_KEPT) kept.push(buffer);
  });
}
