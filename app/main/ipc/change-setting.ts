import { join } from 'node:path';
import { AgentError } from '../agent/errors.ts';
import { parseProxySetting } from '../agent/network/proxy-setting.ts';
import { readSettingsFile } from '../agent/settings/policy.ts';
import { isObject, keys } from '../agent/settings/schema.ts';
import { saveSettings } from '../agent/settings/settings.ts';
import type { Settings } from '../agent/settings/settings.ts';
import { askWords, managerWords } from '../manager-words.ts';
import type { EditableKey, SettingInput } from './setting-views.ts';
import { allowedWords } from './editable-settings.ts';

/** What is written into settings.json. */
type Members = Readonly<Record<string, unknown>>;

/**
 * Saves one setting of the person's own.
 *
 * @param dataDir where settings.json lies
 * @param settings as they hold now: what IT has set stays
 * @param key which one
 * @param value the new one; `null` takes the person's own away, so that the default holds
 * @throws {AgentError} `bad_settings` when IT has set it, when the value is not allowed, or when the file cannot be
 *   read or written; nothing is changed then
 */
export function changeSetting(
  dataDir: string,
  settings: Settings,
  key: EditableKey,
  value: SettingInput,
): void {
  const locked = settings.effective().find((setting) => setting.key === key && setting.locked);
  if (locked !== undefined) {
    const who = `${managerWords(settings)}${inFile(locked.file)}`;
    throw refused(`${key}: is set by ${who}; ${askWords(settings)}.`);
  }
  if (value !== null) checkValue(key, value);
  const path = join(dataDir, 'settings.json');
  const file = readSettingsFile(path);
  try {
    saveSettings(dataDir, changes(file?.values ?? {}, key, value));
  } catch (error) {
    if (error instanceof AgentError) throw error;
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
    const detail = `${path} cannot be written (${code}). Check the disk and who may write it.`;
    throw new AgentError('bad_settings', detail, { cause: error });
  }
}

function checkValue(key: EditableKey, value: Exclude<SettingInput, null>): void {
  if (key === 'network.proxy' && typeof value === 'string' && value.includes('***')) {
    throw refused(`${key}: name and password are hidden here. Type the whole address anew.`);
  }
  if (!keys[key].schema.safeParse(value).success) {
    throw refused(`${key}: must be ${allowedWords(key)}.`);
  }
  if (key !== 'network.proxy') return;
  try {
    parseProxySetting(String(value));
  } catch (error) {
    const why = error instanceof Error ? error.message : `${key}: must be ${allowedWords(key)}`;
    throw new AgentError('bad_settings', `${why}.`, { cause: error });
  }
}

/** `signIn.auto` changes one member of `signIn` and keeps the others. */
function changes(values: Members, key: EditableKey, value: SettingInput): Members {
  // `undefined` is left out of the file.
  const written = value ?? undefined;
  const [group = key, member] = key.split('.');
  if (member === undefined) return { [group]: written };
  const held = values[group];
  const next = { ...(isObject(held) ? held : {}), [member]: written };
  const isEmpty = Object.values(next).every((one) => one === undefined);
  return { [group]: isEmpty ? undefined : next };
}

const inFile = (file: string | undefined): string => (file === undefined ? '' : ` in ${file}`);

const refused = (detail: string): AgentError => new AgentError('bad_settings', detail);
