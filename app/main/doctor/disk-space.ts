import type { Check, CheckContext, Found } from './check.ts';
import { existsSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { dirname } from 'node:path';

const megabyte = 1024 * 1024;
const fewMegabytes = 500;
const tooFewMegabytes = 50;

/** Is there room for the audit? Without it nothing is sent. */
export const diskSpaceCheck: Check = {
  name: 'disk-space',
  todo: 'Free some space on this disk: Latchkey sends nothing that it cannot record.',
  run: checkDiskSpace,
};

async function checkDiskSpace({ dataDir }: CheckContext): Promise<Found> {
  const { bavail, bsize } = await statfs(existingParent(dataDir));
  const free = Math.floor((bavail * bsize) / megabyte);
  const detail = `${free.toLocaleString('en-US')} MB free where the data directory is`;
  if (free < tooFewMegabytes) return { outcome: 'fail', detail };
  return { outcome: free < fewMegabytes ? 'warn' : 'ok', detail };
}

function existingParent(path: string): string {
  let at = path;
  while (!existsSync(at) && dirname(at) !== at) at = dirname(at);
  return at;
}
