import { AgentError } from '../agent/errors.ts';
import type { Autostart } from './autostart.ts';

/** What Electron tells of the system's list, as far as it counts here. */
export interface LoginItemState {
  readonly openAtLogin: boolean;
  /** macOS */
  readonly status?: string;
  /** Windows: false where the person has switched it off in Task Manager or Settings. */
  readonly executableWillLaunchAtLogin?: boolean;
}

/** Electron's view of the system's list. */
export interface LoginItems {
  get(args: readonly string[]): LoginItemState;
  set(openAtLogin: boolean, args: readonly string[]): void;
}

/** Where a person finds the switch. */
const places = {
  darwin: 'System Settings → General → Login Items',
  win32: 'Settings → Apps → Startup',
} as const;

/**
 * Starts programs at login as macOS and Windows do. Not run on those systems yet.
 *
 * @param items the system's list
 * @param platform which system
 * @param args what Windows hands to the program; macOS hands over nothing
 * @returns the autostart; nothing is changed yet
 */
export function createLoginItems(
  items: LoginItems,
  platform: keyof typeof places,
  args: readonly string[],
): Autostart {
  const where = places[platform];
  const read: Autostart['read'] = () => {
    const { openAtLogin, status, executableWillLaunchAtLogin } = items.get(args);
    if (platform === 'darwin' && status === 'requires-approval') return { kind: 'disabled', where };
    if (!openAtLogin) return { kind: 'off' };
    const isDisabled = platform === 'win32' && executableWillLaunchAtLogin === false;
    return isDisabled ? { kind: 'disabled', where } : { kind: 'on' };
  };
  const change = (openAtLogin: boolean): void => {
    items.set(openAtLogin, args);
    // Electron reports no failure: what holds now is the only answer.
    const isOn = read().kind === 'on';
    if (isOn === openAtLogin) return;
    throw new AgentError('bad_settings', `The system did not accept it. Look at ${where}.`);
  };
  return { read, enable: () => change(true), disable: () => change(false) };
}

/**
 * Stands in where there is no way to start this Latchkey at login.
 *
 * @param why for people, with what to do
 * @returns an autostart that is off
 */
export function createNoAutostart(why: string): Autostart {
  return {
    read: () => ({ kind: 'off' }),
    enable() {
      throw new AgentError('bad_settings', why);
    },
    disable: () => undefined,
  };
}
