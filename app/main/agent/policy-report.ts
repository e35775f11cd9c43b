import type { PolicyReport } from './control/target.ts';
import { maskProxy } from './network/proxy-setting.ts';
import { managedBy } from './settings/managed-by.ts';
import type { EffectiveSetting, Settings } from './settings/settings.ts';

/** A proxy's password is nobody's to see. */
function masked(setting: EffectiveSetting): EffectiveSetting {
  const { key, value } = setting;
  return key === 'network.proxy' && typeof value === 'string'
    ? { ...setting, value: maskProxy(value) }
    : setting;
}

/**
 * Tells which settings hold, who made them, and who manages this computer.
 *
 * @param settings the user's under IT's policy
 * @returns what may be shown
 */
export function policyReport(settings: Settings): PolicyReport {
  const manager = managedBy(settings);
  return {
    ...(manager !== undefined && { managedBy: manager }),
    settings: settings.effective().map(masked),
    faults: settings.faults,
  };
}
