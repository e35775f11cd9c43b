import type { SettingKey, SettingValue } from './schema.ts';
import type { SettingsFile } from './policy.ts';
import { join } from 'node:path';
import { readPolicy, readSettingsFile, systemPolicyPath } from './policy.ts';
import { writePrivateFile } from '../private-file.ts';
import { nameRelays } from './relays.ts';
import { flatten, isGroup, keys, policyOnly, saferWhenBad, withoutEffect } from './schema.ts';
import { badGroup, badValue } from './setting-fault.ts';

/** Who decided a setting. */
export type SettingSource = 'policy' | 'user' | 'default' | 'fallback';

/** One setting as it holds now. */
export interface EffectiveSetting {
  readonly key: SettingKey;
  readonly value: unknown;
  readonly source: SettingSource;
  /** The file that set it, for `policy` and `user`. */
  readonly file?: string;
  /** Set by IT: the person can't change it. */
  readonly locked: boolean;
}

/** The user's settings under IT's policy. */
export interface Settings {
  get<K extends SettingKey>(key: K): SettingValue<K>;
  /** Each setting with its source, for `latchkey policy` and the window. */
  effective(): readonly EffectiveSetting[];
  /** What is wrong in the files, and which value holds instead. */
  readonly faults: readonly string[];
}

/** Where settings come from; everything but `dataDir` has a default. */
export interface SettingsOptions {
  readonly dataDir: string;
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly platform?: NodeJS.Platform;
  /** Replaces the system's policy path, for tests. */
  readonly systemPolicyPath?: string;
}

/**
 * Reads settings and policy; a bad value never stops the app, it is replaced by the safer one.
 *
 * @param options data directory and environment
 * @returns the settings as they hold now
 */
export function loadSettings(options: SettingsOptions): Settings {
  const env = options.env ?? process.env;
  const platform = options.platform ?? process.platform;
  const policy = readPolicy(env, options.systemPolicyPath ?? systemPolicyPath(env, platform));
  const user = readSettingsFile(settingsPath(options.dataDir));
  const faults = [...(policy?.faults ?? []), ...(user?.faults ?? [])];
  const layers = [layer(policy, 'policy', faults), layer(user, 'user', faults)];
  const effective = new Map<SettingKey, EffectiveSetting>();
  for (const key of settingKeys) effective.set(key, resolve(key, layers, faults));
  faults.push(...relayFaults(effective.get('relays')));
  return {
    get: <K extends SettingKey>(key: K) => effective.get(key)?.value as SettingValue<K>,
    effective: () => [...effective.values()],
    faults,
  };
}

/**
 * Writes user settings: the given members replace those of the same name, the others stay.
 *
 * @param dataDir the data directory
 * @param changes members as in settings.json: `{relays: [...], signIn: {auto: false}}`
 */
export function saveSettings(dataDir: string, changes: Readonly<Record<string, unknown>>): void {
  const path = settingsPath(dataDir);
  const text = JSON.stringify({ ...readSettingsFile(path)?.values, ...changes }, undefined, 2);
  writePrivateFile(path, `${text}\n`);
}

function relayFaults(relays: EffectiveSetting | undefined): readonly string[] {
  if (relays?.file === undefined) return [];
  const { faults } = nameRelays(relays.value as SettingValue<'relays'>);
  return faults.map((fault) => `${relays.file}: ${fault}`);
}

const settingKeys = Object.keys(keys) as SettingKey[];

interface Layer {
  readonly source: 'policy' | 'user';
  readonly path: string;
  readonly values: ReadonlyMap<string, unknown>;
}

function settingsPath(dataDir: string): string {
  return join(dataDir, 'settings.json');
}

function layer(
  file: SettingsFile | undefined,
  source: Layer['source'],
  faults: string[],
): Layer | undefined {
  if (!file) return undefined;
  const values = flatten(file.values);
  for (const [name, value] of values) {
    if (isGroup(name)) faults.push(`${file.path}: ${badGroup(name, value)}`);
    else if (!Object.hasOwn(keys, name)) {
      faults.push(`${file.path}: ${name}: is not a setting; it has no effect`);
    }
  }
  return { source, path: file.path, values };
}

function resolve(
  key: SettingKey,
  layers: readonly (Layer | undefined)[],
  faults: string[],
): EffectiveSetting {
  for (const from of layers) {
    if (!from?.values.has(key)) continue;
    if (policyOnly.has(key) && from.source === 'user') {
      faults.push(`${from.path}: ${key}: only IT's policy can set it; it has no effect here`);
      continue;
    }
    const raw = from.values.get(key);
    const result = keys[key].schema.safeParse(raw);
    const locked = from.source === 'policy';
    if (withoutEffect.has(key)) {
      faults.push(`${from.path}: ${key}: has no effect in this version of Latchkey`);
    }
    if (result.success) {
      return { key, value: result.data, source: from.source, file: from.path, locked };
    }
    // A bad policy still locks: falling through to the user's value would undo what IT wanted.
    const value = saferWhenBad[key] ?? keys[key].fallback;
    faults.push(`${from.path}: ${badValue(key, raw, result.error.issues[0], value)}`);
    return { key, value, source: 'fallback', file: from.path, locked };
  }
  return { key, value: keys[key].fallback, source: 'default', locked: false };
}
