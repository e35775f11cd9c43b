import assert from 'node:assert/strict';
import { appendFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type TestContext, test } from 'node:test';
import {
  type Checkpoint,
  checkpointsPath,
  parseCheckpoint,
  publicKeyPath,
  readPublicKeys,
} from '../../audit/checkpoint.ts';
import { createLedger } from '../../audit/ledger.ts';
import { queryLedger } from '../../audit/query.ts';
import { segmentsToRead } from '../../audit/reader.ts';
import { prepareSegment } from '../../audit/retention/prepare.ts';
import { signedRecords } from '../../audit/retention/signed.ts';
import { writtenAt } from '../audit/ledger-dir.ts';
import { until } from '../support/until.ts';

const DAY = 86_400_000;
const start = Date.parse('2026-01-01T12:00:00Z');
const later = '2099-01-01T00:00:00.000Z';

const firstDay = (t: TestContext): Promise<string> => writtenAt(t, start, 10);

function genuine(dir: string): Checkpoint[] {
  return readFileSync(checkpointsPath(dir), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => parseCheckpoint(line) ?? assert.fail());
}

const lineOf = (checkpoint: Checkpoint): string => `${JSON.stringify(checkpoint)}\n`;

/** Runs the daily job a month later, when requests of `billing` have expired. */
async function aMonthLater(dir: string): Promise<{ left: number; errors: string }> {
  const errors: string[] = [];
  const ledger = createLedger({
    dir,
    side: 'relay',
    now: () => start + 31 * DAY,
    retention: () => ({ defaultMs: 400 * DAY, apis: { billing: 30 * DAY } }),
    onError: (error) => errors.push(String(error)),
  });
  const left = (): number =>
    queryLedger(dir, { api: 'billing', kinds: ['request'] }).records.length;
  await until(
    'the records have expired, or the job has failed',
    () => left() === 0 || errors.length > 0,
  );
  await ledger.close();
  return { left: left(), errors: errors.join('\n') };
}

test('a checkpoint with a later time that nobody signed delays no expiry', async (t) => {
  const dir = await firstDay(t);
  const [first = assert.fail()] = genuine(dir);
  const own = readFileSync(checkpointsPath(dir), 'utf8');
  const forged = [
    lineOf({ ...first, at: later }),
    lineOf({ ...first, at: later, keyId: '0123456789abcdef' }),
    lineOf({ ...first, seq: 3, at: later, signature: 'AAAA' }),
    lineOf({ ...first, at: 'tomorrow' }),
    'no checkpoint at all\n',
  ];
  writeFileSync(checkpointsPath(dir), `${forged.join('')}${own}`);
  assert.deepEqual(await aMonthLater(dir), { left: 0, errors: '' });
});

test('of forged checkpoints none says anything, and genuine ones beside them still do', async (t) => {
  const dir = await firstDay(t);
  const checkpoints = genuine(dir);
  const [first = assert.fail(), last = assert.fail()] = checkpoints;
  assert.equal(checkpoints.length, 2);
  for (let seq = 1; seq < 20; seq += 1) {
    appendFileSync(checkpointsPath(dir), lineOf({ ...last, seq, at: later }));
  }
  const signed = await signedRecords(dir, readPublicKeys(publicKeyPath(dir)));
  assert.equal(signed.timeBefore(1), '');
  assert.equal(signed.timeBefore(2), first.at);
  assert.equal(signed.timeBefore(1_000), last.at);
  const named = Array.from({ length: 40 }, (_, seq) => seq).filter((seq) => signed.has(seq));
  assert.deepEqual(named, [first.seq, last.seq]);
});

test('without the keys that signed nothing expires, rather than too early', async (t) => {
  const dir = await firstDay(t);
  rmSync(publicKeyPath(dir));
  const [segment = assert.fail()] = segmentsToRead(dir);
  const order = {
    path: segment.path,
    policy: { defaultMs: 30 * DAY, apis: {} },
    nowMs: start + 31 * DAY,
    held: { people: [], apis: [] },
  };
  await assert.rejects(prepareSegment(order), { code: 'audit_config', message: /public keys/ });
  const signed = await signedRecords(dir, new Map());
  assert.deepEqual([signed.timeBefore(1_000), signed.has(1)], ['', false]);
});
