import type { Readable } from 'node:stream';
import { promisify } from 'node:util';
import { open } from 'yauzl';
import type { Entry, ZipFile } from 'yauzl';

/** One file of an archive. */
export interface ZipEntry {
  readonly name: string;
  /** Permission bits; 0644 when the archive has none. */
  readonly mode: number;
  open(): Promise<Readable>;
}

const openZip = promisify<string, { lazyEntries: boolean }, ZipFile>(open);

/**
 * Opens a zip archive for reading, one entry at a time.
 *
 * @param file path of the archive
 * @returns its entries, in order; the archive is closed at the end
 */
export async function openArchive(
  file: string,
): Promise<{ entries(): AsyncGenerator<ZipEntry, void, undefined> }> {
  const zip = await openZip(file, { lazyEntries: true });
  return {
    async *entries() {
      for (let entry = await next(zip); entry !== undefined; entry = await next(zip)) {
        const current = entry;
        yield {
          name: current.fileName,
          mode: (current.externalFileAttributes >>> 16) & 0o777 || 0o644,
          open: () => openEntry(zip, current),
        };
      }
    },
  };
}

async function next(zip: ZipFile): Promise<Entry | undefined> {
  return new Promise((resolve, reject) => {
    const settle = (finish: () => void) => (): void => {
      zip.removeAllListeners('entry').removeAllListeners('end').removeAllListeners('error');
      finish();
    };
    zip.once('entry', (entry: Entry) => settle(() => resolve(entry))());
    zip.once(
      'end',
      settle(() => resolve(undefined)),
    );
    zip.once('error', (error: Error) => settle(() => reject(error))());
    zip.readEntry();
  });
}

async function openEntry(zip: ZipFile, entry: Entry): Promise<Readable> {
  return new Promise((resolve, reject) => {
    zip.openReadStream(entry, (error, stream) => {
      if (error) reject(error);
      else resolve(stream);
    });
  });
}
