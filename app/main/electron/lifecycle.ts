import { join } from 'node:path';
import { app, dialog, Menu, powerMonitor } from 'electron';
import { ensureDataDir } from '../agent/settings/data-dir.ts';
import { registerPageScheme } from './page.ts';

/** What happens to the program as a whole. */
export interface LifecycleEvents {
  /** Somebody started Latchkey a second time, or clicked its dock icon. */
  onShow(): void;
  /** The machine wakes up; headless, a clock has to tell (`watchWakes`). */
  onWake(): void;
  /** The last thing before the process ends; it waits at most `quitTimeoutMs`. */
  onQuit(quit: Quit): Promise<void>;
}

/** How the program was told to end. */
export interface Quit {
  /** By another program's signal; otherwise by a person, or as the computer ends. */
  readonly bySignal: boolean;
  /** Another signal came. */
  readonly hurry: AbortSignal;
}

/** The program as a whole. */
export interface Lifecycle {
  quit(): void;
}

/** More than requests get that run, with what follows them. */
const quitTimeoutMs = 20_000;

/**
 * Settles what Electron wants to know first: the data folder, the one instance, the page's scheme.
 *
 * @param dataDir folder for everything that Latchkey keeps
 * @param isHidden whether this start is to show no window, neither of its own nor of the first instance
 * @returns whether this is the only instance; otherwise the first one has been told to show itself
 * @throws {AgentError} `bad_settings` when the folder cannot be used
 */
export function claimInstance(dataDir: string, isHidden: boolean): boolean {
  ensureDataDir(dataDir);
  app.setPath('userData', dataDir);
  app.setPath('sessionData', join(dataDir, 'chromium'));
  app.setAppUserModelId('dev.latchkey.app');
  // Everywhere but where a person turned it off on the command line, as root has to.
  if (!app.commandLine.hasSwitch('no-sandbox')) app.enableSandbox();
  registerPageScheme();
  return app.requestSingleInstanceLock({ isHidden });
}

/** Resolves when windows and trays can be made. */
export async function electronReady(): Promise<void> {
  await app.whenReady();
  // The default menu has entries for reloading and developer tools.
  if (process.platform !== 'darwin') Menu.setApplicationMenu(null);
}

/**
 * Connects the program's life to its parts.
 *
 * @param events what to do when
 * @returns ends the program
 */
export function followLifecycle(events: LifecycleEvents): Lifecycle {
  let closed = false;
  let closing = false;
  let bySignal = false;
  const hurry = new AbortController();
  app.on('second-instance', (_event, _args, _dir, start) => {
    if ((start as { readonly isHidden?: unknown } | null)?.isHidden !== true) events.onShow();
  });
  app.on('activate', () => events.onShow());
  // Closing the window leaves the tray; without this listener Electron would quit.
  app.on('window-all-closed', () => undefined);
  app.on('before-quit', (event) => {
    if (closed) return;
    event.preventDefault();
    if (closing) return;
    closing = true;
    void settleWithin(events.onQuit({ bySignal, hurry: hurry.signal }), quitTimeoutMs).then(() => {
      closed = true;
      app.quit();
    });
  });
  const quit = (): void => app.quit();
  const onSignal = (): void => {
    if (closing) return hurry.abort();
    bySignal = true;
    quit();
  };
  process.on('SIGTERM', onSignal);
  process.on('SIGINT', onSignal);
  powerMonitor.on('shutdown', quit);
  powerMonitor.on('resume', () => events.onWake());
  return { quit };
}

/**
 * Says what keeps Latchkey from starting, and ends it.
 *
 * @param message what happened and what to do
 */
export function failToStart(message: string): void {
  process.stderr.write(`latchkey: ${message}\n`);
  dialog.showErrorBox('Latchkey cannot start', message);
  app.exit(1);
}

/** Ends the process at once. */
export function leave(): void {
  app.exit(0);
}

async function settleWithin(work: Promise<void>, timeoutMs: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => (timer = setTimeout(resolve, timeoutMs)));
  await Promise.race([work.catch(() => undefined), late]);
  clearTimeout(timer);
}
