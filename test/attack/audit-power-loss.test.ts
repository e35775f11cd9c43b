import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { createLedger } from '../../audit/ledger.ts';
import { verifyLedger } from '../../audit/verify.ts';
import { allRecords } from '../audit/ledger-dir.ts';
import { diskVolume, mountImage } from '../support/volume.ts';

const writer = fileURLToPath(new URL('audit-power-loss.writer.ts', import.meta.url));

interface Aftermath {
  readonly acknowledged: readonly string[];
  /** The ledger as the disk had it. */
  readonly dir: string;
}

/** Lets a process write to a disk of its own and cuts the power under it. */
async function powerLoss(t: TestContext, durability: string): Promise<Aftermath | undefined> {
  const disk = diskVolume(t, 64);
  if (!disk) return undefined;
  const dir = join(disk.path, 'audit');
  const child = spawn(process.execPath, [writer, dir, durability], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.after(() => child.kill('SIGKILL'));
  let text = '';
  child.stdout.setEncoding('utf8');
  for await (const chunk of child.stdout) {
    text += String(chunk);
    if (text.split('\n').length > 400) break;
  }
  // What the image holds now is what was written to the disk; all else is in memory and gone.
  child.kill('SIGSTOP');
  const after = mountImage(t, disk.image);
  const gone = once(child, 'exit');
  child.kill('SIGKILL');
  await gone;
  return after && { acknowledged: text.split('\n').slice(0, -1), dir: join(after.path, 'audit') };
}

test('with durability: power no acknowledged request is lost when power is', async (t) => {
  const after = await powerLoss(t, 'power');
  if (!after) return;
  const { dir, acknowledged } = after;
  assert.deepEqual((await verifyLedger(dir)).faults, []);
  const recorded = new Set((await allRecords(dir)).map(({ requestId }) => requestId));
  assert.deepEqual(
    acknowledged.filter((requestId) => !recorded.has(requestId)),
    [],
  );
  const ledger = createLedger({ dir, side: 'relay', durability: 'power' });
  await ledger.close();
  const again = await verifyLedger(dir);
  assert.deepEqual(again.faults, []);
  assert.ok(again.segments > 4 && again.checkpoints > 4);
});

test('with durability: process what is left after a loss of power still verifies', async (t) => {
  const after = await powerLoss(t, 'process');
  if (!after) return;
  const { dir, acknowledged } = after;
  // Even the directory may never have reached the disk; then there is nothing that could be false.
  if (!existsSync(join(dir, 'checkpoints.jsonl'))) return;
  assert.deepEqual((await verifyLedger(dir)).faults, []);
  t.diagnostic(
    `${acknowledged.length} acknowledged, ${(await allRecords(dir)).length} records left`,
  );
});
