import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  appendFileSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  statfsSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { verifyLedger } from '../../audit/verify.ts';
import { settledRecords } from '../audit/ledger-dir.ts';
import { type RelayProcess, startRelayProcess } from '../support/relay-process.ts';
import { breakVolume, diskVolume, memoryVolume, type Volume } from '../support/volume.ts';
import { until } from '../support/until.ts';

/** Beside `x`, which needs its record: an API that does without where there is none. */
const lenient = `  y:
    path: /y
    upstream: ['UPSTREAM']
    audit: { required: false }
    rules:
      - { name: any, allow: { scopes: [read] } }`;

function relayOn(t: TestContext, dir: string): Promise<RelayProcess> {
  return startRelayProcess(t, { auditDir: dir, apis: lenient });
}

interface Answer {
  readonly status: number;
  readonly code: string | undefined;
}

async function get(relay: RelayProcess, path: string): Promise<Answer> {
  const headers = { authorization: `Bearer ${await relay.token()}` };
  const answer = await fetch(`${relay.url}${path}`, { headers });
  return { status: answer.status, code: /"code":"(\w+)"/.exec(await answer.text())?.[1] };
}

const arrived = (relay: RelayProcess, path: string): number =>
  relay.upstream
    .received()
    .join('')
    .split('\n')
    .filter((line) => line.startsWith(`GET /`) && line.includes(path)).length;

async function readiness(relay: RelayProcess): Promise<{ status: number; text: string }> {
  const answer = await fetch(`${relay.management}/readyz`);
  return { status: answer.status, text: await answer.text() };
}

/** While the audit can't be written: nothing of `x` gets through, `y` goes on, and readiness says why. */
async function refusesWhile(relay: RelayProcess, why: RegExp): Promise<void> {
  await until('the fault is noticed', async () => (await get(relay, '/x/before')).status === 503);
  for (let i = 0; i < 5; i += 1) {
    assert.deepEqual(await get(relay, '/x/refused'), { status: 503, code: 'audit_unavailable' });
    assert.equal((await get(relay, '/y/lenient')).status, 200);
  }
  assert.equal(arrived(relay, '/refused'), 0, 'nothing unrecorded reached the upstream');
  const { status, text } = await readiness(relay);
  assert.equal(status, 503);
  assert.match(text, /"name":"audit","ok":false/);
  assert.match(text, why);
  assert.equal(relay.child.exitCode, null);
}

/** Without a restart, and without a request that would try. */
async function recovers(relay: RelayProcess): Promise<void> {
  await until('it is ready again', async () => (await readiness(relay)).status === 200);
  assert.equal((await get(relay, '/x/after')).status, 200);
}

/** Nothing is missing: the lenient API's requests, written late, and what happened to the rest. */
async function tellsAll(relay: RelayProcess): Promise<void> {
  const records = await settledRecords(relay.auditDir);
  const allowed = records.filter(
    ({ kind, decision }) => kind === 'request' && decision === 'allow',
  );
  const of = (path: string): number =>
    allowed.filter((record) => record.path?.includes(path)).length;
  assert.equal(of('/lenient'), arrived(relay, '/lenient'));
  assert.equal(of('/after'), arrived(relay, '/after'));
  // A disk that is nearly full may take a record now and then: each time it is over is told.
  const gaps = records.filter(({ kind }) => kind === 'gap').map(({ detail }) => detail ?? '');
  assert.match(
    gaps.join('\n'),
    /could not be written since .*: [1-9]\d* were refused, 0 were lost/,
  );
  const { faults } = await verifyLedger(relay.auditDir);
  assert.deepEqual(faults, []);
}

function fill(volume: Volume, ballast: string): void {
  const { bavail, bsize } = statfsSync(volume.path);
  try {
    appendFileSync(ballast, Buffer.alloc(bavail * bsize));
  } catch (error) {
    // The relay was quicker: then there is no room either.
    assert.equal((error as NodeJS.ErrnoException).code, 'ENOSPC');
  }
}

