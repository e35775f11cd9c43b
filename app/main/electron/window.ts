import { BrowserWindow, nativeImage, nativeTheme, session } from 'electron';
import appIcon from '../../../build/icons/128x128.png?inline';
import type { EventName, Events } from '../ipc/contract.ts';
import { eventChannel } from '../ipc/contract.ts';
import { confine, denyPermissions } from './navigation.ts';
import { pageOrigin, servePage } from './page.ts';

/** The one window. Closing hides it; it is made when first shown. */
export interface MainWindow {
  show(): void;
  /** Tells the page something, if there is one. */
  send<K extends EventName>(name: K, value: Events[K]): void;
  /** Whether a call comes from this window's page. */
  owns(webContentsId: number): boolean;
  /** Ends it for good. */
  close(): void;
}

/** Where the built page and preload script lie. */
export interface WindowFiles {
  readonly pageDir: string;
  readonly preloadFile: string;
}

/**
 * Makes the window. Call after Electron is ready.
 *
 * @param files the built page and preload script
 * @returns shows it
 */
export function createMainWindow(files: WindowFiles): MainWindow {
  // Without `persist:` the session lives in memory only.
  const pageSession = session.fromPartition('latchkey-ui');
  servePage(pageSession, files.pageDir);
  denyPermissions(pageSession);
  let window: BrowserWindow | undefined;
  let closing = false;

  const open = (): BrowserWindow => {
    const opened = new BrowserWindow(windowOptions(files.preloadFile, pageSession));
    confine(opened.webContents);
    opened.removeMenu();
    opened.on('close', (event) => {
      if (closing) return;
      event.preventDefault();
      opened.hide();
    });
    opened.on('closed', () => (window = undefined));
    opened.once('ready-to-show', () => opened.show());
    opened.webContents.on('render-process-gone', () => opened.destroy());
    void opened.loadURL(`${pageOrigin}/index.html`);
    return opened;
  };

  return {
    show() {
      if (window === undefined) {
        window = open();
        return;
      }
      if (window.isMinimized()) window.restore();
      window.show();
      window.focus();
    },
    send(name, value) {
      window?.webContents.send(eventChannel(name), value);
    },
    owns: (id) => window !== undefined && window.webContents.id === id,
    close() {
      closing = true;
      window?.destroy();
    },
  };
}

function windowOptions(
  preload: string,
  pageSession: Electron.Session,
): Electron.BrowserWindowConstructorOptions {
  return {
    width: 960,
    height: 640,
    minWidth: 640,
    minHeight: 480,
    show: false,
    title: 'Latchkey',
    autoHideMenuBar: true,
    backgroundColor: nativeTheme.shouldUseDarkColors ? '#16181d' : '#ffffff',
    icon: nativeImage.createFromDataURL(appIcon),
    webPreferences: {
      preload,
      session: pageSession,
      sandbox: true,
      contextIsolation: true,
      nodeIntegration: false,
      nodeIntegrationInWorker: false,
      webviewTag: false,
      spellcheck: false,
      navigateOnDragDrop: false,
      disableDialogs: true,
    },
  };
}
