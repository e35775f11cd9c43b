import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** Something that the end-to-end tests need and this machine lacks. */
export interface MissingTool {
  readonly name: string;
  /** Why, and how to get it. */
  readonly reason: string;
}

/**
 * Looks for a program in PATH.
 *
 * @param name of the executable
 * @param env the environment
 * @returns whether it is there
 */
export function inPath(name: string, env: NodeJS.ProcessEnv = process.env): boolean {
  return (env['PATH'] ?? '')
    .split(delimiter)
    .filter((folder) => folder !== '')
    .some((folder) => existsSync(join(folder, name)));
}

/**
 * The command that gives a program a display and a session bus, where this process has none.
 *
 * @param env the environment
 * @returns the words to put before the program; empty when nothing is needed or nothing can be had
 */
export function displayPrefix(env: NodeJS.ProcessEnv = process.env): readonly string[] {
  if (process.platform !== 'linux') return [];
  const words: string[] = [];
  if (!env['DISPLAY'] && inPath('xvfb-run', env) && inPath('xauth', env)) {
    words.push('xvfb-run', '-a', '-s', '-screen 0 1280x900x24');
  }
  if (!env['DBUS_SESSION_BUS_ADDRESS'] && inPath('dbus-run-session', env)) {
    words.push('dbus-run-session', '--');
  }
  return words;
}

/**
 * What the end-to-end tests will have to do without.
 *
 * @param env the environment, after {@link displayPrefix} was applied
 * @param electron prepares an Electron runtime, or throws with the reason why none can be had
 * @returns one entry for each missing tool
 */
export async function missingTools(
  env: NodeJS.ProcessEnv,
  electron: () => Promise<unknown>,
): Promise<readonly MissingTool[]> {
  const missing: MissingTool[] = [];
  const browsers = ['chromium', 'chromium-browser', 'google-chrome'];
  const chromium = env['CHROMIUM_PATH'];
  if (
    chromium === undefined ? !browsers.some((name) => inPath(name, env)) : !existsSync(chromium)
  ) {
    missing.push({
      name: 'Chromium',
      reason: 'install the package chromium, or set CHROMIUM_PATH to the executable',
    });
  }
  if (process.platform === 'linux' && !env['DISPLAY']) {
    missing.push({ name: 'a display', reason: 'install the packages xvfb and xauth' });
  }
  if (process.platform === 'linux' && !env['DBUS_SESSION_BUS_ADDRESS']) {
    missing.push({ name: 'a D-Bus session', reason: 'install the packages dbus and dbus-x11' });
  }
  try {
    await electron();
  } catch (error) {
    missing.push({
      name: 'an Electron runtime',
      reason: error instanceof Error ? error.message : String(error),
    });
  }
  return missing;
}
