import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** The page as it was built. */
export interface PageFiles {
  /** With `{nonce}` where the styles' nonce goes. */
  readonly html: string;
  /** By name; the names hold a hash of the content. */
  readonly assets: ReadonlyMap<string, { readonly type: string; readonly body: Buffer }>;
}

const root = join(import.meta.dirname, '..', '..');
const built = join(root, 'dist', 'console');
const builder = join(root, 'build', 'console.ts');
const SOURCES = ['relay/console/page', 'ui', 'build/console.ts', 'package-lock.json'];
const TYPES: Readonly<Record<string, string>> = {
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.woff2': 'font/woff2',
};
const BUILD_MS = 120_000;

async function newestChange(path: string): Promise<number> {
  const own = await stat(path);
  if (!own.isDirectory()) return own.mtimeMs;
  const names = await readdir(path);
  return Math.max(0, ...(await Promise.all(names.map((name) => newestChange(join(path, name))))));
}

/** Whether this is a clone with what it takes to build, and something changed since the last time. */
async function isToBuild(): Promise<boolean> {
  if (!existsSync(builder) || !existsSync(join(root, 'node_modules', 'vite'))) return false;
  const page = join(built, 'index.html');
  if (!existsSync(page)) return true;
  const changes = await Promise.all(SOURCES.map((name) => newestChange(join(root, name))));
  return Math.max(...changes) > (await stat(page)).mtimeMs;
}

function build(): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [builder], {
      cwd: root,
      stdio: ['ignore', 'ignore', 'pipe'],
      timeout: BUILD_MS,
    });
    let output = '';
    child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.once('error', reject);
    child.once('close', (code) => {
      if (code === 0) resolve();
      else reject(new Error(`the console's page could not be built: ${output.slice(-2_000)}`));
    });
  });
}

async function read(): Promise<PageFiles> {
  const folder = join(built, 'assets');
  const names = (await readdir(folder)).filter((name) => TYPES[extname(name)] !== undefined);
  const bodies = await Promise.all(names.map((name) => readFile(join(folder, name))));
  return {
    html: await readFile(join(built, 'index.html'), 'utf8'),
    assets: new Map(
      names.map((name, at) => [
        name,
        { type: TYPES[extname(name)] ?? '', body: bodies[at] ?? Buffer.alloc(0) },
      ]),
    ),
  };
}

/**
 * Brings the page: as it was built, or, in a clone, as its sources are now. The relay starts without it;
 * whoever opens the console first waits for it, some seconds where it must be built.
 *
 * @param log told when it could not be built
 * @returns gives the files, always the same once they are there
 */
export function createPageFiles(
  log: (event: Record<string, unknown>) => void,
): () => Promise<PageFiles> {
  let files: Promise<PageFiles> | undefined;

  async function bring(): Promise<PageFiles> {
    try {
      if (await isToBuild()) await build();
    } catch (error) {
      log({ event: 'console_build_failed', problem: (error as Error).message });
    }
    try {
      return await read();
    } catch {
      // Another relay's build may just have taken the old one's place.
      await sleep(200);
      return await read();
    }
  }

  return () => {
    files ??= bring().catch((error: unknown) => {
      files = undefined;
      throw error;
    });
    return files;
  };
}
