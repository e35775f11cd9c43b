import { readFileSync, statSync } from 'node:fs';
import { isObject } from './schema.ts';

/** A settings or policy file as read; faults name the file and say what to do. */
export interface SettingsFile {
  readonly path: string;
  readonly values: Readonly<Record<string, unknown>>;
  readonly faults: readonly string[];
}

/**
 * Reads a JSON file of settings.
 *
 * @param path absolute path
 * @returns its members, or `undefined` when there is no such file; an unreadable one is a fault
 */
export function readSettingsFile(path: string): SettingsFile | undefined {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if (isMissing(error)) return undefined;
    return { path, values: {}, faults: [`${path}: cannot be read; none of its settings apply`] };
  }
  try {
    const values: unknown = JSON.parse(text.replace(/^\uFEFF/, ''));
    if (isObject(values)) return { path, values, faults: [] };
  } catch {
    // Told below, without the parser's words: they quote the file.
  }
  return {
    path,
    values: {},
    faults: [`${path}: is not a JSON object; none of its settings apply`],
  };
}

/**
 * Reads what the administrators of this computer have set. Their system file wins; a file named by
 * the environment counts only where there is no system file, for a user must not be able to escape it.
 *
 * @param env `LATCHKEY_POLICY_FILE`, `ProgramData`
 * @param systemPath where the system's policy lies, see {@link systemPolicyPath}
 * @returns the policy, or `undefined` when nothing is set
 */
export function readPolicy(
  env: Readonly<Record<string, string | undefined>>,
  systemPath: string,
): SettingsFile | undefined {
  const system = readSettingsFile(systemPath);
  if (system) {
    const problem = unprotected(systemPath);
    return problem ? { ...system, faults: [...system.faults, problem] } : system;
  }
  const named = env['LATCHKEY_POLICY_FILE'];
  if (!named) return undefined;
  const missing = { path: named, values: {}, faults: [`${named}: there is no such policy file`] };
  return readSettingsFile(named) ?? missing;
}

/**
 * Tells where IT's policy lies on this system.
 *
 * @param env `ProgramData`
 * @param platform as `process.platform`
 * @returns an absolute path
 */
export function systemPolicyPath(
  env: Readonly<Record<string, string | undefined>>,
  platform: NodeJS.Platform,
): string {
  if (platform === 'win32')
    return `${env['ProgramData'] ?? 'C:\\ProgramData'}\\Latchkey\\policy.json`;
  if (platform === 'darwin') return '/Library/Application Support/Latchkey/policy.json';
  return '/etc/latchkey/policy.json';
}

function unprotected(path: string): string | undefined {
  if (process.platform === 'win32') return undefined;
  const { mode } = statSync(path);
  const loose = (mode & 0o022) !== 0;
  return loose ? `${path}: others may write it; make it writable by root only` : undefined;
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}
