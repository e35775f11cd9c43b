import { join } from 'node:path';
import { policyReport } from '../agent/policy-report.ts';
import { helpAddress } from '../agent/settings/help-address.ts';
import type { ManagedBy } from '../agent/settings/managed-by.ts';
import { isObject, withoutEffect } from '../agent/settings/schema.ts';
import type { EffectiveSetting, Settings } from '../agent/settings/settings.ts';
import { maskSetting } from '../doctor/mask.ts';
import type { StartAtLoginView } from '../start-at-login.ts';
import { editableKeys } from './setting-views.ts';
import type {
  EditableKey,
  ManagedByView,
  SettingForm,
  SettingView,
  SettingsView,
} from './setting-views.ts';
import { allowedWords, editable } from './editable-settings.ts';

/**
 * What the window gets to see of the settings.
 *
 * @param dataDir where settings.json lies
 * @param settings as they hold
 * @param startAtLogin what the system does, which the setting alone does not tell
 * @returns each setting in words; names and passwords within addresses are hidden
 */
export function settingsView(
  dataDir: string,
  settings: Settings,
  startAtLogin: StartAtLoginView,
): SettingsView {
  const report = policyReport(settings);
  return {
    ...(report.managedBy !== undefined && { managedBy: managerView(report.managedBy) }),
    settings: report.settings.map((setting) => viewOf(setting, startAtLogin)),
    faults: report.faults,
    file: join(dataDir, 'settings.json'),
  };
}

function managerView({ name, help }: ManagedBy): ManagedByView {
  return {
    ...(name !== undefined && { name }),
    ...(help !== undefined && { help, opens: helpAddress(help) !== undefined }),
  };
}

function viewOf(setting: EffectiveSetting, startAtLogin: StartAtLoginView): SettingView {
  switch (setting.key) {
    case 'launchAtLogin':
      return startView(setting, startAtLogin);
    case 'managedBy.help':
      // An address for people to open: its query is part of it, and it carries no password.
      return settingView(setting);
    default:
      return settingView(maskSetting(setting, { query: true }));
  }
}

function startView(setting: EffectiveSetting, { isOn, note }: StartAtLoginView): SettingView {
  return { ...settingView({ ...setting, value: isOn }), ...(note !== undefined && { note }) };
}

function settingView(setting: EffectiveSetting): SettingView {
  const { key, value, source, file, locked } = setting;
  const form = locked || !isEditable(key) ? undefined : filled(key, value);
  return {
    key,
    lines: linesOf(value),
    source,
    locked,
    hasEffect: !withoutEffect.has(key),
    ...(file === undefined ? {} : { file }),
    ...(form === undefined || !isEditable(key)
      ? {}
      : { edit: { key, allowed: allowedWords(key), restarts: editable[key].restarts, form } }),
  };
}

const isEditable = (key: string): key is EditableKey =>
  (editableKeys as readonly string[]).includes(key);

function filled(key: EditableKey, value: unknown): SettingForm {
  const { form } = editable[key];
  switch (form.kind) {
    case 'switch':
      return { ...form, value: value === true };
    case 'number':
      return { ...form, value: Number(value) };
    case 'list':
      return { ...form, value: Array.isArray(value) ? value.map(plain) : [] };
    case 'choice':
    case 'text':
      return { ...form, value: value === undefined ? '' : plain(value) };
    default:
      return form satisfies never;
  }
}

function linesOf(value: unknown): readonly string[] {
  if (value === undefined) return [];
  if (typeof value === 'boolean') return [value ? 'on' : 'off'];
  if (Array.isArray(value)) return value.map(lineOf);
  if (isObject(value))
    return Object.entries(value).map(([name, held]) => `${name}: ${lineOf(held)}`);
  return [plain(value)];
}

/** `{name: 'Acme', url: 'https://…'}` is `Acme https://…`. */
function lineOf(value: unknown): string {
  return isObject(value) ? Object.entries(value).map(member).join(' ') : plain(value);
}

const member = ([name, value]: readonly [string, unknown]): string =>
  name === 'port' ? `port ${plain(value)}` : plain(value);

const plain = (value: unknown): string =>
  typeof value === 'string' ? value : JSON.stringify(value);
