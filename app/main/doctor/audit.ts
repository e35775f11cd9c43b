import type { Check, CheckContext, Found } from './check.ts';
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { verifyLedger } from '../../../audit/verify.ts';

// 17 MB a second were verified on a busy machine with two cores; a check has five.
const mostBytes = 40 * 1024 * 1024;
const mostShown = 3;

/** Does the local audit still verify? It is only read. */
export const auditCheck: Check = {
  name: 'audit',
  todo: 'Keep a copy of the audit directory and tell your administrator: records were changed or lost.',
  run: checkAudit,
};

async function checkAudit({ dataDir, profile }: CheckContext): Promise<Found> {
  const dir = join(profile?.dir ?? dataDir, 'audit');
  const bytes = sizeOf(dir);
  if (bytes === undefined) return { outcome: 'skip', detail: 'nothing was recorded yet' };
  if (bytes > mostBytes) {
    const detail = `${Math.round(bytes / 1024 / 1024)} MB: run \`latchkey audit verify\`, which takes its time`;
    return { outcome: 'skip', detail };
  }
  const { ok, records, checkpoints, faults } = await verifyLedger(dir);
  if (ok) {
    const detail = `${records} records and ${checkpoints} signed checkpoints verify`;
    return { outcome: 'ok', detail };
  }
  const shown = faults.slice(0, mostShown).map(({ segment, seq, what }) => {
    const where = seq === undefined ? segment : `record ${seq}`;
    return where === undefined ? what : `${where}: ${what}`;
  });
  const more = faults.length > mostShown ? ` | and ${faults.length - mostShown} more` : '';
  return { outcome: 'fail', detail: `${shown.join(' | ')}${more}` };
}

function sizeOf(dir: string): number | undefined {
  try {
    const names = readdirSync(dir);
    if (names.length === 0) return undefined;
    return names.reduce((sum, name) => {
      return sum + (statSync(join(dir, name), { throwIfNoEntry: false })?.size ?? 0);
    }, 0);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}
