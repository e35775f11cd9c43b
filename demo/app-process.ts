import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

import { fallbackDist } from '../build/electron-fallback.ts';
import { root, tetheredScript } from './child.ts';

/** How the app is started. */
export interface AppCommand {
  readonly kind: 'headless' | 'tray';
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Why it's headless, when nobody asked for that. */
  readonly reason?: string;
}

/** What the app is told. */
export interface AppOptions {
  readonly relayUrl: string;
  readonly port: number;
  readonly dataDir: string;
  readonly headless: boolean;
  readonly browser: boolean;
}

const executables: Partial<Record<NodeJS.Platform, string>> = {
  win32: 'electron.exe',
  darwin: 'Electron.app/Contents/MacOS/Electron',
};

/** An Electron that lies here already; the demo never downloads one. */
function installedElectron(env: NodeJS.ProcessEnv): string | undefined {
  const folders = [
    env['ELECTRON_OVERRIDE_DIST_PATH'] ?? '',
    packagedElectron(),
    fallbackDist(join(root, 'node_modules', '.cache')),
  ];
  return folders
    .filter((folder) => folder !== '')
    .map((folder) => join(folder, executables[process.platform] ?? 'electron'))
    .find((path) => existsSync(path));
}

function packagedElectron(): string {
  try {
    const require = createRequire(join(root, 'package.json'));
    return join(dirname(require.resolve('electron/package.json')), 'dist');
  } catch {
    return '';
  }
}

/** The bundled main process that `package.json` names. */
function bundledMain(): string | undefined {
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    readonly main?: string;
  };
  const path = manifest.main === undefined ? undefined : join(root, manifest.main);
  return path !== undefined && existsSync(path) ? path : undefined;
}

function hasDisplay(env: NodeJS.ProcessEnv): boolean {
  if (process.platform !== 'linux') return true;
  return Boolean(env['DISPLAY']) || Boolean(env['WAYLAND_DISPLAY']);
}

function headless(options: AppOptions, reason?: string): AppCommand {
  const args = ['agent', '--relay', options.relayUrl, '--port', String(options.port)];
  args.push('--data-dir', options.dataDir);
  if (!options.browser) args.push('--no-browser');
  return {
    kind: 'headless',
    command: process.execPath,
    args: tetheredScript('app/cli/main.ts', args),
    env: {},
    ...(reason === undefined ? {} : { reason }),
  };
}

/**
 * Decides between the tray app and the headless agent: the tray app needs a display, an Electron that is
 * here already and a built bundle.
 *
 * @param options what was asked for
 * @param env the environment
 * @returns the command to run
 */
export function appCommand(options: AppOptions, env: NodeJS.ProcessEnv = process.env): AppCommand {
  if (options.headless) return headless(options);
  if (!hasDisplay(env)) return headless(options, 'there is no display');
  const electron = installedElectron(env);
  if (electron === undefined) return headless(options, 'no Electron runtime is installed');
  if (bundledMain() === undefined) return headless(options, 'the window is not built yet');
  const args = [root, '--relay', options.relayUrl, '--port', String(options.port)];
  args.push('--data-dir', options.dataDir);
  if (!options.browser) args.push('--no-browser');
  // Chromium's sandbox refuses to run as root (containers, CI)
  if (process.getuid?.() === 0) args.push('--no-sandbox');
  return { kind: 'tray', command: electron, args, env: { LATCHKEY_DATA_DIR: options.dataDir } };
}