test('a full disk: refused, said, and over when there is room again', async (t) => {
  const volume = memoryVolume(t, 8);
  if (!volume) return;
  const relay = await relayOn(t, join(volume.path, 'audit'));
  assert.equal((await get(relay, '/x/fine')).status, 200);
  const ballast = join(volume.path, 'ballast');
  // What a failed write gives back is room for some more records: until there is none at all.
  let refusals = 0;
  await until('the disk is full for good', async () => {
    fill(volume, ballast);
    refusals = (await get(relay, '/x/before')).status === 503 ? refusals + 1 : 0;
    return refusals > 3;
  });
  await refusesWhile(relay, /full/);
  rmSync(ballast);
  await recovers(relay);
  await tellsAll(relay);
  assert.equal(await relay.stop(), 0);
  assert.deepEqual((await verifyLedger(relay.auditDir)).faults, []);
});

test('a database that another process locks: refused, said, and over when it lets go', async (t) => {
  const relay = await startRelayProcess(t, { apis: lenient });
  assert.equal((await get(relay, '/x/fine')).status, 200);
  const script = `const db = new (require('better-sqlite3'))(process.argv[1]);
    db.exec('BEGIN IMMEDIATE'); console.log('locked'); process.stdin.resume();`;
  const other = spawn(
    process.execPath,
    ['-e', script, join(relay.auditDir, 'audit-000001.sqlite')],
    { stdio: ['pipe', 'pipe', 'inherit'] },
  );
  t.after(() => other.kill('SIGKILL'));
  await once(other.stdout, 'data');
  await refusesWhile(relay, /locked/);
  other.kill('SIGKILL');
  await recovers(relay);
  await tellsAll(relay);
});

test('a directory that is moved away, and one that is put in its place', async (t) => {
  const relay = await startRelayProcess(t, { apis: lenient });
  assert.equal((await get(relay, '/x/fine')).status, 200);
  renameSync(relay.auditDir, `${relay.auditDir}.away`);
  assert.deepEqual(await get(relay, '/x/refused'), { status: 503, code: 'audit_unavailable' });
  assert.equal(arrived(relay, '/refused'), 0);
  mkdirSync(relay.auditDir, { recursive: true, mode: 0o700 });
  await recovers(relay);
  const { ok, faults } = await verifyLedger(relay.auditDir);
  assert.equal(ok, false, 'that the records before are gone can be seen');
  assert.match(faults[0]?.what ?? '', /the segment begins after record \d+/);
  assert.deepEqual((await verifyLedger(`${relay.auditDir}.away`)).faults, []);
});

test('a disk that turns read-only: refused and said, and no crash', async (t) => {
  const volume = diskVolume(t, 64);
  if (!volume) return;
  const relay = await relayOn(t, join(volume.path, 'audit'));
  assert.equal((await get(relay, '/x/fine')).status, 200);
  breakVolume(volume);
  await refusesWhile(relay, /read-?only|I\/O|EROFS|EIO/i);
});

/** Starts a relay that is expected to end by itself. */
async function startAgain(t: TestContext, relay: RelayProcess) {
  const child = spawn(process.execPath, ['relay/main.ts', '--config', relay.configFile], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  t.after(() => child.kill('SIGKILL'));
  let said = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => (said += chunk.toString()));
  }
  const [code] = (await once(child, 'close')) as [number];
  assert.doesNotMatch(said, /"listening"/);
  return { code, said };
}

test('a damaged segment at the start: the relay says which, and does not serve', async (t) => {
  const relay = await startRelayProcess(t);
  assert.equal((await get(relay, '/x/fine')).status, 200);
  await relay.stop();
  const segment = readdirSync(relay.auditDir).find((name) => /^audit-.*\.sqlite$/.test(name)) ?? '';
  writeFileSync(join(relay.auditDir, segment), Buffer.alloc(40_000, 'damaged'));
  const { code, said } = await startAgain(t, relay);
  assert.equal(code, 1);
  assert.match(said, /damaged.*keep this directory as evidence/);
});

test('a full disk at the start: the relay says which directory, and does not serve', async (t) => {
  const volume = memoryVolume(t, 4);
  if (!volume) return;
  const relay = await relayOn(t, join(volume.path, 'audit'));
  await relay.stop();
  fill(volume, join(volume.path, 'ballast'));
  const { code, said } = await startAgain(t, relay);
  assert.equal(code, 1);
  assert.match(said, /the audit .*full/);
});
