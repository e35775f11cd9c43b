import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { openSync } from 'node:fs';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { describe, test } from 'node:test';
import { createLedger } from '../../../audit/ledger.ts';
import { verifyLedger } from '../../../audit/verify.ts';
import { privateDir } from '../../support/private-dir.ts';
import { writeRequests } from '../../audit/ledger-dir.ts';

const at = (script: string): string => join(import.meta.dirname, '../../..', script);
const skip = process.platform !== 'linux' && 'needs pipes that end a program, and /dev/full';

interface Ended {
  readonly code: number | null;
  readonly err: string;
}

/** Runs a command of which somebody reads one chunk, then goes. */
async function readOnce(script: string, args: readonly string[]): Promise<Ended> {
  const child = spawn(process.execPath, [at(script), ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const err = text(child.stderr);
  const exit = once(child, 'exit');
  await once(child.stdout, 'data');
  child.stdout.destroy();
  const [code] = (await exit) as [number | null];
  return { code, err: await err };
}

/** Runs a command whose output goes to a disk that is full. */
async function toFullDisk(script: string, args: readonly string[]): Promise<Ended> {
  const full = openSync('/dev/full', 'w');
  const child = spawn(process.execPath, [at(script), ...args], { stdio: ['ignore', full, 'pipe'] });
  const exit = once(child, 'exit');
  const err = await text(child.stderr ?? process.stdin);
  const [code] = (await exit) as [number | null];
  return { code, err };
}

describe('an output that fails', { skip }, () => {
  test('a reader that has enough ends the command as SIGPIPE does, without a word', async (t) => {
    const dataDir = privateDir(t);
    const ledger = createLedger({ dir: join(dataDir, 'audit'), side: 'app' });
    await writeRequests(ledger, 3000);
    await ledger.close();
    const app = await readOnce('app/cli/main.ts', ['audit', 'export', '--data-dir', dataDir]);
    assert.deepEqual(app, { code: 141, err: '' });
    const relay = await readOnce('relay/main.ts', [
      'audit',
      'export',
      '--dir',
      join(dataDir, 'audit'),
    ]);
    assert.equal(relay.code, 141);
    assert.doesNotMatch(relay.err, /EPIPE|at /u);
  });

  test('a full disk is told in one sentence, with exit code 1', async (t) => {
    const dataDir = privateDir(t);
    const app = await toFullDisk('app/cli/main.ts', ['policy', '--data-dir', dataDir]);
    assert.deepEqual(app, { code: 1, err: 'latchkey: the output cannot be written (ENOSPC)\n' });
    const relay = await toFullDisk('relay/main.ts', ['schema']);
    const err = 'latchkey-relay: the output cannot be written (ENOSPC)\n';
    assert.deepEqual(relay, { code: 1, err });
  });

  test('an agent whose reader goes ends in order', async (t) => {
    const asked = Promise.withResolvers<ServerResponse>();
    const relay = createServer((_request, response) => asked.resolve(response));
    relay.listen(0, '127.0.0.1');
    await once(relay, 'listening');
    t.after(() => relay.close());
    const { port } = relay.address() as AddressInfo;
    const dataDir = privateDir(t);
    const args = ['--data-dir', dataDir, '--port', '0', '--relay', `http://127.0.0.1:${port}`];
    const child = spawn(
      process.execPath,
      [at('app/cli/main.ts'), 'agent', '--no-browser', ...args],
      {
        stdio: ['ignore', 'pipe', 'pipe'],
      },
    );
    t.after(() => child.kill('SIGKILL'));
    const err = text(child.stderr);
    const exit = once(child, 'exit');
    await once(createInterface({ input: child.stdout }), 'line');
    const response = await asked.promise;
    child.stdout.destroy();
    // A fault of the sign-in, of which the reader would have been told.
    response.writeHead(500).end();
    assert.deepEqual(await exit, [141, null]);
    assert.doesNotMatch(await err, /EPIPE|^ +at /mu);
    const { ok } = await verifyLedger(join(dataDir, 'audit'));
    assert.ok(ok);
  });
});
