import { buildApp } from '../build/app.ts';
import { downloadElectron, findElectron } from '../build/electron-runtime.ts';
import type { ElectronRuntime } from '../build/electron-runtime.ts';
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

/** An Electron that lies here, or the official one if it can be downloaded now. */
async function electronHere(): Promise<ElectronRuntime | undefined> {
  return findElectron() ?? (await downloadElectron());
}

/**
 * Decides between the tray app and the headless agent: the tray app needs a display, an Electron and a
 * bundle, which is built when the sources are newer.
 *
 * @param options what was asked for
 * @param env the environment
 * @returns the command to run
 */
export async function appCommand(
  options: AppOptions,
  env: NodeJS.ProcessEnv = process.env,
): Promise<AppCommand> {
  if (options.headless) return headless(options);
  if (!hasDisplay(env)) return headless(options, 'there is no display');
  const electron = await electronHere();
  if (electron === undefined) return headless(options, 'no Electron runtime can be had');
  try {
    await buildApp();
  } catch (error) {
    return headless(options, error instanceof Error ? error.message : 'the window is not built');
  }
  const args = [root, `--relay=${options.relayUrl}`, `--port=${options.port}`];
  args.push(`--data-dir=${options.dataDir}`);
  if (!options.browser) args.push('--no-browser');
  // Chromium's sandbox refuses to run as root (containers, CI)
  if (process.getuid?.() === 0) args.push('--no-sandbox');
  const { executable } = electron;
  return { kind: 'tray', command: executable, args, env: { LATCHKEY_DATA_DIR: options.dataDir } };
}
