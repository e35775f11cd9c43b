import type { Settings } from '../agent/settings/settings.ts';
import type { CallsOf, EditableKey, SettingInput } from './contract.ts';
import { settingsView } from './settings-view.ts';

/** What calls about settings need of the outside. */
export interface SettingDeps {
  readonly dataDir: string;
  /** Reads them as they hold now. */
  settings(): Settings;
  /** Saves one and starts the agent again with it. */
  saveSetting(key: EditableKey, value: SettingInput): Promise<unknown>;
}

/**
 * Makes the calls about settings.
 *
 * @param deps how to read and save them
 * @returns the calls by name
 */
export function settingCalls(deps: SettingDeps): CallsOf<'settings' | 'saveSetting'> {
  const view = () => settingsView(deps.dataDir, deps.settings());
  return {
    settings: view,
    async saveSetting(key, value) {
      await deps.saveSetting(key, value);
      return view();
    },
  };
}
