import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Configuration, FileSet } from 'electron-builder';
import { parse } from 'yaml';

/** An unpacked Electron for test builds, and the native modules that fit it. */
export interface TestRuntime {
  readonly version: string;
  readonly dist: string;
  /** Folder with better-sqlite3 and what it needs; without one the project's own is packaged. */
  readonly native?: string;
}

/** What a test build's file names carry, so that nobody takes one for a release. */
export const testMark = 'TEST-ONLY';

/**
 * Reads electron-builder.yml.
 *
 * @param projectDir the repository
 * @returns the configuration of a release
 */
export async function releaseConfig(projectDir: string): Promise<Configuration> {
  const text = await readFile(join(projectDir, 'electron-builder.yml'), 'utf8');
  return parse(text) as Configuration;
}

/**
 * Turns the release's configuration into one for a test build on this machine's own Electron:
 * same files, asar, fuses and package data; nothing signed, nothing published.
 *
 * @param release what {@link releaseConfig} gave
 * @param runtime the Electron to package
 * @returns the changed configuration
 */
export function testConfig(release: Configuration, runtime: TestRuntime): Configuration {
  const { native } = runtime;
  const substituted: Configuration =
    native === undefined
      ? release
      : {
          ...release,
          files: [...entries(release.files).filter(isNotSqlite), ...nativeSets(native)],
          linux: {
            ...release.linux,
            files: entries(release.linux?.files).filter(isNotSqlite),
          },
        };
  return {
    ...substituted,
    electronVersion: runtime.version,
    electronDist: runtime.dist,
    publish: null,
    forceCodeSigning: false,
    linux: {
      ...substituted.linux,
      description: `TEST BUILD on Electron ${runtime.version}, not for use. ${release.linux?.description ?? ''}`,
    },
    deb: {
      ...release.deb,
      compression: 'gz',
      artifactName: `\${name}_\${version}_\${arch}-${testMark}.\${ext}`,
    },
    afterExtract: './build/packaging/after-extract.ts',
  };
}

type FileEntry = string | FileSet;

function entries(files: Configuration['files']): FileEntry[] {
  if (files === undefined || files === null) return [];
  return Array.isArray(files) ? files : [files];
}

const isNotSqlite = (entry: FileEntry): boolean =>
  typeof entry === 'string' || entry.from?.startsWith('node_modules/better-sqlite3') !== true;

const nativeSets = (native: string): FileSet[] =>
  ['better-sqlite3', 'bindings', 'file-uri-to-path']
    .filter((name) => existsSync(join(native, name)))
    .map((name) => ({ from: join(native, name), to: `node_modules/${name}` }));
