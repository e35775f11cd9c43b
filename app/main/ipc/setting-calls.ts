import { AgentError } from '../agent/errors.ts';
import { helpAddress } from '../agent/settings/help-address.ts';
import { managedBy } from '../agent/settings/managed-by.ts';
import type { Settings } from '../agent/settings/settings.ts';
import type { StartAtLoginView } from '../start-at-login.ts';
import type { CallsOf } from './contract.ts';
import type { EditableKey, SettingInput } from './setting-views.ts';
import { settingsView } from './settings-view.ts';

/** What calls about settings need of the outside. */
export interface SettingDeps {
  readonly dataDir: string;
  /** Reads them as they hold now. */
  settings(): Settings;
  /** Whether the system starts Latchkey at login, whatever the settings say. */
  startAtLogin(): StartAtLoginView;
  /** Saves one and puts it into effect. */
  saveSetting(key: EditableKey, value: SettingInput): Promise<unknown>;
  /** Opens a page or a new mail. */
  openHelp(address: string): Promise<void>;
}

/**
 * Makes the calls about settings.
 *
 * @param deps how to read and save them
 * @returns the calls by name
 */
export function settingCalls(deps: SettingDeps): CallsOf<'settings' | 'saveSetting' | 'openHelp'> {
  const view = () => settingsView(deps.dataDir, deps.settings(), deps.startAtLogin());
  return {
    settings: view,
    async saveSetting(key, value) {
      await deps.saveSetting(key, value);
      return view();
    },
    async openHelp() {
      const address = helpAddress(managedBy(deps.settings())?.help ?? '');
      if (address === undefined) {
        throw new AgentError('bad_usage', 'Policy names no address for help.');
      }
      await deps.openHelp(address);
      return null;
    },
  };
}
