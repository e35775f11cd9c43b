import { AgentError } from './agent/errors.ts';
import type { Settings } from './agent/settings/settings.ts';
import type { Autostart, AutostartState } from './electron/autostart.ts';

/** Whether Latchkey starts at login, for the window. */
export interface StartAtLoginView {
  readonly isOn: boolean;
  /** Why that is not what the settings say, and what to do. */
  readonly note?: string;
}

/** The setting `launchAtLogin`, made true. */
export interface StartAtLogin {
  /** Brings the system in line with the settings, as far as the person has not decided otherwise; never throws. */
  settle(): void;
  /** The person has just saved the setting: that counts more than what was done elsewhere before; never throws. */
  saved(): void;
  view(): StartAtLoginView;
}

/** What it needs of the outside. */
export interface StartAtLoginDeps {
  /** Reads them as they hold now. */
  settings(): Settings;
  readonly autostart: Autostart;
  /** Gets what the log should hold. */
  onFault(error: unknown): void;
}

/**
 * Makes the setting `launchAtLogin` true.
 *
 * @param deps settings and system
 * @returns what to call when; nothing is changed yet
 */
export function createStartAtLogin({
  settings,
  autostart,
  onFault,
}: StartAtLoginDeps): StartAtLogin {
  let fault: string | undefined;

  const attempt = (step: () => void): void => {
    try {
      fault = undefined;
      step();
    } catch (error) {
      fault = reason(error);
      onFault(error);
    }
  };
  const apply = (isWanted: boolean): void => (isWanted ? autostart.enable() : autostart.disable());

  return {
    settle: () =>
      attempt(() => {
        const held = settings();
        const isWanted = held.get('launchAtLogin');
        if (isDue(autostart.read(), isWanted, isLocked(held))) apply(isWanted);
      }),
    saved: () => attempt(() => apply(settings().get('launchAtLogin'))),
    view() {
      const isWanted = settings().get('launchAtLogin');
      try {
        const state = autostart.read();
        if (fault === undefined) return viewOf(state, isWanted);
        return { isOn: state.kind === 'on', note: notApplied(fault) };
      } catch (error) {
        onFault(error);
        return { isOn: false, note: notApplied(reason(error)) };
      }
    },
  };
}

const notApplied = (why: string): string => `Could not be applied: ${why}`;

const reason = (error: unknown): string =>
  error instanceof AgentError ? error.message : 'the log says why.';

/** IT's policy wins over what a person did to the entry; a person's own setting does not. */
function isDue(state: AutostartState, isWanted: boolean, isLocked: boolean): boolean {
  switch (state.kind) {
    case 'off':
      return isWanted;
    case 'on':
      return !isWanted;
    case 'moved':
      return true;
    case 'disabled':
      return isWanted && isLocked;
    case 'foreign':
      return false;
    default:
      return state satisfies never;
  }
}

function viewOf(state: AutostartState, isWanted: boolean): StartAtLoginView {
  switch (state.kind) {
    case 'on':
      return { isOn: true };
    case 'disabled':
      return isWanted
        ? { isOn: false, note: `Switched off in ${state.where}. Switch it on here to undo that.` }
        : { isOn: false };
    case 'foreign':
      return {
        isOn: false,
        note: `${state.where} is not from this Latchkey and may start one. Switching it on here replaces it.`,
      };
    case 'off':
    case 'moved':
      return isWanted
        ? { isOn: false, note: 'The entry was removed. It comes back when Latchkey starts again.' }
        : { isOn: false };
    default:
      return state satisfies never;
  }
}

const isLocked = (settings: Settings): boolean =>
  settings.effective().some(({ key, locked }) => key === 'launchAtLogin' && locked);
