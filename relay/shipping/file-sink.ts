import { constants } from 'node:fs';
import { open, rename, rm, type FileHandle } from 'node:fs/promises';
import { lineEnd } from '../../audit/formats/format.ts';
import type { FileSinkConfig } from '../config/sink-config.ts';
import { appendWhole } from './directory.ts';
import type { Sink } from './sink.ts';
import { dropTornLine } from './torn-line.ts';

const { O_APPEND, O_CREAT, O_RDWR } = constants;
// Absent on Windows, where links need a privilege.
const O_NOFOLLOW = (constants as Partial<typeof constants>).O_NOFOLLOW ?? 0;

async function openPrivate(path: string): Promise<FileHandle> {
  const handle = await open(path, O_RDWR | O_APPEND | O_CREAT | O_NOFOLLOW, 0o600);
  try {
    const stat = await handle.stat();
    if (!stat.isFile()) throw new Error('it is not a regular file');
    if (process.platform !== 'win32' && (stat.mode & 0o777) !== 0o600) await handle.chmod(0o600);
    return handle;
  } catch (error) {
    await handle.close();
    throw error;
  }
}

async function rotate(path: string, keep: number): Promise<void> {
  await rm(`${path}.${keep}`, { force: true });
  for (let number = keep - 1; number >= 0; number -= 1) {
    const from = number === 0 ? path : `${path}.${number}`;
    await rename(from, `${path}.${number + 1}`).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error;
    });
  }
}

/**
 * Appends batches to a file that only its owner can read, and begins a new one when it gets large.
 *
 * @param config checked
 * @param head what each file begins with
 * @returns the sink; a batch is delivered when the disk has it
 */
export function createFileSink(config: FileSinkConfig, head: string): Sink {
  const { path, rotate: limit } = config;
  const end = lineEnd(config.format);
  /** What the last batch left, so that not all of it is read again before each. */
  let left = { ino: 0, size: 0 };

  async function wholeSize(handle: FileHandle): Promise<number> {
    const { ino, size } = await handle.stat();
    const isKnown = ino === left.ino && size === left.size;
    return isKnown ? size : await dropTornLine(handle, size, config.format === 'csv');
  }

  /** Anew for each batch: somebody else may move the file away. */
  async function append(lines: string): Promise<void> {
    let handle = await openPrivate(path);
    try {
      let bytes = await wholeSize(handle);
      if (bytes > 0 && bytes + Buffer.byteLength(lines) > limit.bytes) {
        await handle.close();
        await rotate(path, limit.keep);
        handle = await openPrivate(path);
        bytes = 0;
      }
      await appendWhole(handle, bytes === 0 ? head + lines : lines);
      left = await handle.stat();
    } finally {
      await handle.close();
    }
  }

  return {
    async deliver(items) {
      try {
        await append(items.map(({ text }) => text + end).join(''));
        return { kind: 'accepted' };
      } catch (error) {
        const problem = error instanceof Error ? error.message : String(error);
        return { kind: 'failed', reason: 'file', problem: `${path}: ${problem}` };
      }
    },
    close: () => {},
  };
}
