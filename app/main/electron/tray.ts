import { Menu, Tray } from 'electron';
import type { MenuItemConstructorOptions } from 'electron';
import type { AgentSnapshot } from '../agent/status.ts';
import { trayIcon } from './tray-icons.ts';
import { trayMenu, trayTooltip, worstStatus } from './tray-menu.ts';
import type { TrayAction, TrayEntry } from './tray-menu.ts';

/** The icon beside the clock. */
export interface TrayIcon {
  update(snapshot: AgentSnapshot): void;
  close(): void;
}

/**
 * Shows the tray icon.
 *
 * @param snapshot the state to begin with
 * @param act is called for each click
 * @returns redraws it
 */
export function createTray(snapshot: AgentSnapshot, act: (action: TrayAction) => void): TrayIcon {
  const tray = new Tray(trayIcon(worstStatus(snapshot), process.platform));
  tray.on('click', () => act({ kind: 'open' }));
  const update = (next: AgentSnapshot): void => {
    tray.setImage(trayIcon(worstStatus(next), process.platform));
    tray.setToolTip(trayTooltip(next));
    // Linux shows a changed menu only once it has been set again.
    tray.setContextMenu(Menu.buildFromTemplate(trayMenu(next).map((entry) => line(entry, act))));
  };
  update(snapshot);
  return { update, close: () => tray.destroy() };
}

function line(entry: TrayEntry, act: (action: TrayAction) => void): MenuItemConstructorOptions {
  if (entry.kind === 'separator') return { type: 'separator' };
  const label = literal(entry.label);
  if (entry.kind === 'text') return { label, enabled: false };
  if (entry.kind === 'item') return { label, click: () => act(entry.action) };
  return { label, submenu: entry.entries.map((child) => line(child, act)) };
}

/** An ampersand in a label would underline the next letter; two are shown as one. */
const literal = (label: string): string =>
  process.platform === 'darwin' ? label : label.replaceAll('&', '&&');
