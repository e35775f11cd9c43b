import type { Check, CheckContext, Found } from './check.ts';
import { lstatSync, readdirSync, statSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { unfitness } from '../agent/settings/data-dir.ts';

/** Can nobody else look into the data directory? */
export const dataDirectoryCheck: Check = {
  name: 'data-directory',
  todo: 'Make it yours alone: `chmod 700` on the directory, `chmod 600` on its files.',
  run: checkDataDirectory,
};

function checkDataDirectory({ dataDir }: CheckContext): Found {
  const stats = statSync(dataDir, { throwIfNoEntry: false });
  if (!stats) {
    return {
      outcome: 'warn',
      detail: `${dataDir} does not exist yet`,
      todo: 'Start Latchkey once; it makes the directory. If you use another one, name it with --data-dir.',
    };
  }
  if (!stats.isDirectory()) return { outcome: 'fail', detail: `${dataDir} is not a directory` };
  if (process.platform === 'win32') return { outcome: 'ok', detail: dataDir };
  if (stats.uid !== userInfo().uid) {
    return {
      outcome: 'fail',
      detail: `${dataDir} belongs to another user (uid ${stats.uid})`,
      todo: 'Choose your own with --data-dir or LATCHKEY_DATA_DIR.',
    };
  }
  const unfit = unfitness(dataDir, stats.mode);
  if (unfit !== undefined) {
    return {
      outcome: 'fail',
      detail: `${dataDir} is no place for Latchkey: ${unfit}`,
      todo: 'Choose another directory with --data-dir or LATCHKEY_DATA_DIR, and leave this one as it is.',
    };
  }
  const open = (stats.mode & 0o077) !== 0;
  const loose = looseEntries(dataDir);
  if (open) {
    const detail = `${dataDir} has mode ${modeText(stats.mode)}: others may enter it`;
    return { outcome: 'fail', detail, todo: `Run: chmod 700 '${dataDir}'` };
  }
  if (loose.length > 0) {
    return {
      outcome: 'warn',
      detail: `in ${dataDir} others may read or write ${loose.join(', ')}`,
    };
  }
  return { outcome: 'ok', detail: `${dataDir} is private` };
}

/** Only Latchkey's own files: Electron keeps a browser profile beside them. */
function looseEntries(dataDir: string): string[] {
  return readdirSync(dataDir)
    .filter((name) => /\.(?:json|sock|log|sealed)$|^audit$/.test(name))
    .filter((name) => {
      const stats = lstatSync(join(dataDir, name), { throwIfNoEntry: false });
      return stats !== undefined && !stats.isSymbolicLink() && (stats.mode & 0o077) !== 0;
    });
}

function modeText(mode: number): string {
  return (mode & 0o777).toString(8).padStart(4, '0');
}
