import type { Check, CheckContext, Found } from './check.ts';
import { join } from 'node:path';
import { readToolKeys } from '../agent/proxy/tool-key-file.ts';

/** Can the keys of tools be read? No key's name is told. */
export const toolKeysCheck: Check = {
  name: 'tool-keys',
  todo: 'Correct the file, or remove it and make new keys with `latchkey keys add NAME`; then restart Latchkey.',
  run: checkToolKeys,
};

function checkToolKeys({ dataDir, settings }: CheckContext): Found {
  const file = join(dataDir, 'tool-keys.json');
  const isNeeded = settings.get('guard.requireToolKeys');
  try {
    const { length } = readToolKeys(file);
    const needed = isNeeded ? 'every tool must show one' : 'none is needed';
    return { outcome: 'ok', detail: `${length === 0 ? 'no' : length} key(s); ${needed}` };
  } catch {
    const meaning = isNeeded ? 'every tool is refused' : 'tools that show a key are refused';
    return { outcome: 'fail', detail: `${file} cannot be read: ${meaning}` };
  }
}
