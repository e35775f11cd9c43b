import type { SettingKey, SettingValue } from './schema.ts';
import type { SettingsFile } from './policy.ts';
import { join } from 'node:path';
import { AgentError } from '../errors.ts';
import { readPolicy, readSettingsFile, systemPolicyPath } from './policy.ts';
import { writePrivateFile } from '../private-file.ts';
import { nameRelays } from './relays.ts';
import {
  flatten,
  hasSaferValue,
  isGroup,
  keys,
  policyOnly,
  saferValue,
  withoutEffect,
} from './schema.ts';
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
  /**
   * The first of the faults that everybody who uses this computer must know of: a file of which nothing can be known,
   * or something in IT's policy that a safer value stands in for.
   */
  readonly graveFault?: string;
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
  const faults = [...fileFaults(policy), ...fileFaults(user)];
  const layers = [layer(policy, 'policy', faults), layer(user, 'user', faults)];
  const effective = new Map<SettingKey, EffectiveSetting>();
  for (const key of settingKeys) effective.set(key, resolve(key, layers, faults));
  faults.push(...relayFaults(effective.get('relays')));
  const grave = faults.find(({ isGrave }) => isGrave)?.words;
  return {
    get: <K extends SettingKey>(key: K) => effective.get(key)?.value as SettingValue<K>,
    effective: () => [...effective.values()],
    faults: faults.map(({ words }) => words),
    ...(grave !== undefined && { graveFault: grave }),
  };
}

/**
 * Writes user settings: the given members replace those of the same name, the others stay.
 *
 * @param dataDir the data directory
 * @param changes members as in settings.json: `{relays: [...], signIn: {auto: false}}`
 * @throws {AgentError} `bad_settings` when the file is there and cannot be read: what it was meant to say would be lost
 */
export function saveSettings(dataDir: string, changes: Readonly<Record<string, unknown>>): void {
  const path = settingsPath(dataDir);
  const held = readSettingsFile(path);
  if (held?.isBroken === true) {
    throw new AgentError(
      'bad_settings',
      `${path} cannot be read, and saving would lose what it holds. Correct or remove it first.`,
    );
  }
  const text = JSON.stringify({ ...held?.values, ...changes }, undefined, 2);
  writePrivateFile(path, `${text}\n`);
}

interface Told {
  readonly words: string;
  readonly isGrave: boolean;
}

function fileFaults(file: SettingsFile | undefined): Told[] {
  return (file?.faults ?? []).map((words) => ({ words, isGrave: file?.isBroken === true }));
}

function relayFaults(relays: EffectiveSetting | undefined): readonly Told[] {
  if (relays?.file === undefined) return [];
  const { faults } = nameRelays(relays.value as SettingValue<'relays'>);
  return faults.map((fault) => ({ words: `${relays.file}: ${fault}`, isGrave: false }));
}

const settingKeys = Object.keys(keys) as SettingKey[];

interface Layer {
  readonly source: 'policy' | 'user';
  readonly path: string;
  readonly values: ReadonlyMap<string, unknown>;
  readonly isBroken: boolean;
}

function settingsPath(dataDir: string): string {
  return join(dataDir, 'settings.json');
}

function layer(
  file: SettingsFile | undefined,
  source: Layer['source'],
  faults: Told[],
): Layer | undefined {
  if (!file) return undefined;
  const { path, isBroken } = file;
  const values = flatten(file.values);
  for (const [name, value] of values) {
    if (isGroup(name)) {
      faults.push({ words: `${path}: ${badGroup(name, value)}`, isGrave: source === 'policy' });
    } else if (!Object.hasOwn(keys, name)) {
      const words = `${path}: ${name}: is not a setting; it has no effect`;
      faults.push({ words, isGrave: false });
    }
  }
  return { source, path, values, isBroken };
}

/** The file, or the section that the key belongs to, cannot be understood; that is told already. */
function isUnknowable(key: SettingKey, { isBroken, values }: Layer): boolean {
  const [group = key, member] = key.split('.');
  return (isBroken && hasSaferValue(key)) || (member !== undefined && values.has(group));
}

/** A bad policy still locks: falling through to the user's value would undo what IT wanted. */
function replaced(key: SettingKey, { path, source }: Layer): EffectiveSetting {
  const locked = source === 'policy';
  return { key, value: saferValue(key), source: 'fallback', file: path, locked };
}

function resolve(
  key: SettingKey,
  layers: readonly (Layer | undefined)[],
  faults: Told[],
): EffectiveSetting {
  for (const from of layers) {
    if (from === undefined) continue;
    const tell = (what: string, isGrave = false): void =>
      void faults.push({ words: `${from.path}: ${what}`, isGrave });
    if (isUnknowable(key, from)) return replaced(key, from);
    if (!from.values.has(key)) continue;
    if (policyOnly.has(key) && from.source === 'user') {
      tell(`${key}: only IT's policy can set it; it has no effect here`);
      continue;
    }
    const raw = from.values.get(key);
    const result = keys[key].schema.safeParse(raw);
    const locked = from.source === 'policy';
    if (withoutEffect.has(key)) tell(`${key}: has no effect in this version of Latchkey`);
    if (result.success) {
      return { key, value: result.data, source: from.source, file: from.path, locked };
    }
    tell(badValue(key, raw, result.error.issues[0], saferValue(key)), locked);
    return replaced(key, from);
  }
  return { key, value: keys[key].fallback, source: 'default', locked: false };
}
