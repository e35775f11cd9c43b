import { resolve } from 'node:path';
import { app } from 'electron';
import { dataDir as defaultDataDir } from '../agent/settings/data-dir.ts';
import type { Autostart } from './autostart.ts';
import { createLoginItems, createNoAutostart, type LoginItems } from './login-items.ts';
import { createXdgAutostart, lastingProgram, xdgAutostartFile } from './xdg-autostart.ts';

const electronItems: LoginItems = {
  get: (args) => app.getLoginItemSettings({ args: [...args] }),
  set: (openAtLogin, args) => app.setLoginItemSettings({ openAtLogin, args: [...args] }),
};

/**
 * What starts this Latchkey at login on this system. Call after Electron is ready.
 *
 * @param dataDir the data folder in use; the one started at login has the same
 * @param mainFile the main process's script, for an app that is not packaged
 * @returns the autostart
 */
export function systemAutostart(dataDir: string, mainFile: string): Autostart {
  const { env, platform, execPath } = process;
  const folder = resolve(dataDir);
  const usual = defaultDataDir({ ...env, LATCHKEY_DATA_DIR: undefined }, platform);
  const isUsual = folder === usual;
  const args = ['--hidden', ...(isUsual ? [] : [`--data-dir=${folder}`])];
  if (platform === 'linux') {
    const program = app.isPackaged ? [lastingProgram(execPath, env)] : [execPath, mainFile];
    return createXdgAutostart({ file: xdgAutostartFile(env), program, args, dataDir: folder });
  }
  if (platform !== 'darwin' && platform !== 'win32') {
    return createNoAutostart('Latchkey does not know how this system starts programs at login.');
  }
  if (!app.isPackaged) return createNoAutostart('Only an installed Latchkey can start at login.');
  if (platform === 'darwin' && !isUsual) {
    return createNoAutostart(
      `At login macOS starts Latchkey with its usual data folder, ${usual}.`,
    );
  }
  // Electron joins the arguments as they are.
  const line = platform === 'win32' ? args.map((arg) => `"${arg}"`) : args;
  return createLoginItems(electronItems, platform, line);
}

/**
 * Whether the system started the app at login; macOS hands over no arguments, so it is asked.
 *
 * @returns false where `--hidden` tells
 */
export function openedAtLogin(): boolean {
  return process.platform === 'darwin' && app.getLoginItemSettings().wasOpenedAtLogin;
}
