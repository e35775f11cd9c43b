import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isObject } from './schema.ts';
import { writePrivateFile } from '../private-file.ts';

/** Where profiles keep their session and audit. */
export interface ProfileDirs {
  /** The one that has the data directory itself. */
  readonly root: string | undefined;
  /** @returns an absolute path; nothing is created */
  dirOf(profile: string): string;
}

const recordOf = (dataDir: string): string => join(dataDir, 'profile.json');
const ownDir = (dataDir: string, profile: string): string => join(dataDir, 'profiles', profile);

/**
 * Tells which profile has which directory. Whoever had the data directory before there were several
 * keeps it, so that a relay can be added and removed without anybody's session or audit being lost.
 *
 * @param dataDir absolute path
 * @param profiles all that are set up, by name
 * @returns the directories
 */
export function profileDirs(dataDir: string, profiles: readonly string[]): ProfileDirs {
  const recorded = readRoot(dataDir);
  const root =
    profiles.find((profile) => profile === recorded) ??
    profiles.find((profile) => !existsSync(ownDir(dataDir, profile)));
  return {
    root,
    dirOf: (profile) => (profile === root ? dataDir : ownDir(dataDir, profile)),
  };
}

/**
 * Writes down which profile has the data directory itself.
 *
 * @param dataDir absolute path
 * @param root the profile
 */
export function keepRoot(dataDir: string, root: string): void {
  if (readRoot(dataDir) !== root) {
    writePrivateFile(recordOf(dataDir), `${JSON.stringify({ root })}\n`);
  }
}

/** A record that cannot be read is none: what lies in the directories decides. */
function readRoot(dataDir: string): string | undefined {
  try {
    const record: unknown = JSON.parse(readFileSync(recordOf(dataDir), 'utf8'));
    return isObject(record) && typeof record['root'] === 'string' ? record['root'] : undefined;
  } catch {
    return undefined;
  }
}
