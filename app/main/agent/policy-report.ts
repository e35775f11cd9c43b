import type { PolicyReport } from './control/target.ts';
import { maskProxy } from './network/proxy-setting.ts';
import type { EffectiveSetting, Settings } from './settings/settings.ts';

/** A proxy's password is nobody's to see. */
function masked(setting: EffectiveSetting): EffectiveSetting {
  const { key, value } = setting;
  return key === 'network.proxy' && typeof value === 'string'
    ? { ...setting, value: maskProxy(value) }
    : setting;
}

/**
 * Tells which settings hold, and who made them.
 *
 * @param settings the user's under IT's policy
 * @returns what may be shown
 */
export function policyReport(settings: Settings): PolicyReport {
  return { settings: settings.effective().map(masked), faults: settings.faults };
}
