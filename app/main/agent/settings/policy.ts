import { closeSync, constants, fstatSync, lstatSync, openSync, readFileSync } from 'node:fs';
import { repeatedMember } from './repeated-member.ts';
import { isObject } from './schema.ts';
import { badRepeat } from './setting-fault.ts';

/** A settings or policy file as read; faults name the file and say what to do. */
export interface SettingsFile {
  readonly path: string;
  readonly values: Readonly<Record<string, unknown>>;
  readonly faults: readonly string[];
  /** There is such a file, and nobody can know what it was meant to say. */
  readonly isBroken: boolean;
  /** As `stat` tells; absent when it could not be opened. */
  readonly mode?: number;
}

const LARGEST_BYTES = 1024 * 1024;

/**
 * Reads a JSON file of settings.
 *
 * @param path absolute path
 * @returns its members, or `undefined` when there is no such file; one that is there and cannot be read as an
 *   object, or that sets a member twice, is broken, and a fault
 */
export function readSettingsFile(path: string): SettingsFile | undefined {
  let file: number;
  try {
    // Opening a pipe would wait for its writer.
    file = openSync(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  } catch (error) {
    return isMissing(error) && !isLink(path) ? undefined : broken(path, unreadable(error));
  }
  try {
    return readOpened(file, path);
  } catch (error) {
    return broken(path, unreadable(error));
  } finally {
    closeSync(file);
  }
}

function readOpened(file: number, path: string): SettingsFile {
  const stats = fstatSync(file);
  if (!stats.isFile()) return broken(path, 'is not a file');
  if (stats.size > LARGEST_BYTES) return broken(path, `is larger than ${LARGEST_BYTES} bytes`);
  const text = readFileSync(file, 'utf8').replace(/^\uFEFF/, '');
  const values = parsed(text);
  if (!isObject(values)) return broken(path, 'is not a JSON object');
  const repeated = repeatedMember(text, values);
  if (repeated) return broken(path, badRepeat(repeated));
  return { path, values, faults: [], isBroken: false, mode: stats.mode };
}

/** Without the parser's words: they quote the file. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function broken(path: string, what: string): SettingsFile {
  const fault = `${path}: ${what}; until that is corrected, the safer value of every setting that has one holds`;
  return { path, values: {}, faults: [fault], isBroken: true };
}

function unreadable(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
  return `cannot be read (${code})`;
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
    const problem = unprotected(system);
    return problem ? { ...system, faults: [...system.faults, problem] } : system;
  }
  const named = env['LATCHKEY_POLICY_FILE'];
  if (!named) return undefined;
  const faults = [`${named}: there is no such policy file`];
  return readSettingsFile(named) ?? { path: named, values: {}, faults, isBroken: false };
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

function unprotected({ path, mode = 0 }: SettingsFile): string | undefined {
  if (process.platform === 'win32') return undefined;
  const loose = (mode & 0o022) !== 0;
  return loose ? `${path}: others may write it; make it writable by root only` : undefined;
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}

/** A link that leads nowhere is there: somebody meant a file to be. */
function isLink(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
}
